"""Environments in worker processes against one process."""

import statistics

import numpy as np

from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory
from rl_baselines.vec_envs.worker_process import EnvSpec
from rl_baselines.vec_envs.workers import WorkerVecEnv

ENV_ID = "KukaButtonGymEnv-v0"
SEED = 0


def workers(effort: Effort, n_envs: int = 8, num_workers: int = 2) -> list[Measured]:
    """Robot steps per second of several processes; ratio: against the same action lists stepped in one."""
    specs = [EnvSpec(ENV_ID, {"srl_model": "ground_truth"}, None, False, None) for _ in range(n_envs)]
    ours, alone = WorkerVecEnv(specs, num_workers), WorkerVecEnv(specs, 1)
    rng = np.random.default_rng(SEED)
    actions = rng.integers(ours.action_space.n, size=(effort.count(200, least=30), n_envs))  # type: ignore[attr-defined]

    def step(venv: WorkerVecEnv) -> None:
        for action in actions:
            venv.step(action)

    def restart(venv: WorkerVecEnv) -> None:
        venv.seed(SEED)
        venv.reset()

    ours_times, alone_times = alternate(
        [lambda: step(ours), lambda: step(alone)], effort.repeats, [lambda: restart(ours), lambda: restart(alone)]
    )
    memory = peak_memory([process.pid for process in ours.processes])
    ours.close()
    alone.close()
    rate = actions.size / statistics.median(ours_times)
    return [Measured(rate, "steps/s", median_ratio(alone_times, ours_times), memory)]
