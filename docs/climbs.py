"""When trainings passed given returns: million steps and seconds, from the run folders' `progress.csv`.

    python -m docs.climbs logs/AntGymEnv-v0 --returns 1000 5000 7000

The return is the mean of the last 100 episodes as the training logs it, seconds are those since the training began.
"""

import argparse
import csv
import math
from pathlib import Path

from rl_baselines.runs.run_folder import RunFolder, find_runs

RETURN, STEPS, SECONDS = "rollout/ep_rew_mean", "time/total_timesteps", "time/time_elapsed"


def climb(run: RunFolder) -> list[tuple[float, float, float]]:
    """``(return, steps, seconds)`` of each line of the log that has them."""
    with (run.path / "progress.csv").open(newline="") as file:
        lines = [[line.get(name) for name in (RETURN, STEPS, SECONDS)] for line in csv.DictReader(file)]
    return [(float(a), float(b), float(c)) for a, b, c in lines if a and b and c and not math.isnan(float(a))]


def passed(points: list[tuple[float, float, float]], threshold: float) -> str:
    """When ``threshold`` was passed first."""
    for earned, steps, seconds in points:
        if earned >= threshold:
            return f"{steps / 1e6:.1f}M, {seconds:.0f} s"
    return "-"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m docs.climbs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="+", type=Path, help="run folders, or folders above them")
    parser.add_argument("--returns", nargs="+", type=float, default=[1000, 2000, 3000, 5000, 7000, 8000])
    chosen = parser.parse_args(argv)
    for folder in chosen.folder:
        for run in find_runs(folder):
            points = climb(run)
            print(run.path)
            for threshold in chosen.returns:
                print(f"  {threshold:g}: {passed(points, threshold)}")
            if points:
                earned, steps, seconds = points[-1]
                print(f"  at the end: {earned:.0f} after {steps / 1e6:.1f}M, {seconds:.0f} s")


if __name__ == "__main__":
    main()
