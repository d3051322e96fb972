"""The speed of ``rl_baselines.plots`` on a tree of made-up runs."""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import seconds
from rl_baselines.runs.run_folder import RunFolder

ENVIRONMENTS = ("MobileRobotGymEnv-v0", "KukaButtonGymEnv-v0")
METHODS = ("ppo2", "a2c", "sac", "dqn")


def command(effort: Effort, arguments: Sequence[str], n_runs: int, n_episodes: int) -> list[Measured]:
    """Seconds that ``python -m rl_baselines.plots`` takes from its start to its end, over ``n_runs`` runs.

    Args:
        effort: how much; its size scales the episodes.
        arguments: the subcommand and its flags; ``-i`` and ``-o`` are added.
        n_runs: over two environments and four algorithms, a seed each.
        n_episodes: of each run.
    """
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        write_tree(logs, n_runs, effort.count(n_episodes), np.random.default_rng(0))
        output = str(Path(folder) / ("table.csv" if arguments[0] == "gather" else "figure.png"))
        line = [sys.executable, "-m", "rl_baselines.plots", *arguments, "-i", str(logs), "-o", output]

        def run() -> None:
            subprocess.run(line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        run()
        before = _processor_seconds()
        times = [seconds(run) for _ in range(effort.repeats)]
        processor = (_processor_seconds() - before) / effort.repeats
    return [Measured(statistics.median(times), "s", details={"processor_seconds": processor})]


def write_tree(folder: Path, n_runs: int, n_episodes: int, rng: np.random.Generator) -> None:
    """Write run folders with noisy learning curves, one monitor file each, as trainings leave them.

    Args:
        folder: parent of the run folders.
        n_runs: spread over `ENVIRONMENTS` and `METHODS`, then over seeds.
        n_episodes: of each run.
        rng: draws them.
    """
    for number in range(n_runs):
        env = ENVIRONMENTS[number % len(ENVIRONMENTS)]
        method = number // len(ENVIRONMENTS) % len(METHODS)
        seed = number // (len(ENVIRONMENTS) * len(METHODS))
        run = RunFolder(folder / env / "ground_truth" / METHODS[method] / f"26-01-01_00h00_00-{seed}")
        run.path.mkdir(parents=True)
        steps = n_episodes * 150
        flags: dict[str, Any] = {"env": env, "algo": METHODS[method], "srl_model": "ground_truth", "seed": seed}
        run.args.write_text(yaml.safe_dump({"command": "made up", "arguments": {**flags, "num_timesteps": steps}}))
        progress = np.linspace(0, 1, n_episodes)
        best = 200 - 30 * method + rng.normal(scale=8)
        returns = best * (1 - np.exp(-5 * progress)) + rng.normal(scale=15, size=n_episodes)
        lengths = rng.integers(50, 251, n_episodes)
        times = np.cumsum(lengths) / 2000
        rows = zip(returns.round(6).tolist(), lengths.tolist(), times.round(6).tolist(), strict=True)
        head = f"#{json.dumps({'t_start': 0.0, 'env_id': env})}\nr,l,t\n"
        text = head + "".join(f"{r},{length},{t}\n" for r, length, t in rows)
        (run.path / "0.monitor.csv").write_text(text)


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
