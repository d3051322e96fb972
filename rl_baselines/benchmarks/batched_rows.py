"""``batched_ppo`` against the world that it trains on, and against plain Stable-Baselines3's PPO on the same world."""

import math
import statistics
from collections.abc import Callable
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from environments.config import GROUND_TRUTH
from rl_baselines.batched_ppo.algorithm import BatchedPPO
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory
from rl_baselines.hyperparams.policy_kwargs import build_policy_kwargs
from rl_baselines.hyperparams.resolve import resolve_hyperparams
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.tensors import tensor_env

ROLLOUTS = 8
"""in a run of usual length"""
N_ACTIONS = 64
"""Sets of random actions that are drawn beforehand and used in turn."""
SHARED = (
    "n_steps",
    "n_epochs",
    "gamma",
    "gae_lambda",
    "clip_range",
    "clip_range_vf",
    "ent_coef",
    "vf_coef",
    "max_grad_norm",
    "learning_rate",
)
"""hyperparameters that plain PPO has too"""


def against_world(effort: Effort, env_id: str, n_envs: int) -> list[Measured]:
    """Training steps per second; ratio: against the world alone under random actions, in the same run."""
    torch.set_num_threads(1)
    model, values = _ours(env_id, n_envs)
    assert model.env is not None
    venv = _world(env_id, n_envs)
    world = tensor_env(venv)
    world.reset()
    actions = [_random_actions(venv.action_space, n_envs, seed) for seed in range(N_ACTIONS)]
    count = values["n_steps"] * effort.count(ROLLOUTS)

    def step() -> None:
        for time in range(count):
            world.step(actions[time % N_ACTIONS])

    trained, alone = alternate([_learning(model, count * n_envs), step], effort.repeats)
    model.env.close()
    venv.close()
    return [_measured(count * n_envs, trained, alone)]


def against_plain(effort: Effort, env_id: str, n_envs: int) -> list[Measured]:
    """Training steps per second; ratio: against plain PPO with the same hyperparameters on the same `VecEnv`, whose
    observations `VecNormalize` normalises."""
    torch.set_num_threads(1)
    ours, values = _ours(env_id, n_envs)
    plain = PPO(
        "MlpPolicy",
        VecNormalize(_world(env_id, n_envs), norm_reward=False),
        batch_size=math.ceil(values["n_steps"] * n_envs / values["nminibatches"]),
        policy_kwargs=build_policy_kwargs(values["policy_kwargs"], "PPO"),
        seed=0,
        device="cpu",
        **{name: values[name] for name in SHARED},
    )
    plain.set_logger(Logger(None, []))
    steps = values["n_steps"] * n_envs * effort.count(ROLLOUTS)
    times = alternate([_learning(ours, steps), _learning(plain, steps)], effort.repeats)
    for model in (ours, plain):
        assert model.env is not None
        model.env.close()
    return [_measured(steps, *times)]


def _measured(steps: int, ours: list[float], other: list[float]) -> Measured:
    """Our rate, its ratio to the other side's, and that one's rate among the details."""
    rate, reference = (steps / statistics.median(times) for times in (ours, other))
    details = {"other_steps_per_second": reference}
    return Measured(rate, "steps/s", median_ratio(other, ours), peak_memory(), details=details)


def _ours(env_id: str, n_envs: int) -> tuple[BatchedPPO, dict[str, Any]]:
    algorithm = find_algo("batched_ppo").load_class()
    settings = resolve_hyperparams(
        algorithm, "batched_ppo", env_id, GROUND_TRUTH, continuous=False, flags={"n_envs": n_envs}
    )
    values = {name: setting.value for name, setting in settings.items()}
    model = algorithm.make_model(_world(env_id, n_envs), values, seed=0, device="cpu")
    assert isinstance(model, BatchedPPO)
    model.set_logger(Logger(None, []))
    return model, values


def _world(env_id: str, n_envs: int) -> VecEnv:
    return create_envs(env_id, {"srl_model": GROUND_TRUTH}, n_envs=n_envs, normalize=False)


def _learning(model: BaseAlgorithm, steps: int) -> Callable[[], object]:
    return lambda: model.learn(steps, reset_num_timesteps=False)


def _random_actions(space: spaces.Space[Any], n_envs: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if isinstance(space, spaces.Discrete):
        return torch.randint(int(space.n), (n_envs,), generator=generator)
    assert isinstance(space, spaces.Box)
    low, high = torch.as_tensor(space.low), torch.as_tensor(space.high)
    return low + (high - low) * torch.rand((n_envs, *space.shape), generator=generator)
