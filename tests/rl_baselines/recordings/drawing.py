"""Recordings for tests, of an agent that draws its actions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rl_baselines.recordings.recorder import Recorder
from rl_baselines.recordings.recording import Recording
from rl_baselines.vec_envs.create import create_envs


class Drawing:
    """Draws actions of n robots from a space; stands for an actor."""

    uses_masks = False

    def __init__(self, space: Any) -> None:
        self._space = space

    def seed(self, seed: int) -> None:
        self._space.seed(seed)

    def reset(self) -> None:
        """There is nothing to forget."""

    def act(self, observations: Any, starts: Any, deterministic: Any, masks: Any) -> np.ndarray:
        count = len(next(iter(observations.values())) if isinstance(observations, dict) else observations)
        return np.stack([np.asarray(self._space.sample()) for _ in range(count)])


def record(
    env_id: str, count: int, *, steps: int = 0, seed: int = 0, env_kwargs: Mapping[str, Any] | None = None
) -> Recording:
    """So many trajectories of a world, said to be of a policy trained for so many steps."""
    space = create_envs(env_id, env_kwargs or {}, normalize=False, raw_images=True).action_space
    recorder = Recorder(env_id, env_kwargs or {}, count, seed=seed)
    try:
        return recorder.record(Drawing(space), "drawn", steps)  # type: ignore[arg-type]
    finally:
        recorder.close()
