"""One of the processes of `layouts`: does what it is asked to on standard input, and says ``done`` when all have."""

import os
import sys
from collections.abc import Callable, Sequence

import torch

from rl_baselines.benchmarks.batched_ppo.sides import bare_world, batched_model, stepping
from srl3.runtime.ranks import joined, place


def main(env_id: str, n_envs: int, hyperparam: Sequence[str]) -> None:
    """Train or step this process's share of ``n_envs`` robots, until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what engines greet with is no answer
    torch.set_num_threads(1)
    with joined(place(), gpus=False) as ranks:
        share = n_envs // ranks.size
        model, _, _ = batched_model(env_id, share, hyperparam)
        model.join(ranks)
        venv = bare_world(env_id, share)
        steps: Callable[[], None] | None = None
        for line in sys.stdin:
            what, count = line.split()
            if what == "learn":
                model.learn(int(count), reset_num_timesteps=False)
            else:
                steps = steps or stepping(venv, int(count))  # the same number each time
                steps()
            ranks.add(torch.zeros(1))
            print("done", file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
