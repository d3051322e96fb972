"""What acts: a checkpoint's `Actor`, or one of the two agents that need none."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

Observations = np.ndarray | Mapping[str, np.ndarray]
"""of n robots, as the world gives them"""


class Agent(Protocol):
    """Acts for one set of robots; `rl_baselines.acting.actor.Actor` is one."""

    uses_masks: bool

    def act(
        self,
        raw_observations: Observations,
        episode_starts: np.ndarray | None = None,
        deterministic: bool | None = None,
        action_masks: np.ndarray | None = None,
    ) -> np.ndarray:
        """Actions of n robots."""
        ...

    def reset(self, rows: np.ndarray | None = None) -> None:
        """Forget what was seen."""
        ...

    def seed(self, seed: int) -> None:
        """Begin drawn actions anew."""
        ...


class ZeroAgent:
    """Does nothing: zeros, or what is nearest to them; the first choice of a discrete space."""

    uses_masks = False

    def __init__(self, action_space: spaces.Space[Any]) -> None:
        self._action = zero_action(action_space)

    def act(
        self,
        raw_observations: Observations,
        episode_starts: np.ndarray | None = None,
        deterministic: bool | None = None,
        action_masks: np.ndarray | None = None,
    ) -> np.ndarray:
        return np.stack([self._action] * count(raw_observations))

    def reset(self, rows: np.ndarray | None = None) -> None:
        """There is nothing to forget."""

    def seed(self, seed: int) -> None:
        """Nothing is drawn."""


class RandomAgent:
    """Draws uniformly from the action space; from the allowed ones where there are masks."""

    uses_masks = True

    def __init__(self, action_space: spaces.Space[Any]) -> None:
        self._space = copy.deepcopy(action_space)
        self._space.seed(0)

    def act(
        self,
        raw_observations: Observations,
        episode_starts: np.ndarray | None = None,
        deterministic: bool | None = None,
        action_masks: np.ndarray | None = None,
    ) -> np.ndarray:
        space = self._space
        if action_masks is not None and isinstance(space, spaces.Discrete):
            return np.array([space.sample(mask.astype(np.int8)) for mask in np.asarray(action_masks)])
        return np.stack([np.asarray(space.sample()) for _ in range(count(raw_observations))])

    def reset(self, rows: np.ndarray | None = None) -> None:
        """There is nothing to forget."""

    def seed(self, seed: int) -> None:
        self._space.seed(seed)


AGENTS: dict[str, Callable[[spaces.Space[Any]], Agent]] = {"random": RandomAgent, "zero": ZeroAgent}
"""agents without a checkpoint, by the names that take the place of a run"""


def count(observations: Observations) -> int:
    """How many robots observe."""
    return len(next(iter(observations.values())) if isinstance(observations, Mapping) else observations)


def rows_of(observations: Observations, rows: slice) -> Observations:
    """What these robots observe."""
    if isinstance(observations, Mapping):
        return {name: values[rows] for name, values in observations.items()}
    return observations[rows]


def zero_action(space: spaces.Space[Any]) -> np.ndarray:
    """The action of doing nothing."""
    if isinstance(space, spaces.Discrete):
        return np.asarray(space.start)
    if isinstance(space, spaces.MultiDiscrete):
        return np.asarray(space.start, space.dtype)
    if isinstance(space, spaces.Box):
        return np.clip(np.zeros(space.shape, space.dtype), space.low, space.high)
    return np.zeros(space.shape or (), space.dtype)
