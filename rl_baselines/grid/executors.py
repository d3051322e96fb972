"""Where the runs of a grid are run: as processes here. (`rl_baselines.grid.ray_cluster` runs them on a cluster.)"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from rl_baselines.grid.cells import Cell

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Job:
    """One call of train."""

    cell: Cell
    arguments: tuple[str, ...]
    """of ``python -m rl_baselines.train``"""
    log: Path
    """where its output is appended"""
    result: Path
    """where it says which run folder it has, see `rl_baselines.grid.child`"""


@dataclass(frozen=True)
class Ended:
    """A job that has ended."""

    job: Job
    exit_status: int
    """negative for a signal that killed it"""


class Executor(Protocol):
    """Runs jobs beside one another."""

    def start(self, job: Job) -> None:
        """Begin a job."""

    def wait(self, seconds: float) -> list[Ended]:
        """Jobs that have ended; waits so long for the first one."""

    def interrupt(self, number: int) -> None:
        """Send a signal to all jobs that run: SIGINT asks them to save and end, SIGKILL ends them."""


class LocalExecutor:
    """Jobs as processes of this machine.

    Args:
        environment: variables that the processes get besides this one's.
        held: a file that each process keeps open, see `rl_baselines.grid.record.GridRecord.locked`.
    """

    def __init__(self, environment: Mapping[str, str], held: IO[str]) -> None:
        self._environment = {**os.environ, **environment}
        self._held = held
        self._running: dict[Job, subprocess.Popen[bytes]] = {}

    def start(self, job: Job) -> None:
        """Begin a job, in a session of its own: the terminal's Ctrl-C reaches the pipeline alone."""
        self._running[job] = start_train(
            job.arguments, job.log, job.result, self._environment, pass_fds=(self._held.fileno(),)
        )

    def wait(self, seconds: float) -> list[Ended]:
        """Jobs that have ended; waits so long for the first one."""
        deadline = time.monotonic() + seconds
        while True:
            ended = [Ended(job, process.returncode) for job, process in self._running.items() if _over(process)]
            for each in ended:
                del self._running[each.job]
            if ended or time.monotonic() >= deadline:
                return ended
            time.sleep(POLL_SECONDS)

    def interrupt(self, number: int) -> None:
        """Send a signal to all jobs that run, and with SIGKILL to all that these started."""
        for process in self._running.values():
            if process.poll() is None:
                (os.killpg if number == signal.SIGKILL else os.kill)(process.pid, number)


def start_train(
    arguments: Sequence[str],
    log: Path,
    result: Path,
    environment: Mapping[str, str],
    *,
    folder: str | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a training in ``folder`` (else the current one), its output appended to ``log``, its ``result`` new."""
    log.parent.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "rl_baselines.grid.child", str(result.absolute()), *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )


def _over(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() is not None
