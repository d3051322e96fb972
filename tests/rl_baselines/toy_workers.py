"""Environments for worker processes that fail, or send much, when they are told to."""

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from rl_baselines.vec_envs.monitor import RunMonitor
from rl_baselines.vec_envs.worker_process import EnvSpec
from srl3.errors import UserError
from srl3.formats.damage import DamagedFile

TOY_ID = "MobileRobotGymEnv-v0"
"""any registered id: the fork server imports its module"""


class ToyEnv(gym.Env[np.ndarray, Any]):
    """Observes how many steps it has made; ends after ``length``. Fails in ``fail_in``, at its step ``fail_at``."""

    render_mode = None

    def __init__(
        self,
        length: int = 5,
        side: int = 1,
        fail_in: str = "",
        fail_at: int = 0,
        error: str = "RuntimeError",
        trainer: int = 0,
        continuous: bool = False,
        slow: float = 0.0,
    ) -> None:
        self.length, self.fail_in, self.fail_at, self.slow = length, fail_in, fail_at, slow
        self.error = {
            "RuntimeError": RuntimeError("the gear broke"),
            "EOFError": EOFError("the gear broke"),
            "UserError": UserError("the gear is missing; fetch one."),
            "damaged": DamagedFile(Path("gear.npz"), "it is cut short", "fetch it again"),
            "locked": PermissionError(13, "Permission denied", "gear.npz"),
            "crowded": OSError(24, "Too many open files"),
            "full": OSError(28, "No space left on device", "somewhere.csv"),
        }[error]
        self.observation_space = spaces.Box(0, 255, (side, side, 3), np.uint8)
        self.action_space = spaces.Box(-1, 1, (2,), np.float32) if continuous else spaces.Discrete(4)
        self.steps = 0
        self.label = "none"
        if fail_in == "make" and os.getpid() != trainer:
            raise self.error

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if self.fail_in == "reset" and self.steps >= self.fail_at:
            raise self.error
        self.t = 0
        return self._observe(), {"seed": seed, "options": options}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self.fail_in == "step" and self.steps >= self.fail_at:
            raise self.error
        time.sleep(self.slow)
        self.t += 1
        self.steps += 1
        return self._observe(), float(np.sum(action)), self.t >= self.length, False, {}

    def echo(self, value: Any, times: int = 1) -> Any:
        return value * times

    def process(self) -> int:
        """Where it lives."""
        return os.getpid()

    def _observe(self) -> np.ndarray:
        return np.full(self.observation_space.shape, self.t, np.uint8)


@dataclasses.dataclass(frozen=True)
class ToySpec(EnvSpec):
    """Makes a `ToyEnv` from ``env_kwargs``."""

    def make(self) -> RunMonitor:
        return RunMonitor(ToyEnv(**self.env_kwargs), self.monitor, self.append)


@dataclasses.dataclass(frozen=True)
class FailingSpec(EnvSpec):
    """A registered environment, of which rank 1 raises at its 100th step."""

    def make(self) -> RunMonitor:
        env = super().make()
        if self.monitor is not None and self.monitor.name.startswith("1."):
            step, count = env.env.step, iter(range(100))

            def failing(action: Any) -> Any:
                next(count)
                return step(action)

            env.env.step = failing  # type: ignore[method-assign]
        return env


def toys(count: int, **env_kwargs: Any) -> list[EnvSpec]:
    """Specs of so many toy environments."""
    return [ToySpec(TOY_ID, env_kwargs, None, False, None) for _ in range(count)]
