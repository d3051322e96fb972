"""Recording a dataset from its plan to its folder."""

import dataclasses
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from environments.datasets.info import TEACHER_FILE, DatasetInfo
from environments.datasets.recording.processes import (
    RecordingError,
    finished_parts,
    record_here,
    record_in_processes,
)
from environments.datasets.recording.recorder import Episode, RecordingPlan
from environments.datasets.writer import DatasetWriter
from srl3.errors import UserError
from srl3.os_errors import DISK_FULL
from srl3.runtime.progress import Progress
from srl3.runtime.signals import StopRequest


@dataclasses.dataclass
class Outcome:
    """What a recording came to."""

    path: Path | None
    """the dataset's folder, or None when nothing was written"""
    rewards: list[np.ndarray]
    """of each recorded episode"""
    signal: int | None = None
    """the signal that ended it"""
    failure: str | None = None
    """why it ended early, unless by a signal"""
    disk_full: bool = False


def generate(
    plan: RecordingPlan,
    info: DatasetInfo,
    path: Path | None,
    *,
    overwrite: bool = False,
    num_processes: int = 1,
    show_progress: bool = True,
    teacher: Path | None = None,
) -> Outcome:
    """Record ``plan``; on Ctrl-C, SIGTERM, a full disk or the death of a process the finished episodes are kept.

    Args:
        plan: what to record.
        info: what the dataset says of itself.
        path: its folder; None records nothing and only plays.
        overwrite: replace a dataset that is there.
        num_processes: recording processes; 1 records in this one. It does not change the dataset.
        show_progress: a bar on stderr.
        teacher: the checkpoint that acts, of which the dataset keeps a copy.

    Raises:
        UserError: before anything is left behind.
    """
    processes = min(num_processes, len(plan.blocks))
    outcome = Outcome(None, [])
    with ExitStack() as stack:
        stop = stack.enter_context(StopRequest(None, leave=sys.exit))
        writer = None if path is None else stack.enter_context(DatasetWriter(path, info, overwrite=overwrite))
        if writer is not None and teacher is not None:
            writer.add_file(TEACHER_FILE, teacher)
        temporary = stack.enter_context(
            tempfile.TemporaryDirectory(dir=writer.folder if writer else None, prefix="parts.")
        )
        parts = Path(temporary)
        if processes > 1:
            episodes = record_in_processes(plan, processes, parts, lambda: stop.requested)
        else:
            episodes = record_here(plan, lambda: stop.requested)
        progress = stack.enter_context(Progress(plan.num_episodes, "episodes", show_progress))
        _collect(episodes, parts, writer, outcome, progress)
        outcome.signal = stop.signal
        shutil.rmtree(parts)
        if writer is not None and outcome.rewards:
            _finish(writer, outcome)
    return outcome


def _collect(
    episodes: Iterator[Episode], parts: Path, writer: DatasetWriter | None, outcome: Outcome, progress: Progress
) -> None:
    """Put episodes into ``writer`` as they come; after a failure also those that are in ``parts``."""
    total = 0.0

    def add(episode: Episode) -> None:
        if writer is not None:
            writer.append_rows(episode.rows)
        outcome.rewards.append(episode.rows.rewards)
        nonlocal total
        total += float(episode.rows.rewards.sum())
        progress.advance(note=f"mean return {total / len(outcome.rewards):.2f}")

    assert isinstance(episodes, Generator)
    waiting: Episode | None = None
    try:
        with closing(episodes):
            for waiting in episodes:
                add(waiting)
                waiting = None
    except RecordingError as error:
        outcome.failure = str(error)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        outcome.disk_full, outcome.failure = True, f"the disk is full ({error.filename or parts.parent.parent})"
        try:
            rest = finished_parts(parts)
            if waiting is not None:
                add(waiting)
            for episode in rest:
                add(episode)
        except OSError as again:
            if again.errno not in DISK_FULL:
                raise


def _finish(writer: DatasetWriter, outcome: Outcome) -> None:
    """Put the dataset in place; where there is no room for its tables, without its last episodes."""
    while True:
        try:
            outcome.path = writer.finish()
            return
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            outcome.disk_full, outcome.failure = True, f"the disk is full ({writer.path.parent})"
            outcome.rewards.pop()
            writer.drop_last_episode()
            if not outcome.rewards:
                raise UserError(
                    f"the disk is full ({writer.path.parent}), and no episode could be kept; free some space."
                ) from None
