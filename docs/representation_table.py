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

ENV = "MobileRobotGymEnv-v0"
DATASET = "mobile_random"
FRAMES = ("--env", ENV, "-r", "--img-shape", "64x64")
EPISODES = ("--num-episode", "250", "--env-kwargs", "max_steps:60", "--toward-target-timesteps-proportion", "0.1")
LEARNING = ("--model-type", "spatial_softmax", "--epochs", "8", "--learning-rate", "3e-3")
LEARNED = ("supervised", "random", "autoencoder", "srl_combination", "srl_splits")
METHODS = ("ground_truth", "raw_pixels", *LEARNED)


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


def learn(folder: Path, method: str, seed: int) -> Path:
    """The log folder of a representation, learned and judged."""
    log = folder / "representations" / f"{method}_{seed}"
    data = folder / "data" / DATASET
    if not data.is_dir():
        run(
            "environments.dataset_generator", *FRAMES, *EPISODES, "--name", DATASET, "--save-path", str(data.parent),
            "--no-progress",
        )  # fmt: skip
    if not (log / "states_rewards.npz").is_file():
        source = ("--data-folder", str(data), "--srl-model", method, "--seed", str(seed))
        run("state_representation.train", *source, *LEARNING, "--log-folder", str(log), "--no-progress")
    if not (log / "evaluation.json").is_file():
        run("state_representation.evaluate", "--log-dir", str(log), "--no-progress")
    return log


def train(folder: Path, method: str, seed: int, steps: int) -> None:
    """Train a policy on it, and write what the policy earns."""
    result = folder / "results" / f"{method}_{seed}.json"
    if result.is_file():
        return
    result.parent.mkdir(parents=True, exist_ok=True)
    log = folder / "policies" / f"{method}_{seed}"
    chosen = ("--srl-model-path", str(learn(folder, method, seed))) if method in LEARNED else ()
    shown = ("--no-vis", "--no-progress", "--log-dir", str(log))
    run(
        "rl_baselines.train", *FRAMES, "--srl-model", method, *chosen, "--seed", str(seed),
        "--num-timesteps", str(steps), *shown,
    )  # fmt: skip
    played = run("rl_baselines.enjoy", "--log-dir", str(log), "--num-episodes", "100", "--json")
    result.write_text(played)


def row(folder: Path, method: str, seeds: list[int]) -> str:
    """A line of the table: mean and standard error over the seeds that are finished."""
    returns = [
        json.loads(path.read_text())["mean_return"]
        for seed in seeds
        if (path := folder / "results" / f"{method}_{seed}.json").is_file()
    ]
    if not returns:
        return f"| {method} | – | – | – | 0 |"
    earned = f"{np.mean(returns):.1f}"
    if len(returns) > 1:
        earned += f" ± {np.std(returns, ddof=1) / np.sqrt(len(returns)):.1f}"
    if method not in LEARNED:
        return f"| {method} | – | – | {earned} | {len(returns)} |"
    judged = [
        json.loads((folder / "representations" / f"{method}_{seed}" / "evaluation.json").read_text())
        for seed in seeds[: len(returns)]
    ]
    gtc, knn = (np.mean([each[name] for each in judged]) for name in ("gtc_mean", "knn_mse"))
    return f"| {method} | {gtc:.2f} | {knn:.3f} | {earned} | {len(returns)} |"


def main() -> None:
    """Do what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("logs/representation_table"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--num-timesteps", type=int, default=400_000, help="of each policy")
    parser.add_argument("--only", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--table", action="store_true", help="only print")
    arguments = parser.parse_args()
    if not arguments.table:
        for seed in arguments.seeds:
            for method in arguments.only:
                train(arguments.folder, method, seed, arguments.num_timesteps)
    print("| observation | GTC mean | KNN-MSE | return | seeds |\n|---|---|---|---|---|")
    for method in METHODS:
        print(row(arguments.folder, method, arguments.seeds))


if __name__ == "__main__":
    main()
