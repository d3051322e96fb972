"""What the rows compare: a training by ``batched_ppo``, a world by itself, and where the time of a training went."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import VecEnv

from environments.config import GROUND_TRUTH
from rl_baselines.batched_ppo.algorithm import BatchedPPO
from rl_baselines.benchmarks.rows import Measured
from rl_baselines.benchmarks.timing import median_ratio, peak_memory
from rl_baselines.hyperparams.resolve import resolve_hyperparams
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.tensors import tensor_env

ROLLOUTS = 8
"""in a run of usual length"""
N_ACTIONS = 64
"""Sets of random actions that are drawn beforehand and used in turn."""


class Shares(KVWriter):
    """Means of the shares of time that ``batched_ppo`` logs, an iteration each."""

    def __init__(self) -> None:
        self._found: list[dict[str, float]] = []

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        if "time/bookkeeping_share" not in key_values:
            return  # of no iteration yet
        total = key_values["time/steps_per_second"]
        parts = {"environment": "world", "policy": "policy", "update": "update"}
        found = {name: total / key_values[f"time/{part}_steps_per_second"] for name, part in parts.items()}
        self._found.append({**found, "bookkeeping": key_values["time/bookkeeping_share"]})

    def close(self) -> None:
        pass

    def forget(self) -> None:
        """What was logged so far does not count."""
        self._found.clear()

    def means(self) -> dict[str, float]:
        """By the names of the table's columns; nothing before the second iteration."""
        if not self._found:
            return {}
        return {name: statistics.fmean(found[name] for found in self._found) for name in self._found[0]}


def batched_model(
    env_id: str,
    n_envs: int,
    hyperparam: Sequence[str] = (),
    device: str = "cpu",
    env_kwargs: Mapping[str, Any] | None = None,
) -> tuple[BatchedPPO, dict[str, Any], Shares]:
    """A model with its preset's hyperparameters on so many robots, these, and where its time will have gone."""
    algorithm = find_algo("batched_ppo").load_class()
    settings = resolve_hyperparams(
        algorithm,
        "batched_ppo",
        env_id,
        GROUND_TRUTH,
        continuous=False,
        overrides=hyperparam,
        flags={"n_envs": n_envs},
    )
    values = {name: setting.value for name, setting in settings.items()}
    model = algorithm.make_model(bare_world(env_id, n_envs, env_kwargs), values, seed=0, device=device)
    assert isinstance(model, BatchedPPO)
    shares = Shares()
    model.set_logger(Logger(None, [shares]))
    return model, values, shares


def bare_world(env_id: str, n_envs: int, env_kwargs: Mapping[str, Any] | None = None) -> VecEnv:
    """So many robots, without wrappers."""
    return create_envs(env_id, {"srl_model": GROUND_TRUTH, **(env_kwargs or {})}, n_envs=n_envs, normalize=False)


def learning(model: BaseAlgorithm, steps: int) -> Callable[[], object]:
    """Train so many steps more."""
    return lambda: model.learn(steps, reset_num_timesteps=False)


def stepping(venv: VecEnv, count: int) -> Callable[[], None]:
    """Step all robots ``count`` times by random actions, as tensors."""
    world = tensor_env(venv)
    world.reset()
    actions = [_random_actions(venv.action_space, venv.num_envs, seed) for seed in range(N_ACTIONS)]

    def steps() -> None:
        for time in range(count):
            world.step(actions[time % N_ACTIONS])

    return steps


def compared(
    steps: int, ours: Sequence[float], other: Sequence[float], shares: Mapping[str, float] | None = None
) -> Measured:
    """Our rate, its ratio to the other side's, and that one's rate and our shares among the details."""
    rate, reference = (steps / statistics.median(times) for times in (ours, other))
    details = {"other_steps_per_second": reference, **(shares or {})}
    return Measured(rate, "steps/s", median_ratio(other, ours), peak_memory(), details=details)


def _random_actions(space: spaces.Space[Any], n_envs: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if isinstance(space, spaces.Discrete):
        return torch.randint(int(space.n), (n_envs,), generator=generator)
    assert isinstance(space, spaces.Box)
    low, high = torch.as_tensor(space.low), torch.as_tensor(space.high)
    return low + (high - low) * torch.rand((n_envs, *space.shape), generator=generator)
