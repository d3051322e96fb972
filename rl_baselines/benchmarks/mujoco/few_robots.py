"""Few robots, whose step is played from a recording, against the same computed by torch."""

import statistics

import torch

from rl_baselines.benchmarks.mujoco.stepping import Stepping
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory


def recorded(effort: Effort, env_id: str, num_envs: int) -> list[Measured]:
    """Control steps per second; ratio: against ``sim.replay_up_to:0``, from the same state with the same actions.

    Args:
        effort: how much.
        env_id: key of ``registered_env``.
        num_envs: robots stepped at once.
    """
    torch.set_num_threads(1)  # as a training has it
    count = effort.count(200, least=10)
    ours, torchs = (Stepping(env_id, num_envs, count, {"sim.replay_up_to": few}) for few in (num_envs, 0))
    ours.run()  # recorded in it
    ours.restore()
    times, others = alternate([ours.run, torchs.run], effort.repeats, [ours.restore, torchs.restore])
    rate = num_envs * count / statistics.median(times)
    return [Measured(rate, "steps/s", median_ratio(others, times), peak_memory())]
