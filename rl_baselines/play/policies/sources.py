"""What a slot shows: a run that is followed, one file of it, or an agent without a checkpoint."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rl_baselines.play.policies.agents import AGENTS
from rl_baselines.runs.run_folder import RunFolder, find_run
from rl_baselines.runs.zoo import find_zoo_runs
from srl3.errors import UserError

LOOK_SECONDS = 0.5
"""between two looks for a run or its first checkpoint"""
FIRST_SAID, SAID_AGAIN = 30.0, 2.0
"""seconds after which waiting is said again, and the factor by which that time grows"""


class Link(Protocol):
    """What brings a run here from elsewhere."""

    problem: str
    """why what is here may be out of date, else empty"""

    def close(self) -> None:
        """Bring no more."""
        ...


@dataclass(frozen=True)
class Source:
    """Where a slot's policy comes from."""

    name: str
    """as people see it"""
    run: RunFolder | None = None
    """whose checkpoints are listed and followed"""
    file: Path | None = None
    """the checkpoint that was named; None follows the run"""
    agent: str = ""
    """key of `AGENTS`"""
    link: Link | None = None
    """what keeps the run up to date, where another machine trains it"""
    others: tuple[Path, ...] = ()
    """more checkpoints that can be chosen, of a run that SRL3 did not train"""

    def checkpoints(self) -> list[Path]:
        """What can be chosen, the newest file first."""
        found = self.run.all_checkpoints() if self.run is not None else [*self.others]
        if self.file is not None and self.file not in found and self.file.is_file():
            found.append(self.file)
        return sorted(found, key=_written, reverse=True)

    def newest(self) -> Path:
        """What is followed: the run's ``latest``, or where it has none its newest checkpoint; it may not be there."""
        if self.run is None:
            assert self.file is not None
            return self.file
        if self.run.latest.is_file():
            return self.run.latest
        return next(iter(self.checkpoints()), self.run.latest)


def find_source(spec: str, log_dir: Path) -> Source:
    """What ``spec`` names: an agent of `AGENTS`, a checkpoint file, a run as `find_run` finds it, or one of rl-zoo3.

    Raises:
        UserError: for a miss, listing what is there instead.
    """
    if spec in AGENTS:
        return Source(spec, agent=spec)
    path = Path(spec).expanduser()
    if path.is_file() and path.suffix == ".zip":
        folder = next((each for each in (path.parent, path.parent.parent) if RunFolder(each).args.is_file()), None)
        run = None if folder is None else RunFolder(folder)
        if run is not None and path == run.latest:
            return Source(run.path.name, run)
        return Source(path.stem if run is None else f"{run.path.name}/{path.stem}", run, path)
    try:
        run = find_run(spec, log_dir)
    except UserError:
        foreign = find_zoo_runs(path)
        if not foreign:
            raise
        models = foreign[-1].models()
        return Source(foreign[-1].path.name, None, models[0], others=tuple(models))
    return Source(run.path.name, run)


def find_named(spec: str, log_dir: Path) -> Source:
    """As `find_source`; what is said of a miss names the flag that waits."""
    try:
        return find_source(spec, log_dir)
    except UserError as error:
        raise UserError(f"{str(error).rstrip('.')}; --wait waits for it.") from None


class Patience:
    """Says what is being waited for: at once, after half a minute, and then ever more rarely.

    Args:
        what: what is awaited, and where it is looked for.
        say: takes a line for people.
        now: seconds of a monotonic clock.
    """

    def __init__(self, what: str, say: Callable[[str], None], now: float) -> None:
        self._what, self._say, self._start = what, say, now
        self._next = FIRST_SAID
        say(f"waiting for {what} …")

    def still(self, now: float) -> None:
        """It is not there yet."""
        waited = now - self._start
        if waited >= self._next:
            self._next = max(self._next * SAID_AGAIN, waited)
            self._say(f"still waiting for {self._what} ({duration(waited)} so far) …")


def wait_for_source(
    spec: str,
    log_dir: Path,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Source:
    """`find_source`, once there is such a run."""
    patience = None
    while True:
        try:
            return find_source(spec, log_dir)
        except UserError:
            if patience is None:
                patience = Patience(f"a run '{spec}' in or below {log_dir}/", say, clock())
        patience.still(clock())
        sleep(LOOK_SECONDS)


def duration(seconds: float) -> str:
    """A time as people say it: ``40 s``, ``5 min``, ``3 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.0f} h"


def _written(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:  # gone by now
        return 0, path.name
