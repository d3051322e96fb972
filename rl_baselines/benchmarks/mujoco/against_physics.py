"""MuJoCo worlds against the physics alone."""

import statistics
from collections.abc import Mapping
from typing import Any

import torch

from environments.mujoco_gym.task import Task
from environments.registry import find_env
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory

N_ACTIONS = 16
"""sets of random actions that are drawn beforehand and used in turn"""


def steps(
    effort: Effort, env_id: str, num_envs: int, usual_steps: int, env_kwargs: Mapping[str, Any] | None = None
) -> list[Measured]:
    """Control steps per second of a whole world: observations, rewards and resets.

    The ratio is against the engine alone, stepped as often from the same state with the same controls.

    Args:
        effort: how much.
        env_id: key of ``registered_env``.
        num_envs: robots stepped at once.
        usual_steps: control steps in a run of usual length.
        env_kwargs: parameters of the world.
    """
    world = make_world(env_id, num_envs, env_kwargs)
    generator, device = torch.Generator().manual_seed(0), world.backend.device
    shape = (num_envs, *(world.action_space.shape or ()))
    actions = [(torch.rand(shape, generator=generator) * 2 - 1).to(device) for _ in range(N_ACTIONS)]
    count = effort.count(usual_steps, least=5)
    start = world.get_rows()

    def restore() -> None:
        world.set_rows(slice(None), start)
        wait()

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def whole() -> None:
        for number in range(count):
            step = world.step(actions[number % N_ACTIONS])
            world.observe()
            over = (step.terminated | step.truncated).nonzero(as_tuple=True)[0]
            if len(over):
                world.reset(over)
        wait()

    controls = [world.actions.push(action)[:, : world.backend.model.nu].clone() for action in actions]
    world.actions.begin(torch.arange(num_envs, device=device))

    def physics() -> None:
        for number in range(count):
            world.backend.write("ctrl", controls[number % N_ACTIONS])
            world.backend.step(world.config.sim.decimation)
        wait()

    ours, bare = alternate([whole, physics], effort.repeats, [restore, restore])
    rate = num_envs * count / statistics.median(ours)
    memory = peak_memory() if device.type == "cpu" else _memory_of(device)
    return [Measured(rate, "steps/s", median_ratio(bare, ours), memory)]


def _memory_of(device: torch.device) -> float:
    """What all programs take of a GPU's memory now, MiB."""
    free, total = torch.cuda.mem_get_info(device)
    return (total - free) / 2**20


def make_world(env_id: str, num_envs: int, env_kwargs: Mapping[str, Any] | None = None) -> Task:
    """A world whose robots have begun their episodes."""
    face = find_env(env_id).load_class()
    config = face.config_class.from_kwargs(env_kwargs or {})
    world: Task = face.world_class(config, num_envs)  # type: ignore[attr-defined]
    world.seed(list(range(num_envs)))
    world.reset()
    return world
