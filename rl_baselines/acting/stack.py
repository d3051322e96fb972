"""The last few observations of each robot, joined along the last axis, for a policy without an environment."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np


class FrameStack:
    """What `rl_baselines.vec_envs.frame_stack` does, row by row: zeros where an episode is younger than the stack.

    Args:
        num_stack: observations that are joined, the newest last.
        keys: of a dictionary, the observations that are stacked; None: all.
    """

    def __init__(self, num_stack: int, keys: Collection[str] | None = None) -> None:
        self.num_stack = num_stack
        self._keys = keys
        self._stacked: dict[str, np.ndarray] = {}

    def __call__(self, observations: Any, starts: np.ndarray) -> Any:
        """Add ``(n, …, C)`` observations (or a dictionary of them); gives copies ``(n, …, num_stack * C)``.

        Args:
            observations: of n robots, as many as last time unless all begin an episode.
            starts: ``(n,) bool``: the observation is the first of its episode.
        """
        if self.num_stack == 1:
            return observations
        if isinstance(observations, Mapping):
            return {
                key: self._pushed(key, values, starts) if self._keys is None or key in self._keys else values
                for key, values in observations.items()
            }
        return self._pushed("", observations, starts)

    def clear(self, rows: np.ndarray | None = None) -> None:
        """Forget the observations of some rows, or of all."""
        for stacked in self._stacked.values():
            stacked[... if rows is None else rows] = 0

    def _pushed(self, key: str, values: np.ndarray, starts: np.ndarray) -> np.ndarray:
        width = values.shape[-1]
        shape = (*values.shape[:-1], width * self.num_stack)
        stacked = self._stacked.get(key)
        if stacked is None or stacked.shape != shape or stacked.dtype != values.dtype:
            stacked = self._stacked[key] = np.zeros(shape, values.dtype)
        stacked[..., :-width] = stacked[..., width:]
        stacked[starts] = 0
        stacked[..., -width:] = values
        return stacked.copy()
