"""From an address to a run that can be watched here."""

import time
from collections.abc import Callable
from pathlib import Path

from rl_baselines.play.policies.sources import LOOK_SECONDS, Patience, Source
from rl_baselines.play.remote.client import LinkLost, RunClient
from rl_baselines.play.remote.mirror import Mirror, make_mirror
from srl3.errors import UserError


class Mirrors:
    """Mirrors of the runs that are named by addresses, one for each address.

    Args:
        log_dir: the copies lie below it.
        token: of the servers, where they have one.
        wait: for servers that are not there yet.
        say: takes a line for people.
        clock: seconds, monotonic.
        sleep: passes so many of them.
    """

    def __init__(
        self,
        log_dir: Path,
        token: str,
        wait: bool,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._log_dir, self._token, self._wait = log_dir, token, wait
        self._say, self._clock, self._sleep = say, clock, sleep
        self._made: dict[str, Mirror] = {}

    def source(self, address: str) -> Source:
        """The run that is offered at an address, kept up to date from now on.

        Raises:
            UserError: when nobody answers, or no run is offered.
        """
        client = RunClient(address, self._token)
        if client.address not in self._made:
            mirror = self._connected(client)
            mirror.start()
            self._made[client.address] = mirror
            self._say(f"{mirror.run.path} mirrors what {client.address} offers")
        mirror = self._made[client.address]
        return Source(mirror.run.path.name, mirror.run, link=mirror)

    def close(self) -> None:
        """End all mirrors."""
        for mirror in self._made.values():
            mirror.close()

    def _connected(self, client: RunClient) -> Mirror:
        patience = None
        while True:
            try:
                return make_mirror(client, self._log_dir)
            except LinkLost as error:
                if not self._wait:
                    raise UserError(
                        f"no run is offered at {client.address} ({error}): play --serve offers one, and ssh -L brings "
                        "it here; --wait waits for it."
                    ) from None
            if patience is None:
                patience = Patience(f"a run that is offered at {client.address}", self._say, self._clock())
            patience.still(self._clock())
            self._sleep(LOOK_SECONDS)
