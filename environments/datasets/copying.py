"""Copying a dataset's steps, whole or changed, into a new one."""

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np

from environments.datasets.dataset import Dataset
from environments.datasets.recording.recorder import relative
from environments.datasets.writer import DatasetWriter, Rows
from srl3.errors import UserError
from srl3.runtime.progress import Progress

CHUNK = 256
"""Frames in memory at once."""


def rows_of(dataset: Dataset, steps: slice) -> Rows:
    """Some consecutive steps of a dataset."""
    start, stop, _ = steps.indices(len(dataset))
    arrays = {name: values[steps] for name, values in dataset.arrays().items()}
    return Rows(frames=dataset.frames(np.arange(start, stop)), **arrays)


def copy_steps(
    dataset: Dataset,
    writer: DatasetWriter,
    progress: Progress,
    *,
    limit: int | None = None,
    label: str | None = None,
    leave_out: Collection[str] = (),
    to_relative: bool = False,
) -> None:
    """Append a dataset's steps to ``writer``.

    Args:
        dataset: where they come from; it is only read.
        writer: where they go.
        progress: counts them.
        limit: only the first ones.
        label: their continual-learning task; None keeps what they have.
        leave_out: names of arrays that are not copied.
        to_relative: subtract the target from the agent's position.
    """
    number = len(dataset) if limit is None else min(limit, len(dataset))
    for start in range(0, number, CHUNK):
        rows = rows_of(dataset, slice(start, min(start + CHUNK, number)))
        if label is not None:
            rows = dataclasses.replace(rows, labels=np.full(len(rows.rewards), label))
        missing: dict[str, Any] = dict.fromkeys(leave_out)
        rows = dataclasses.replace(rows, **missing)
        if to_relative:
            rows = dataclasses.replace(rows, ground_truth=relative(rows.ground_truth, rows.targets))
        writer.append_rows(rows)
        progress.advance(len(rows.rewards))


def check_can_be_relative(dataset: Dataset) -> None:
    """Raise `UserError` unless the target can be subtracted from the ground truth."""
    if dataset.info.relative_pos:
        raise UserError(f"the positions of {dataset.path} are relative to the target already; use it as it is.")
    states, targets = dataset.ground_truth.shape[1], dataset.targets.shape[1]
    if states < targets:
        raise UserError(
            f"{dataset.path} has {targets} coordinates of the target and only {states} of the agent; "
            "they can't be relative."
        )
