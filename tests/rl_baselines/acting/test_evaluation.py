"""Running a policy for a number of episodes."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_baselines.acting.actor import Actor
from rl_baselines.acting.evaluation import Evaluation, evaluate


class Countdown(gym.Env[np.ndarray, int]):
    """Episodes of 1, 2, 3, … steps that earn 1 a step and succeed when their length is even."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, knows_success: bool = True) -> None:
        self.knows_success = knows_success
        self.length = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.length += 1
        self.left = self.length
        return np.zeros(1, np.float32), {}

    def step(self, action: int):
        self.left -= 1
        done = self.left == 0
        info = {"is_success": self.length % 2 == 0} if done and self.knows_success else {}
        return np.zeros(1, np.float32), 1.0, done, False, info


def played(num_episodes: int, n_envs: int = 1, monitored: bool = True, **kwargs: Any) -> Evaluation:
    """What `evaluate` makes of an untrained policy on these worlds; ``on_step`` goes to it, the rest to the worlds."""
    on_step, num_steps = kwargs.pop("on_step", None), kwargs.pop("num_steps", None)

    def world() -> gym.Env[np.ndarray, int]:
        return Monitor(Countdown(**kwargs)) if monitored else Countdown(**kwargs)

    venv = DummyVecEnv([world] * n_envs)
    actor = Actor.of_model(PPO("MlpPolicy", venv, device="cpu", n_steps=8))
    return evaluate(actor, venv, num_episodes, num_steps=num_steps, on_step=on_step)


def test_steps_are_done_in_whole_episodes():
    assert played(1, num_steps=10).lengths == [1, 2, 3, 4]
    assert played(1, num_steps=11).lengths == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("monitored", [True, False])
def test_every_episode_is_counted(monitored: bool):
    result = played(4, monitored=monitored)
    assert result.returns == [1.0, 2.0, 3.0, 4.0]
    assert result.lengths == [1, 2, 3, 4]
    assert result.successes == [False, True, False, True]
    figures = result.as_dict()
    assert (figures["episodes"], figures["mean_return"], figures["mean_length"]) == (4, 2.5, 2.5)
    assert figures["std_return"] == pytest.approx(np.sqrt(1.25))
    assert figures["success_rate"] == 0.5


def test_environments_share_the_episodes():
    result = played(4, n_envs=2)
    assert sorted(result.returns) == [1.0, 1.0, 2.0, 2.0]
    assert sum(result.successes) == 2


def test_each_step_is_seen():
    seen: list[int] = []
    played(4, n_envs=2, on_step=lambda env: seen.append(env.num_envs))
    assert seen == [2, 2, 2]


def test_a_task_without_success_says_so():
    result = played(2, knows_success=False)
    assert result.successes == []
    assert result.as_dict()["success_rate"] is None
    assert "success rate: n/a" in result.in_words()


def test_in_words():
    words = Evaluation([1.0, 3.0], [10, 20], [True, False]).in_words().splitlines()
    assert words == ["return over 2 episodes: 2.00 ± 1.00", "episode length: 15.0 ± 5.0", "success rate: 50.0%"]
