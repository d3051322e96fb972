"""A world with goals in the form of Gymnasium-Robotics', and wrappers and callbacks as users write them."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnvWrapper

GOAL_ID = "Reach1D-v0"
NEAR = 0.3
STEPS = 8


class Reach1D(gym.Env[Any, Any]):
    """A point on a line goes to a goal; the reward is 0 where it is near, else -1. An episode has `STEPS` steps."""

    observation_space = spaces.Dict(
        {
            "observation": spaces.Box(-10, 10, (1,), np.float32),
            "achieved_goal": spaces.Box(-10, 10, (1,), np.float32),
            "desired_goal": spaces.Box(-2, 2, (1,), np.float32),
        }
    )
    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.t, self.place = 0, np.zeros(1, np.float32)
        self.goal = self.np_random.uniform(-2, 2, 1).astype(np.float32)
        return self._observed(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.t += 1
        self.place = self.place + np.float32(0.5) * np.asarray(action, np.float32)
        reward = float(self.compute_reward(self.place[None], self.goal[None], [{}])[0])
        return self._observed(), reward, False, self.t == STEPS, {"is_success": reward == 0}

    def compute_reward(self, achieved_goal: np.ndarray, desired_goal: np.ndarray, info: Any) -> np.ndarray:
        return -(np.abs(achieved_goal - desired_goal)[..., 0] > NEAR).astype(np.float32)

    def _observed(self) -> dict[str, Any]:
        return {"observation": self.place, "achieved_goal": self.place, "desired_goal": self.goal}


class Clock(gym.ObservationWrapper[Any, Any, Any]):
    """Appends the number of the step, which is its state."""

    def __init__(self, env: Any, scale: float = 1.0) -> None:
        super().__init__(env)
        self.scale, self.t = scale, 0
        low, high = (np.append(each, limit) for each, limit in zip(_bounds(env), (0, np.inf), strict=True))
        self.observation_space = spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)

    def reset(self, **kwargs: Any) -> Any:
        self.t = 0
        return super().reset(**kwargs)

    def step(self, action: Any) -> Any:
        self.t += 1
        return super().step(action)

    def observation(self, observation: Any) -> Any:
        return np.append(observation, self.scale * self.t).astype(np.float32)


class Secretive(Clock):
    """Holds what can't be told in plain values."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.secret = object()


class Dislikes(gym.Wrapper[Any, Any, Any, Any]):
    """Suits no world."""

    def __init__(self, env: Any) -> None:
        raise ValueError("it is not round")


class HalfReward(VecEnvWrapper):
    """Halves the rewards of all worlds, and counts steps."""

    def __init__(self, venv: Any, factor: float = 0.5) -> None:
        super().__init__(venv)
        self.factor, self.steps = factor, 0

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> Any:
        self.steps += 1
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, rewards * self.factor, dones, infos


class StopAt(BaseCallback):
    """Ends the training at a step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        if step < 1:
            raise ValueError("step must be at least 1")
        self.step = step

    def _on_step(self) -> bool:
        return self.num_timesteps < self.step


def _bounds(env: Any) -> tuple[np.ndarray, np.ndarray]:
    return env.observation_space.low, env.observation_space.high
