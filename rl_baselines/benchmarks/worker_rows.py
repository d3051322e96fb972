"""Environments in worker processes against one process."""

import os
import statistics
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory, processor_seconds
from rl_baselines.worker_process import EnvSpec
from rl_baselines.workers import WorkerVecEnv

ENV_ID = "KukaButtonGymEnv-v0"
SEED = 0


def workers(effort: Effort, n_envs: int = 8, num_workers: int = 2) -> list[Measured]:
    """Robot steps per second of worker processes; ratio: against the same action lists stepped in one process.

    ``processor_ratio`` is what the ratio would be on as many idle cores as workers, as far as processor time tells.
    """
    specs = [EnvSpec(ENV_ID, {"srl_model": "ground_truth"}, None, False, None) for _ in range(n_envs)]
    ours, plain = WorkerVecEnv(specs, num_workers), DummyVecEnv([spec.make for spec in specs])
    rng = np.random.default_rng(SEED)
    actions = rng.integers(ours.action_space.n, size=(effort.count(200, least=30), n_envs))  # type: ignore[attr-defined]
    pids = [os.getpid(), *(process.pid for process in ours.processes)]
    spent: dict[str, list[float]] = {"ours": [], "plain": []}

    def step(venv: Any, name: str) -> None:
        before = processor_seconds(pids)
        for action in actions:
            venv.step(action)
        spent[name].append(processor_seconds(pids) - before)

    def restart(venv: Any) -> None:
        venv.seed(SEED)
        venv.reset()

    ours_times, plain_times = alternate(
        [lambda: step(ours, "ours"), lambda: step(plain, "plain")],
        effort.repeats,
        [lambda: restart(ours), lambda: restart(plain)],
    )
    memory = peak_memory(pids[1:])
    ours.close()
    plain.close()
    rate = actions.size / statistics.median(ours_times)
    processor_ratio = num_workers * median_ratio(spent["plain"], spent["ours"])
    ratio = median_ratio(plain_times, ours_times)
    return [Measured(rate, "steps/s", ratio, memory, details={"processor_ratio": processor_ratio})]
