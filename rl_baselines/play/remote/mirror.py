"""A local copy of a run that another machine offers, kept up to date by a thread."""

import contextlib
import fcntl
import os
import re
import threading
import time
from pathlib import Path
from typing import BinaryIO

from rl_baselines.play.policies.watcher import Signature, signature
from rl_baselines.play.remote.client import Changed, LinkLost, RunClient
from rl_baselines.play.remote.listing import Listing, Version
from rl_baselines.play.remote.offer import sha256_of_file
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.runs.shared import grows
from srl3.errors import UserError
from srl3.files import make_folder

ROUND_SECONDS = 0.5
"""between two looks at what is offered"""
FETCH_SECONDS = 2.0
"""after which files other than the newest checkpoint wait, for a look at whether there is a newer one"""
SLOWEST = 8.0
"""seconds between two tries while the link is broken"""
END_SECONDS = 2.0
"""for which a thread is waited for that may be asking somebody who does not answer"""
FOLDER = "mirrored"
"""in the folder of runs"""


class Mirror:
    """Brings a folder up to date with what is offered, newest checkpoint first. Nothing is ever removed from it.

    A file takes its place only when it is whole and its SHA-256 is right; its time is that of the original.

    Args:
        client: asks.
        folder: of the copy; it is made.
        identity: of the run; another one that is offered at the same address is refused.

    Attributes:
        problem: why the copy may be out of date, else empty.
    """

    def __init__(self, client: RunClient, folder: Path, identity: str) -> None:
        self.run = RunFolder(folder)
        self.problem = ""
        self._client = client
        self._identity = identity
        self._known: dict[str, tuple[str, Signature]] = {}
        self._lock: BinaryIO | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Keep the copy up to date from now on."""
        self._thread = threading.Thread(target=self._work, name="mirror", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; what has come of a file stays for another time."""
        self._ended.set()
        if self._thread is not None:
            self._client.abort()
            self._thread.join(END_SECONDS)
        self._client.close()
        if self._lock is not None:
            self._lock.close()

    def round(self, listing: Listing | None = None) -> bool:
        """One look, and fetching what is new; whether nothing is left to fetch.

        Args:
            listing: what was seen just now; None asks.

        Raises:
            LinkLost: when the link is broken.
            UserError: when it is another run's by now, or the copy can't be written.
        """
        if not self._hold():
            return True
        listing = listing or self._client.listing()
        if listing.identity != self._identity:
            raise UserError(
                f"{self._client.address} offers another run by now, {listing.run[:80]!r}; start another play for it."
            )
        urgent = self.run.latest.name
        end = None
        for version in listing.files:
            if self._is_here(version):
                continue
            if version.name != urgent and end is None:
                end = time.monotonic() + FETCH_SECONDS
            try:
                if not self._bring(version, None if version.name == urgent else end):
                    return False
            except Changed:
                return False
        return True

    def _hold(self) -> bool:
        """Whether this mirror is the one that writes the copy; where two plays mirror a run, the other one reads."""
        if self._lock is not None:
            return True
        make_folder(self.run.checkpoints)
        lock = self.run.mirror_lock.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        except OSError:  # a file system without locks
            pass
        self._lock = lock
        return True

    def _is_here(self, version: Version) -> bool:
        found = signature(self.run.path / version.name)
        if found is None:
            return False
        if version.name not in self._known:  # of an earlier play
            self._known[version.name] = (sha256_of_file(self.run.path / version.name), found)
        return self._known[version.name] == (version.sha256, found)

    def _bring(self, version: Version, end: float | None) -> bool:
        """Fetch a file, until ``end`` of the clock if so; whether it is here now."""
        path = self.run.path / version.name
        part = path.with_name(f".{path.name}.{version.sha256[:16]}.part")
        for old in path.parent.glob(f".{path.name}.*.part"):
            if old != part:
                old.unlink()
        if grows(version.name) and not part.exists() and path.is_file():
            part.write_bytes(path.read_bytes()[: version.size])

        def go_on() -> bool:
            return not self._ended.is_set() and (end is None or time.monotonic() < end)

        if not self._client.fetch(version, part, go_on):
            return False
        os.utime(part, ns=(version.mtime_ns, version.mtime_ns))
        os.replace(part, path)
        found = signature(path)
        assert found is not None
        self._known[version.name] = (version.sha256, found)
        return True

    def _work(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            try:
                pause = ROUND_SECONDS if self.round() else 0.0
                self.problem = ""
            except LinkLost as error:
                self.problem = f"the link to {self._client.address} is broken ({error}); it is tried again."
                pause = min(SLOWEST, max(ROUND_SECONDS, 1.5 * pause))
            except UserError as error:
                self.problem, pause = str(error), SLOWEST
            except OSError as error:
                self.problem, pause = f"{self.run.path} can't be written ({error.strerror}).", SLOWEST


def make_mirror(client: RunClient, log_dir: Path) -> Mirror:
    """A mirror of what is offered now, below ``log_dir``, which has what makes it a run.

    Raises:
        LinkLost: when nobody answers.
        UserError: when no run is offered there, or its copy can't be written.
    """
    listing = client.listing()
    name = re.sub(r"[^\w.-]+|^\.+", "_", listing.run)[:80] or "run"
    mirror = Mirror(client, log_dir / FOLDER / f"{name}-{listing.identity}", listing.identity)
    settings = [version for version in listing.files if version.name == mirror.run.args.name]
    if not settings:
        raise UserError(f"{client.address} offers a folder without {mirror.run.args.name}, which is no run.")
    try:
        mirror.round(Listing(listing.run, listing.identity, tuple(settings)))
    except BaseException:
        with contextlib.suppress(LinkLost):
            mirror.close()
        raise
    return mirror
