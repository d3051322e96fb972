"""Runs a grid: several runs at a time, what became of each noted, the next one begun; ends cleanly on Ctrl-C."""

import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rl_baselines.grid.cells import Cell
from rl_baselines.grid.executors import Ended, Executor, Job
from rl_baselines.grid.record import FAILED, FINISHED, INTERRUPTED, RUNNING, GridRecord
from rl_baselines.runs.run_folder import RunFolder
from srl3.runtime.progress import duration_in_words, terminal_bar

WAIT_SECONDS = 0.5
"""time between two looks at the jobs"""
BEGIN, RESUME = "run", "resume"


@dataclass(frozen=True)
class Step:
    """What is to be done about a run."""

    cell: Cell
    what: str
    """`FINISHED`: nothing; `RESUME`: go on in its folder; `BEGIN`"""
    run_folder: Path | None = None


Trained = Callable[[Path], tuple[int, int]]
"""takes a checkpoint; steps that it has, and steps that its run was asked for. May raise `UserError`."""


def plan(cells: Sequence[Cell], record: GridRecord, trained: Trained) -> list[Step]:
    """What is to be done about each run, from what the record and the run folders say."""
    return [_step(cell, record, trained) for cell in cells]


def _step(cell: Cell, record: GridRecord, trained: Trained) -> Step:
    entry, folder = record.entry(cell), record.run_folder(cell)
    if entry is None or folder is None:
        return Step(cell, BEGIN)
    if entry.status == FINISHED:
        return Step(cell, FINISHED, folder)
    if not RunFolder(folder).latest.is_file():
        return Step(cell, BEGIN, folder)
    done, wanted = trained(RunFolder(folder).latest)
    return Step(cell, FINISHED if done >= wanted else RESUME, folder)


class Stop:
    """Counts Ctrl-C, SIGTERM and a closed terminal, in place of what they do to Python. A context manager."""

    def __init__(self) -> None:
        self.count = 0
        self.number: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Stop":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.number = number


@dataclass(frozen=True)
class Shown:
    """What train is told of where and how its runs are shown."""

    log_dir: Path
    flags: tuple[str, ...]
    """also valid beside ``--resume``"""


def run_grid(
    steps: Sequence[Step], record: GridRecord, executor: Executor, jobs: int, shown: Shown, *, show_progress: bool
) -> int:
    """Run what is not finished, ``jobs`` at a time; returns the exit status.

    Returns:
        0 when every run is finished, 1 when one failed, 128 + the signal's number after Ctrl-C or SIGTERM.
    """
    for step in steps:
        if step.what == FINISHED:
            record.note(step.cell, FINISHED, 0)
    waiting = deque(step for step in steps if step.what != FINISHED)
    telling = _Telling(len(steps), len(steps) - len(waiting), show_progress)
    begun: dict[Cell, float] = {}
    failed: list[Cell] = []
    with Stop() as stop:
        told = 0
        while begun or (waiting and not stop.count):
            while waiting and len(begun) < jobs and not stop.count:
                step = waiting.popleft()
                executor.start(_job(step, record, shown))
                begun[step.cell] = time.monotonic()
                record.note(step.cell, RUNNING)
            telling.running(len(begun))
            for ended in executor.wait(WAIT_SECONDS):
                cell = ended.job.cell
                status = _status(ended, stopping=stop.count > 0)
                record.note(cell, status, ended.exit_status)
                if status == FAILED:
                    failed.append(cell)
                telling.ended(ended, status, time.monotonic() - begun.pop(cell), record)
            if stop.count > told and begun:
                told = stop.count
                telling.stopping(told, len(begun))
                executor.interrupt(signal.SIGINT if told < 3 else signal.SIGKILL)
    telling.close()
    return _summary(steps, record, failed, stop)


def _job(step: Step, record: GridRecord, shown: Shown) -> Job:
    log, result = record.log(step.cell), record.result(step.cell)
    if step.what == RESUME:
        return Job(step.cell, ("--resume", str(step.run_folder), *shown.flags), log, result)
    if step.run_folder is not None:  # of an attempt that saved nothing; left, it would count as a run
        shutil.rmtree(step.run_folder)
    return Job(step.cell, (*step.cell.arguments, "--log-dir", str(shown.log_dir), *shown.flags), log, result)


def _status(ended: Ended, *, stopping: bool) -> str:
    if ended.exit_status == 0:
        return FINISHED
    return INTERRUPTED if stopping else FAILED


def _summary(steps: Sequence[Step], record: GridRecord, failed: Sequence[Cell], stop: Stop) -> int:
    entries = [record.entry(step.cell) for step in steps]
    finished = sum(entry is not None and entry.status == FINISHED for entry in entries)
    print(f"{finished} of {len(steps)} runs finished in {record.log_dir}")
    for cell in failed:
        print(f"failed: {cell.name}; its output: {record.log(cell)}")
    if finished < len(steps):
        print("the same command goes on with the others")
    if stop.number is not None and finished < len(steps):
        return 128 + stop.number
    return 1 if finished < len(steps) else 0


class _Telling:
    """The bar, or lines where there is no terminal."""

    def __init__(self, total: int, finished: int, show_bar: bool) -> None:
        self._total, self._ended = total, finished
        layout = "{percentage:3.0f}%|{bar}| {n}/{total} runs [{elapsed}, {remaining} left{postfix}]"
        self._bar = terminal_bar(total, layout, initial=finished) if show_bar and finished < total else None

    def running(self, count: int) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(f"{count} running")

    def ended(self, ended: Ended, status: str, seconds: float, record: GridRecord) -> None:
        cell = ended.job.cell
        self._ended += 1
        lines = [f"[{self._ended}/{self._total}] {status}: {cell.name}, {duration_in_words(seconds)}"]
        if status == FAILED:
            lines[0] += f", exit status {ended.exit_status}; the end of its output:"
            lines += [f"    {line}" for line in record.last_lines(cell)]
        if self._bar is not None:
            self._bar.update(1)
        self._say("\n".join(lines))

    def stopping(self, count: int, running: int) -> None:
        what = {
            1: f"stopping {running} run(s), which save first; once more to leave them no time",
            2: f"leaving {running} run(s) no time; once more to kill them",
        }
        self._say(f"\n{what.get(count, f'killing {running} run(s)')}")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)
