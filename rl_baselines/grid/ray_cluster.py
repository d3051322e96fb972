"""The runs of a grid as tasks of a Ray cluster, whose machines share the log folder."""

import logging
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rl_baselines.grid.executors import POLL_SECONDS, Ended, Job, start_train
from srl3.errors import UserError

LISTENING_SECONDS = 10.0


class RayExecutor:
    """Jobs as Ray tasks; a context manager that leaves the cluster, or ends the one it started.

    Args:
        environment: variables that the trainings get besides their machine's own.
        cpus: processor cores that each job asks for.
        address: of the cluster; None takes ``RAY_ADDRESS``, or else starts one on this machine.
        signals: folder that all machines share, through which the jobs are interrupted.

    Raises:
        UserError: when Ray is missing, or there is no cluster at the address.
    """

    def __init__(self, environment: Mapping[str, str], cpus: int, address: str | None, signals: Path) -> None:
        check_ray()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray = ray
        self._environment = dict(environment)
        self._signal = signals.absolute() / f".signal-{os.getpid()}"
        address = address or os.environ.get("RAY_ADDRESS")
        try:
            if address:
                _check_listening(address)
                ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
            else:
                ray.init("local", include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
        except Exception as error:  # Ray raises plain ones too
            what = f"join the Ray cluster at {address}" if address else "start Ray on this machine"
            advice = "start it with ray start --head, or leave out --ray-address" if address else "use --executor local"
            raise UserError(f"can't {what} ({str(error).splitlines()[0]}); {advice}.") from None
        self._task = ray.remote(num_cpus=cpus, max_retries=0)(run_job)
        self._running: dict[Any, Job] = {}

    def __enter__(self) -> "RayExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self._signal.unlink(missing_ok=True)
        self._ray.shutdown()

    def start(self, job: Job) -> None:
        """Begin a job as soon as the cluster has room for it."""
        reference = self._task.remote(
            job.arguments,
            str(job.log.absolute()),
            str(job.result.absolute()),
            self._environment,
            os.getcwd(),
            str(self._signal),
        )
        self._running[reference] = job

    def wait(self, seconds: float) -> list[Ended]:
        """Jobs that have ended; waits so long for the first one."""
        if not self._running:
            return []
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        return [Ended(self._running.pop(reference), self._status(reference)) for reference in ready]

    def interrupt(self, number: int) -> None:
        """Send a signal to all jobs, also those that the cluster has not begun."""
        with self._signal.open("a") as file:
            file.write(f"{number}\n")

    def _status(self, reference: Any) -> int:
        try:
            return int(self._ray.get(reference))
        except self._ray.exceptions.RayError as error:
            print(f"Ray lost a run: {str(error).splitlines()[0]}")
            return 1


def _check_listening(address: str) -> None:
    """Raise `OSError` when nobody listens there; Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=LISTENING_SECONDS).close()


def check_ray() -> None:
    """Raise `UserError` unless Ray is installed."""
    from importlib.util import find_spec

    spec = find_spec("ray")
    if spec is None or spec.origin is None:  # a mere folder of that name has no origin
        raise UserError("--executor ray needs Ray; install the extra: pip install 'srl3[ray]'.")


def run_job(
    arguments: tuple[str, ...], log: str, result: str, environment: dict[str, str], folder: str, signals: str
) -> int:
    """On a machine of the cluster: call train, hand on the signals that the file names, return the exit status."""
    file, sent = Path(signals), 0
    if file.exists():
        return 128 + signal.SIGINT
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # Ray's workers do, and processes inherit it
    try:
        process = start_train(arguments, Path(log), Path(result), {**os.environ, **environment}, folder=folder)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    while True:
        try:
            return process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            numbers = file.read_text().split() if file.exists() else []
            for number in map(int, numbers[sent:]):
                (os.killpg if number == signal.SIGKILL else os.kill)(process.pid, number)
            sent = len(numbers)
