"""The table of representations in docs/results.md, from nothing: dataset, representations, policies, figures.

    python docs/representation_table.py --folder logs/representation_table

Whatever is finished is kept, so the same command goes on after an interruption, and ``--only`` can share the work among
processes. ``--table`` prints the table of what is there.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from srl3.errors import run_command

ENV = "MobileRobotGymEnv-v0"
DATASET = "mobile_random"
FRAMES = ("--env", ENV, "-r", "--img-shape", "64x64")
EPISODES = ("--num-episode", "400", "--env-kwargs", "max_steps:40", "--toward-target-timesteps-proportion", "0.1")
LEARNING = ("--model-type", "spatial_softmax", "--epochs", "8", "--learning-rate", "3e-3")
LEARNED = ("supervised", "random", "autoencoder", "srl_combination", "srl_splits")
METHODS = ("ground_truth", "raw_pixels", *LEARNED)
JUDGED_EPISODES = 200


def run(*command: str) -> str:
    """Run a command of SRL3; returns what it printed."""
    print("$ python -m", *command, file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={"OMP_NUM_THREADS": "1", **os.environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def learn(folder: Path, method: str, seed: int, device: str) -> Path:
    """The log folder of a representation, learned and judged."""
    log = folder / "representations" / f"{method}_{seed}"
    data = folder / "data" / DATASET
    shown = ("--device", device, "--no-progress")
    if not data.is_dir():
        run(
            "environments.dataset_generator", *FRAMES, *EPISODES, "--name", DATASET, "--save-path", str(data.parent),
            "--no-progress",
        )  # fmt: skip
    if not (log / "states_rewards.npz").is_file():
        source = ("--data-folder", str(data), "--srl-model", method, "--seed", str(seed))
        run("state_representation.train", *source, *LEARNING, "--log-folder", str(log), *shown)
    if not (log / "evaluation.json").is_file():
        run("state_representation.evaluate", "--log-dir", str(log), *shown)
    return log


def result_file(folder: Path, method: str, seed: int, steps: int) -> Path:
    """Where it is written what a policy earns."""
    return folder / "results" / f"{method}_{seed}_{steps}.json"


def train(folder: Path, method: str, seed: int, steps: int, device: str) -> None:
    """Train a policy on it, and write what the policy earns."""
    result = result_file(folder, method, seed, steps)
    if result.is_file():
        return
    result.parent.mkdir(parents=True, exist_ok=True)
    log = folder / "policies" / result.stem
    chosen = ("--srl-model-path", str(learn(folder, method, seed, device))) if method in LEARNED else ()
    run(
        "rl_baselines.train", *FRAMES, "--srl-model", method, *chosen, "--seed", str(seed),
        "--num-timesteps", str(steps), "--device", device, "--no-vis", "--no-progress", "--log-dir", str(log),
    )  # fmt: skip
    judged = ("--num-episodes", str(JUDGED_EPISODES), "--json")
    result.write_text(run("rl_baselines.enjoy", "--log-dir", str(log), *judged))


def row(folder: Path, method: str, seeds: list[int], steps: int) -> str:
    """A line of the table: mean and standard error over the seeds that are finished."""
    finished = [seed for seed in seeds if result_file(folder, method, seed, steps).is_file()]
    returns = [json.loads(result_file(folder, method, seed, steps).read_text())["mean_return"] for seed in finished]
    if not returns:
        return f"| {method} | – | – | – | – |"
    earned = f"{np.mean(returns):.1f}"
    if len(returns) > 1:
        earned += f" ± {np.std(returns, ddof=1) / np.sqrt(len(returns)):.1f}"
    each = ", ".join(f"{value:.1f}" for value in returns)
    if method not in LEARNED:
        return f"| {method} | – | – | {earned} | {each} |"
    judged = [
        json.loads((folder / "representations" / f"{method}_{seed}" / "evaluation.json").read_text())
        for seed in finished
    ]
    gtc, knn = (np.mean([one[name] for one in judged]) for name in ("gtc_mean", "knn_mse"))
    return f"| {method} | {gtc:.3f} | {knn:.3f} | {earned} | {each} |"


def main(argv: list[str] | None = None) -> None:
    """Do what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("logs/representation_table"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--num-timesteps", type=int, default=500_000, help="of each policy")
    parser.add_argument("--only", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--device", default="auto", help="torch device of representations and policies")
    parser.add_argument("--table", action="store_true", help="only print")
    chosen = parser.parse_args(argv)
    if not chosen.table:
        for seed in chosen.seeds:
            for method in chosen.only:
                train(chosen.folder, method, seed, chosen.num_timesteps, chosen.device)
    print("| observation | GTC mean | KNN-MSE | return | seed by seed |\n|---|---|---|---|---|")
    for method in METHODS:
        print(row(chosen.folder, method, chosen.seeds, chosen.num_timesteps))


if __name__ == "__main__":
    run_command(main)
