"""Several workers, each a process of its own; the storage is all that they share."""

import contextlib
import multiprocessing
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.progress import Listener, TrialEnd
from rl_baselines.search.stop import Stop, WorkerStop
from rl_baselines.search.studies.study import tame_optuna
from rl_baselines.search.worker import run_trials
from srl3.errors import UserError

LOOK_SECONDS = 0.2
"""time between two looks at a request to stop"""
END_SECONDS = 30.0
"""time that workers have to give back their trials"""


@dataclass
class _Worker:
    number: int
    process: Any
    pipe: Connection
    error: str | None = None
    """the user's mistake that it ended with"""
    said_good_bye: bool = False


class _Sender:
    """A `Listener` in a worker process: passes everything on to the parent."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def trial_ended(self, end: TrialEnd) -> None:
        self.send(end)

    def trial_goes_on(self, share: float) -> None:
        """The parent counts whole trials."""

    def note(self, text: str) -> None:
        self.send(text)

    def send(self, message: Any) -> None:
        with contextlib.suppress(OSError):  # without a parent there is nobody to tell
            self._pipe.send(message)


def _work(plan: SearchPlan, pipe: Connection) -> None:
    """What a worker process does."""
    sender = _Sender(pipe)
    stop = WorkerStop(pipe)
    tame_optuna()
    try:
        run_trials(plan, stop, sender)
        sender.send(None)
    except UserError as error:
        sender.send(error)


def run_in_processes(plan: SearchPlan, stop: Stop, listener: Listener) -> bool:
    """The same as `run_trials`, by ``plan.n_jobs`` processes.

    Returns:
        whether all workers ended as they should; one that died is noted, and the others do its work.

    Raises:
        UserError: what a worker ended with, once all have ended.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([run_trials.__module__])  # torch is imported once, not in each worker
    workers = []
    for number in range(1, plan.n_jobs + 1):
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(plan, theirs), name=f"search worker {number}")
        process.start()
        theirs.close()
        workers.append(_Worker(number, process, ours))
    try:
        _listen(workers, stop, listener)
    finally:
        for worker in workers:
            worker.pipe.close()  # which asks it to end
        deadline = time.monotonic() + END_SECONDS
        for worker in workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
    for worker in workers:
        if worker.error is not None:
            raise UserError(worker.error)
    return all(worker.said_good_bye for worker in workers)


def _listen(workers: list[_Worker], stop: Stop, listener: Listener) -> None:
    """Pass on what the workers say, until all have ended; ask them to end when the search should, or one has failed."""
    by_pipe = {worker.pipe: worker for worker in workers}
    asked = False
    while by_pipe:
        if not asked and (stop.requested or any(worker.error is not None for worker in workers)):
            asked = True
            for pipe in by_pipe:
                with contextlib.suppress(OSError):
                    pipe.send_bytes(b"stop")
        for ready in wait(list(by_pipe), timeout=LOOK_SECONDS):
            worker = by_pipe[ready]  # type: ignore[index]
            try:
                _pass_on(worker.pipe.recv(), worker, listener)
            except (EOFError, OSError):
                del by_pipe[worker.pipe]
                worker.process.join()
                if not worker.said_good_bye and worker.error is None:
                    listener.note(f"worker {worker.number} died ({_how(worker.process.exitcode)})")


def _pass_on(message: Any, worker: _Worker, listener: Listener) -> None:
    match message:
        case None:
            worker.said_good_bye = True
        case UserError():
            worker.error = str(message)
        case TrialEnd():
            listener.trial_ended(message)
        case str():
            listener.note(message)


def _how(exit_code: int) -> str:
    """A process's end in words."""
    return signal.Signals(-exit_code).name if exit_code < 0 else f"exit status {exit_code}"
