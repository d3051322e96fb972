"""Recording in this process or in several; episodes come out in order, whoever recorded them."""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from environments.datasets.recording.recorder import Episode, Recorder, RecordingPlan, part_path
from environments.registry import find_env
from srl3.errors import UserError
from srl3.os_errors import DISK_FULL, in_words

CONTEXT = multiprocessing.get_context("forkserver")
LOOK_SECONDS = 0.2
"""time between two looks at whether to stop"""
STOP_SECONDS = 5.0


class RecordingError(RuntimeError):
    """A recording process died, or raised an error that is not the user's."""


def record_here(plan: RecordingPlan, stopped: Callable[[], bool]) -> Iterator[Episode]:
    """The episodes of ``plan`` in order, recorded in this process, until ``stopped``."""
    recorder = Recorder(plan)
    for block in plan.blocks:
        yield from recorder.record(block, stopped)
        if stopped():
            return


def record_in_processes(
    plan: RecordingPlan, num_processes: int, folder: Path, stopped: Callable[[], bool]
) -> Iterator[Episode]:
    """The episodes of ``plan`` in order, until ``stopped``; then also those that were finished further on.

    Args:
        plan: what to record.
        num_processes: how many processes play blocks in turn.
        folder: where they put finished episodes.
        stopped: asked several times a second.

    Raises:
        RecordingError: when a process dies; the generator has yielded every finished episode before.
        OSError: likewise, when one finds the disk full.
        UserError: likewise.
    """
    CONTEXT.set_forkserver_preload([_module_of(plan), type(plan.performer).__module__, __name__])
    workers = [_Worker(plan, rank, num_processes, folder) for rank in range(num_processes)]
    following, failure = 0, None
    try:
        while failure is None and not stopped() and following < plan.num_episodes:
            failure = _listen(workers)
            while not stopped() and part_path(folder, following).exists():
                yield Episode.take(part_path(folder, following))
                following += 1
    finally:
        for worker in workers:
            worker.stop()
    yield from finished_parts(folder)
    if failure is not None:
        raise failure


def finished_parts(folder: Path) -> Iterator[Episode]:
    """The finished episodes in ``folder``, in order; each leaves it. Unfinished ones are removed first."""
    for unfinished in folder.glob(".*"):
        unfinished.unlink()
    for path in sorted(folder.iterdir()):
        yield Episode.take(path)


class _Worker:
    """One recording process, as the one that started it sees it."""

    def __init__(self, plan: RecordingPlan, rank: int, count: int, folder: Path) -> None:
        self.rank = rank
        self.ours, theirs = CONTEXT.Pipe(duplex=False)
        self.process = CONTEXT.Process(target=_work, args=(plan, rank, count, folder, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.finished = False

    def stop(self) -> None:
        if self.process.is_alive() and not self.finished:
            self.process.terminate()
        self.process.join(STOP_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.ours.close()


def _module_of(plan: RecordingPlan) -> str:
    return find_env(plan.env_id).entry_point.partition(":")[0]


def _listen(workers: list[_Worker]) -> Exception | None:
    """Take what the processes say, waiting a little; returns the first failure."""
    waiting: dict[Any, _Worker] = {worker.ours: worker for worker in workers if not worker.finished}
    for ready in wait(list(waiting), LOOK_SECONDS):
        worker = waiting[ready]
        try:
            said = worker.ours.recv()
        except EOFError:
            worker.process.join()
            return RecordingError(
                f"recording process {worker.rank} died (exit status {worker.process.exitcode}); is memory short?"
            )
        if said is None:
            worker.finished = True
        elif isinstance(said, Exception):
            return said
    return None


def _work(plan: RecordingPlan, rank: int, count: int, folder: Path, pipe: Connection) -> None:
    """A process's life: it plays blocks ``rank``, ``rank + count`` … Ctrl-C is for the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):  # nobody listens any more
        try:
            recorder = Recorder(plan)
            for block in plan.blocks[rank::count]:
                for episode in recorder.record(block, stopped=_orphaned):
                    episode.save(folder)
                    pipe.send(episode.number)
            pipe.send(None)
        except UserError as error:
            pipe.send(error)
        except OSError as error:
            if error.errno in DISK_FULL:
                pipe.send(OSError(error.errno, error.strerror, str(folder)))
            else:
                reason = in_words(error) or f"\n{traceback.format_exc()}"
                pipe.send(RecordingError(f"recording process {rank} failed: {reason}"))
        except Exception:
            pipe.send(RecordingError(f"recording process {rank} failed:\n{traceback.format_exc()}"))


def _orphaned() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()
