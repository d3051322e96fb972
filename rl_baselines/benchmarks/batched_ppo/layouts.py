"""One process with all robots against two with half of them each: a training, and the world alone."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from rl_baselines.benchmarks.batched_ppo.sides import ROLLOUTS, bare_world, batched_model, learning, stepping
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, peak_memory
from srl3.runtime.launch import rank_variables

RANK = "rl_baselines.benchmarks.batched_ppo.layout_rank"


def best_layout(
    effort: Effort, env_id: str, n_envs: int, n_epochs: int | None = None, processes: int = 2
) -> list[Measured]:
    """Training steps per second in the better layout; ratio: against the world alone in the better layout for that."""
    torch.set_num_threads(1)
    hyperparam = () if n_epochs is None else (f"n_epochs:{n_epochs}",)
    model, values, shares = batched_model(env_id, n_envs, hyperparam)
    assert model.env is not None
    venv = bare_world(env_id, n_envs)
    count = values["n_steps"] * effort.count(ROLLOUTS)
    with tempfile.TemporaryDirectory() as folder:
        ranks = [_start(rank, processes, Path(folder), env_id, n_envs, hyperparam) for rank in range(processes)]
        try:
            times = alternate(
                [
                    learning(model, count * n_envs),
                    stepping(venv, count),
                    _asking(ranks, f"learn {count * n_envs}"),
                    _asking(ranks, f"step {count}"),
                ],
                effort.repeats,
            )
            memory = peak_memory([rank.pid for rank in ranks])
        finally:
            for rank in ranks:
                rank.kill()
                rank.wait()
    model.env.close()
    venv.close()
    one, alone, several, alone_in_several = (count * n_envs / statistics.median(each) for each in times)
    details = {
        "in_one_process": one,
        "in_several_processes": several,
        "world_in_one_process": alone,
        "world_in_several_processes": alone_in_several,
        **shares.means(),
    }
    name = "1 process" if one >= several else f"{processes} processes"
    best = max(one, several)
    return [Measured(best, "steps/s", best / max(alone, alone_in_several), memory, f"({name})", details)]


def _start(
    rank: int, count: int, folder: Path, env_id: str, n_envs: int, hyperparam: tuple[str, ...]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", RANK, env_id, str(n_envs), *hyperparam],
        env={**os.environ, **rank_variables(rank, count, folder / "meeting")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _asking(ranks: list[subprocess.Popen[str]], what: str) -> Callable[[], None]:
    def ask() -> None:
        for rank in ranks:
            assert rank.stdin is not None
            print(what, file=rank.stdin, flush=True)
        for rank in ranks:
            assert rank.stdout is not None
            if rank.stdout.readline() != "done\n":
                raise RuntimeError(f"a process of the layout ended with {rank.wait()}")

    return ask
