"""Small worlds for tests."""

from typing import Any

import torch

from environments.mujoco_gym.task import Task
from environments.registry import find_env


def make(env_id: str, num_envs: int, seed: int = 0, **env_kwargs: Any) -> Task:
    """A world whose robots have begun their first episodes."""
    face = find_env(env_id).load_class()
    world = face.world_class(face.config_class.from_kwargs(env_kwargs), num_envs)
    world.seed([seed + row for row in range(num_envs)])
    world.reset()
    return world


def actions(world: Task, step: int, seed: int = 0) -> torch.Tensor:
    """``(N, A)``: the actions of a step; those of robot i are the same for every N, if seeds and rows move together."""
    rows = []
    for row in range(world.num_envs):
        generator = torch.Generator().manual_seed(1000 * step + seed + row)
        rows.append(torch.rand(world.action_space.shape, generator=generator) * 2 - 1)
    return torch.stack(rows) * world.config.actions.clip


def play(world: Task, steps: int, first: int = 0, seed: int = 0) -> list[dict[str, torch.Tensor]]:
    """What the robots saw and got in so many steps; those whose episode ends begin a new one."""
    record = []
    for step in range(first, first + steps):
        result = world.step(actions(world, step, seed))
        over = result.terminated | result.truncated
        if over.any():
            world.reset(over)
        record.append(
            {
                "observation": world.observe(),
                "reward": result.reward,
                "over": over,
                "return": world.episode_return.clone(),
            }
        )
    return record
