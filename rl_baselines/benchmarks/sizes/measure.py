"""Speed and memory of a short training of one size."""

import time
from collections.abc import Mapping
from typing import Any

import torch

from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.sizes.advice import minibatches
from rl_baselines.benchmarks.timing import peak_memory
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from rl_baselines.training.session import Session
from srl3.runtime.threads import torch_threads

MIB = 2**20


def measure(effort: Effort, request: Mapping[str, Any], n_envs: int, n_steps: int) -> list[Measured]:
    """Training's steps per second and memory: at least one rollout after one that does not count.

    Args:
        effort: ``size`` times 2 seconds are measured.
        request: choices of a `TrainingRequest`.
        n_envs: environments.
        n_steps: steps of each in a rollout.
    """
    plan = resolve(TrainingRequest(**request))
    hyperparams = {
        name: value for name, value in plan.hyperparams.items() if name not in ("batch_size", "nminibatches")
    }
    hyperparams |= {"n_envs": n_envs, "n_steps": n_steps, "nminibatches": minibatches(n_envs * n_steps)}
    free = torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else 0
    with torch_threads(images=plan.observation.has_images), Session(plan, None, hyperparams) as session:
        model = session.model
        on_gpu = model.device.type == "cuda"
        rollout, seconds, steps = n_envs * n_steps, 0.0, 0
        model.learn(rollout)
        while not steps or seconds < 2 * effort.size:
            start = time.perf_counter()
            model.learn(rollout, reset_num_timesteps=False)
            if on_gpu:
                torch.cuda.synchronize()
            seconds += time.perf_counter() - start
            steps += rollout
        workers = getattr(getattr(model.env, "unwrapped", None), "processes", ())
        memory = (free - torch.cuda.mem_get_info()[0]) / MIB if on_gpu else peak_memory(each.pid for each in workers)
    return [Measured(steps / seconds, "steps/s", memory=memory)]
