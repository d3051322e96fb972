"""MuJoCo worlds against the physics alone."""

import statistics

import torch

from environments.mujoco_gym.task import Task
from environments.registry import find_env
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory

N_ACTIONS = 16
"""sets of random actions that are drawn beforehand and used in turn"""


def steps(effort: Effort, env_id: str, num_envs: int, usual_steps: int) -> list[Measured]:
    """Control steps per second of a whole world: observations, rewards and resets.

    The ratio is against the engine alone, stepped as often from the same state with the same controls.

    Args:
        effort: how much.
        env_id: key of ``registered_env``.
        num_envs: robots stepped at once.
        usual_steps: control steps in a run of usual length.
    """
    world = make_world(env_id, num_envs)
    generator = torch.Generator().manual_seed(0)
    shape = (num_envs, *(world.action_space.shape or ()))
    actions = [torch.rand(shape, generator=generator) * 2 - 1 for _ in range(N_ACTIONS)]
    count = effort.count(usual_steps, least=5)
    rows = torch.arange(num_envs)
    start = world.get_rows()

    def restore() -> None:
        world.set_rows(slice(None), start)

    def whole() -> None:
        for number in range(count):
            step = world.step(actions[number % N_ACTIONS])
            world.observe()
            over = (step.terminated | step.truncated).nonzero(as_tuple=True)[0]
            if len(over):
                world.reset(over)

    controls = [world.actions.push(action)[:, : world.backend.model.nu].clone() for action in actions]

    def physics() -> None:
        for number in range(count):
            world.backend.write("ctrl", controls[number % N_ACTIONS], rows)
            world.backend.step(world.config.sim.decimation)

    ours, bare = alternate([whole, physics], effort.repeats, [restore, restore])
    rate = num_envs * count / statistics.median(ours)
    return [Measured(rate, "steps/s", median_ratio(bare, ours), peak_memory())]


def make_world(env_id: str, num_envs: int) -> Task:
    """A world whose robots have begun their episodes."""
    face = find_env(env_id).load_class()
    world: Task = face.world_class(face.config_class(), num_envs)  # type: ignore[attr-defined]
    world.seed(list(range(num_envs)))
    world.reset()
    return world
