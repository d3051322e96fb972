"""Commands that are run several at a time, each in a process of its own, for what they print."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

Value = TypeVar("Value")
LAST_LINE = 300
"""characters of an error that are shown"""


@dataclass(frozen=True)
class Printed:
    """What an ended process left."""

    output: str
    errors: str
    exit_status: int
    """negative for a signal that killed it"""

    @property
    def why(self) -> str:
        """Why it failed: the last line that it wrote on stderr, or its exit status."""
        lines = [line for line in self.errors.strip().splitlines() if line] or [f"exit status {self.exit_status}"]
        return lines[-1].removeprefix("error: ")[:LAST_LINE]


class Children:
    """Runs commands for threads of its own; a context manager that leaves no process behind.

    Each is in a session of its own, so that the terminal's Ctrl-C comes to this process alone.

    Args:
        jobs: processes at once.
        environment: variables of the processes besides this one's.
    """

    def __init__(self, jobs: int, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._pool = ThreadPoolExecutor(jobs)
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = Lock()
        self._over = False

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over = True
            for process in self._running:
                os.killpg(process.pid, signal.SIGKILL)
        self._pool.shutdown(cancel_futures=True)

    def submit(self, work: Callable[[], Value]) -> Future[Value]:
        """Have a thread do ``work``, which calls `run`."""
        return self._pool.submit(work)

    def run(self, command: Sequence[str]) -> Printed | None:
        """Run a command (program and arguments) to its end; None where it was not begun any more."""
        with self._lock:
            if self._over:
                return None
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self._environment,
                start_new_session=True,
            )
            self._running.add(process)
        output, errors = process.communicate()
        with self._lock:
            self._running.discard(process)
        return Printed(output, errors, process.returncode)


def shared_cores(jobs: int) -> dict[str, str]:
    """Variables for an equal share of the cores for each of ``jobs`` processes, where the user has not set them."""
    share = str(max(1, len(os.sched_getaffinity(0)) // jobs))
    return {name: share for name in ("OMP_NUM_THREADS", "PYTHON_CPU_COUNT") if name not in os.environ}
