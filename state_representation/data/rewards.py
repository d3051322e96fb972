"""Rewards as classes, where there are few different ones."""

from dataclasses import dataclass

import numpy as np

MAX_CLASSES = 8
"""With more different rewards than these they are dense, and guessed as numbers."""


@dataclass(frozen=True)
class RewardClasses:
    """Different rewards of a dataset.

    Args:
        values: ``(c,)`` in ascending order; empty for dense rewards.
        classes: ``(n,) int64``, number of each step's reward in ``values``; zeros for dense rewards.
    """

    values: np.ndarray
    classes: np.ndarray


def reward_classes(rewards: np.ndarray) -> RewardClasses:
    """The classes of ``(n,)`` rewards. A penalty is a class of its own, as is 0."""
    values, classes = np.unique(rewards, return_inverse=True)
    if len(values) > MAX_CLASSES:
        return RewardClasses(values[:0], np.zeros(len(rewards), np.int64))
    return RewardClasses(values, classes.astype(np.int64))
