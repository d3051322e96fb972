"""MuJoCo worlds against the physics alone."""

import statistics
from collections.abc import Mapping
from typing import Any

import torch

from rl_baselines.benchmarks.mujoco.stepping import Stepping
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, memory_of


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
    torch.set_num_threads(1)  # as a training has it
    stepping = Stepping(env_id, num_envs, effort.count(usual_steps, least=5), env_kwargs)
    world, device = stepping.world, stepping.world.backend.device
    controls = stepping.controls()

    def physics() -> None:
        for control in controls:
            world.backend.write("ctrl", control)
            world.backend.step(world.config.sim.decimation)
        stepping.wait()

    ours, bare = alternate([stepping.run, physics], effort.repeats, [stepping.restore, stepping.restore])
    rate = num_envs * stepping.count / statistics.median(ours)
    return [Measured(rate, "steps/s", median_ratio(bare, ours), memory_of(device))]
