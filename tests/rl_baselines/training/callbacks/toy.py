"""A world small enough to train on in a test."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Toy(gym.Env[np.ndarray, Any]):
    """Episodes of ``length`` steps; rewards are drawn, and every second episode succeeds.

    Args:
        length: steps of the first episode; each later one is a step longer, up to twice as long.
        continuous: actions are a Box.
    """

    observation_space = spaces.Box(-1, 1, (2,), np.float32)

    def __init__(self, length: int = 5, continuous: bool = False) -> None:
        self.action_space = spaces.Box(-1, 1, (1,), np.float32) if continuous else spaces.Discrete(2)
        self.length = length
        self.episodes = 0
        self.elapsed = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.elapsed = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.elapsed += 1
        done = self.elapsed >= self.length + self.episodes % self.length
        self.episodes += done
        info = {"is_success": self.episodes % 2 == 0} if done else {}
        observation = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return observation, float(self.np_random.normal()), done, False, info
