"""What becomes non-finite ends the training, is named, and leaves nothing broken behind."""

import copy
import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import TQC, TRPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.training.callbacks import finite
from rl_baselines.training.callbacks.episodes import EpisodeRecorder
from rl_baselines.training.callbacks.finite import FiniteGuard, NonFinite, check_model, explain
from tests.rl_baselines.batched_ppo.worlds import follow, made


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


OFF_POLICY: dict[str, Any] = {
    "learning_starts": 60,
    "batch_size": 8,
    "buffer_size": 500,
    "policy_kwargs": {"net_arch": [8]},
}


class Breaks(gym.Env[np.ndarray, Any]):
    """A world whose reward or observation is no number from some step on."""

    def __init__(self, *, continuous: bool, reward_at: int | None = None, observation_at: int | None = None) -> None:
        self.observation_space = gym.spaces.Box(-1, 1, (3,), np.float32)
        self.action_space = gym.spaces.Box(-1, 1, (1,), np.float32) if continuous else gym.spaces.Discrete(3)
        self.reward_at, self.observation_at = reward_at, observation_at
        self.steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        return self._observe(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        reward = np.nan if self.steps == self.reward_at else 1.0
        return self._observe(), reward, self.steps % 10 == 0, False, {}

    def _observe(self) -> np.ndarray:
        value = np.nan if self.steps == self.observation_at else self.steps % 10 / 10
        return np.full(3, value, dtype=np.float32)


def learn(make: type[BaseAlgorithm], world: dict[str, Any], steps: int = 128, normalize: bool = False, **kwargs: Any):
    """Train as `run_training` does; gives the model and why it ended."""
    env: Any = DummyVecEnv([lambda: Monitor(Breaks(**world))])
    if normalize:
        env = VecNormalize(env)
    policy = "MlpLstmPolicy" if make is RecurrentPPO else "MlpPolicy"
    model = make(policy, env, seed=0, device="cpu", **copy.deepcopy(kwargs))  # type: ignore[call-arg]
    log = EpisodeLog()
    try:
        model.learn(steps, callback=[EpisodeRecorder(log), FiniteGuard(log)])
        check_model(model)
    except Exception as error:
        found = explain(model, error)
        if found is None:
            raise
        return model, found
    return model, None


ON: dict[str, Any] = {"n_steps": 32}
CASES = {
    "ppo": (PPO, False, {**ON, "batch_size": 32, "n_epochs": 2}),
    "ppo continuous": (PPO, True, {**ON, "batch_size": 32, "n_epochs": 2}),
    "a2c": (A2C, True, {}),
    "trpo": (TRPO, True, {**ON, "batch_size": 32}),
    "recurrent_ppo": (RecurrentPPO, False, {**ON, "batch_size": 32, "n_epochs": 2}),
    "dqn": (DQN, False, OFF_POLICY),
    "sac": (SAC, True, OFF_POLICY),
    "td3": (TD3, True, OFF_POLICY),
    "tqc": (TQC, True, OFF_POLICY),
}


@pytest.mark.parametrize("name", CASES)
def test_a_healthy_training_is_left_alone(name: str):
    make, continuous, kwargs = CASES[name]
    _, found = learn(make, {"continuous": continuous}, **kwargs)
    assert found is None


@pytest.mark.parametrize("name", CASES)
def test_a_huge_learning_rate_is_named(name: str):
    make, continuous, kwargs = CASES[name]
    _, found = learn(make, {"continuous": continuous}, learning_rate=1e30, **kwargs)
    if name == "trpo" and found is None:
        return  # its rate is the value function's alone, whose targets here stay finite
    assert found is not None
    assert found.advice == finite.OF_THE_RATE
    assert found.timestep <= 128


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_reward_that_is_none_is_named_before_it_is_learned_from(name: str, normalize: bool):
    make, continuous, kwargs = CASES[name]
    model, found = learn(make, {"continuous": continuous, "reward_at": 70}, normalize=normalize, **kwargs)
    assert found is not None
    assert (found.what, found.advice) == ("the rewards", finite.OF_THE_WORLD)
    assert 70 <= found.timestep <= 96
    finite.check_weights(model)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_an_observation_that_is_none_is_named(name: str, normalize: bool):
    make, continuous, kwargs = CASES[name]
    _, found = learn(make, {"continuous": continuous, "observation_at": 73}, normalize=normalize, **kwargs)
    assert found is not None
    assert (found.what, found.advice) == ("the observations", finite.OF_THE_WORLD)
    assert 73 <= found.timestep <= 96


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e19])
def test_one_weight_that_no_network_can_act_with(value: float):
    model = PPO("MlpPolicy", DummyVecEnv([lambda: Breaks(continuous=True)]), device="cpu")
    check_model(model)
    with torch.no_grad():
        model.policy.value_net.weight[0, 3] = value
    with pytest.raises(NonFinite, match=r"the weights policy\.value_net\.weight became non-finite at step 0; try"):
        check_model(model)


def test_an_optimiser_and_a_single_tensor_are_looked_at_too():
    env = DummyVecEnv([lambda: Breaks(continuous=True)])
    model = SAC("MlpPolicy", env, device="cpu", **copy.deepcopy(OFF_POLICY))
    model.learn(70)
    check_model(model)
    moments = model.actor.optimizer.state_dict()["state"][0]["exp_avg"]
    moments[0, 0] = np.nan
    with pytest.raises(NonFinite, match=r"the optimiser's actor\.optimizer\.state\.0\.exp_avg"):
        check_model(model)
    moments[0, 0] = 0
    model.log_ent_coef.data.fill_(np.inf)
    with pytest.raises(NonFinite, match="the weights log_ent_coef"):
        check_model(model)


def test_observation_statistics_are_looked_at_too():
    env = VecNormalize(DummyVecEnv([lambda: Breaks(continuous=True)]))
    model = PPO("MlpPolicy", env, device="cpu")
    check_model(model)
    env.obs_rms.mean[1] = np.nan
    with pytest.raises(NonFinite, match="the observations"):
        check_model(model)


def test_other_errors_stay_what_they_are():
    model = PPO("MlpPolicy", DummyVecEnv([lambda: Breaks(continuous=True)]), device="cpu")
    assert explain(model, ValueError("something else")) is None


def test_a_normaliser_of_endless_observations_blames_the_world() -> None:
    model = made(follow())
    model.policy.pi_normaliser.var.fill_(math.inf)
    with pytest.raises(NonFinite, match=r"what is known of the observations \(policy\.pi_normaliser\.var\)") as found:
        finite.check_weights(model)
    assert found.value.advice == finite.OF_THE_OBSERVATIONS
