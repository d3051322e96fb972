"""Worlds of a few lines, whose best returns are known."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecMonitor

EPISODE = 10


class TinyWorld(gym.Env[np.ndarray, Any]):
    """One of four positions lights up, in turn; the reward is 1 for naming it, or for pointing its way.

    Observed is a one-hot vector, or an image with one lit quarter. Discrete: 4 actions, 1 for the right one.
    Continuous: 2 numbers, 1 less half the distance to (±1, ±1). Best return: `EPISODE`.
    """

    CORNERS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=np.float32)

    def __init__(
        self, *, continuous: bool = False, pixels: bool = False, channels: int = 3, flat: bool = False
    ) -> None:
        self.pixels, self.flat = pixels, flat
        self.observation_space = (
            spaces.Box(0, 255, (36, 36, channels), np.uint8) if pixels else spaces.Box(0, 1, (4,), np.float32)
        )
        self.action_space = spaces.Box(-1, 1, (2,), np.float32) if continuous else spaces.Discrete(4)
        self.steps_ever = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.t = 0
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        lit = self.t % 4
        if isinstance(self.action_space, spaces.Discrete):
            reward = float(action == lit)
        else:
            assert self.action_space.contains(np.asarray(action, dtype=np.float32))
            reward = 1 - float(np.linalg.norm(action - self.CORNERS[lit])) / 2
        self.t += 1
        self.steps_ever += 1
        return self._observe(), 0.0 if self.flat else reward, self.t >= EPISODE, False, {}

    def action_masks(self) -> np.ndarray:
        return np.ones(4, dtype=bool)

    def _observe(self) -> np.ndarray:
        lit = self.t % 4
        if not self.pixels:
            return np.eye(4, dtype=np.float32)[lit]
        image = np.zeros(self.observation_space.shape, dtype=np.uint8)
        image[18 * (lit // 2) : 18 * (lit // 2) + 18, 18 * (lit % 2) : 18 * (lit % 2) + 18] = 255
        return image


class LastStepWorld(gym.Env[np.ndarray, Any]):
    """Only the terminal step pays: the number of the action. One or more steps in an episode."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.observation_space = spaces.Box(0, 1, (1,), np.float32)
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.t = 0
        return np.ones(1, dtype=np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.t += 1
        over = self.t >= self.length
        return np.ones(1, dtype=np.float32), float(action) if over else 0.0, over, False, {}


def vec_env(n_envs: int = 1, **kwargs: Any) -> VecEnv:
    """Several monitored tiny worlds."""
    return VecMonitor(DummyVecEnv([lambda: TinyWorld(**kwargs) for _ in range(n_envs)]))


def steps_taken(env: VecEnv) -> int:
    """Steps that the worlds of a `vec_env` have really made."""
    return sum(env.get_attr("steps_ever"))
