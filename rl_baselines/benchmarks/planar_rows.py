"""The batched worlds through their SB3 `VecEnv`."""

import statistics
from collections.abc import Mapping
from typing import Any

import numpy as np

from environments.batched import make_batched_vec_env
from environments.config import PIXELS
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, peak_memory

N_ACTIONS = 64
"""Sets of random actions that are drawn beforehand and used in turn."""


def steps(
    effort: Effort, env_id: str, num_envs: int, usual_steps: int, env_kwargs: Mapping[str, Any]
) -> list[Measured]:
    """Robot steps (or frames) per second, resets included.

    Args:
        effort: how much.
        env_id: key of ``registered_env``, of a batched world.
        num_envs: robots stepped at once.
        usual_steps: steps of all of them in a run of usual length.
        env_kwargs: ``srl_model`` and ``img_shape`` among them.
    """
    venv = make_batched_vec_env(env_id, num_envs, **env_kwargs)
    venv.action_space.seed(0)
    actions = np.array([[venv.action_space.sample() for _ in range(num_envs)] for _ in range(N_ACTIONS)])
    venv.seed(0)
    venv.reset()
    count = effort.count(usual_steps, least=5 if env_kwargs["srl_model"] == PIXELS else venv.config.max_steps)

    def run() -> None:
        for step in range(count):
            venv.step(actions[step % N_ACTIONS])

    (times,) = alternate([run], effort.repeats)
    unit = "frames/s" if env_kwargs["srl_model"] == PIXELS else "steps/s"
    memory = peak_memory()
    venv.close()
    return [Measured(num_envs * count / statistics.median(times), unit, memory=memory)]
