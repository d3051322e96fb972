"""Trainings by ``batched_ppo`` with worlds and learning on one GPU."""

import time
from collections.abc import Mapping
from typing import Any

import torch

from rl_baselines.benchmarks.batched_ppo.sides import ROLLOUTS, batched_model
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import memory_of, wait_for

FIRST = 4
"""rollouts that do not count: kernels are loaded in them, and graphs captured"""


def training(
    effort: Effort, env_id: str, n_envs: int, env_kwargs: Mapping[str, Any], device: str = "cuda"
) -> list[Measured]:
    """Training steps per second of the world's preset, and where the time goes.

    Args:
        effort: how much.
        env_id: key of ``registered_env``.
        n_envs: robots.
        env_kwargs: parameters of the world.
        device: of world and learning.
    """
    torch.set_num_threads(1)
    model, values, shares = batched_model(
        env_id, n_envs, device=device, env_kwargs={"sim.device": device, **env_kwargs}
    )
    steps = values["n_steps"] * n_envs
    model.learn(FIRST * steps)
    shares.forget()
    rollouts = max(2, effort.count(ROLLOUTS) * effort.repeats)
    wait_for(device)
    start = time.perf_counter()
    model.learn(rollouts * steps, reset_num_timesteps=False)
    wait_for(device)
    spent = time.perf_counter() - start
    memory = memory_of(device)
    assert model.env is not None
    model.env.close()
    return [Measured(rollouts * steps / spent, "steps/s", memory=memory, details=shares.means())]
