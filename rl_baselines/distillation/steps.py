"""Which of the recorded steps a student learns from, which judge it, and in which order they come."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from srl3.errors import UserError


@dataclasses.dataclass(frozen=True)
class Split:
    """Numbers of steps."""

    training: np.ndarray
    """``(n,) int64``"""
    validation: np.ndarray
    """``(m,) int64``, of other episodes; those of the training where a task has a single episode"""


def split_steps(
    starts: np.ndarray, tasks: np.ndarray, *, size: int | None, validation_share: float, seed: int
) -> Split:
    """Split recorded steps by episode, each task in the same proportion.

    Args:
        starts: ``(n,) bool``, True at the first step of each episode.
        tasks: ``(n,) int64``, the task of each step.
        size: steps that are used, the first ones of each task, in equal parts; None: all.
        validation_share: share of each task's episodes that judge.
        seed: decides which.

    Raises:
        UserError: when there are not so many steps.
    """
    present = np.unique(tasks)
    used = [np.flatnonzero(tasks == task) for task in present]
    if size is not None:
        shares = [size // len(used) + (number < size % len(used)) for number in range(len(used))]
        for steps, share in zip(used, shares, strict=True):
            if share > len(steps):
                raise UserError(
                    f"--distillation-training-set-size {size:,} asks for {share:,} steps of a task that has "
                    f"{len(steps):,}; ask for fewer, or -1 for all."
                )
        used = [steps[:share] for steps, share in zip(used, shares, strict=True)]
    episodes = np.cumsum(starts)
    training, validation = [], []
    for task, steps in zip(present, used, strict=True):
        if not len(steps):
            continue
        numbers = np.unique(episodes[steps])
        count = min(len(numbers) - 1, max(1, round(validation_share * len(numbers)))) if validation_share else 0
        chosen = np.random.default_rng([seed, int(task)]).permutation(numbers)[:count]
        judging = np.isin(episodes[steps], chosen)
        training.append(steps[~judging])
        validation.append(steps[judging] if count else steps)
    return Split(np.concatenate(training), np.concatenate(validation))


def in_order(steps: np.ndarray, begin: int, count: int, key: Sequence[int]) -> np.ndarray:
    """``count`` of ``steps``, from place ``begin`` of an endless order in which each pass has all of them once.

    The order depends on ``key`` alone, so that a training that goes on in its midst goes on in the same order.
    """
    taken = []
    while count:
        number, at = divmod(begin, len(steps))
        part = np.random.default_rng([*key, number]).permutation(steps)[at : at + count]
        taken.append(part)
        begin, count = begin + len(part), count - len(part)
    return np.concatenate(taken)
