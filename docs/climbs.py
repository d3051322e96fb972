"""When trainings passed given returns: million steps and seconds, from the run folders' `progress.csv`.

    python -m docs.climbs logs/AntGymEnv-v0 --returns 1000 5000 7000

The return is the mean of the last 100 episodes as the training logs it, seconds are those since the training began.

    python -m docs.climbs logs/VelocityRoughGymEnv-v0 --means curriculum/terrain_level

prints instead what the mean of a column was in each tenth of the training.
"""

import argparse
import csv
import math
import statistics
from pathlib import Path

from rl_baselines.runs.run_folder import RunFolder, find_runs
from srl3.errors import UserError, run_command

RETURN, STEPS, SECONDS = "rollout/ep_rew_mean", "time/total_timesteps", "time/time_elapsed"


def climb(run: RunFolder, column: str = RETURN) -> list[tuple[float, float, float]]:
    """``(return, steps, seconds)`` of each line of the log that has them; or those of another column."""
    with (run.path / "progress.csv").open(newline="") as file:
        lines = [[line.get(name) for name in (column, STEPS, SECONDS)] for line in csv.DictReader(file)]
    return [(float(a), float(b), float(c)) for a, b, c in lines if a and b and c and not math.isnan(float(a))]


def by_tenths(points: list[tuple[float, float, float]]) -> list[tuple[float, float]]:
    """``(steps, mean)``: where each tenth of the steps ends, and the mean of its lines; tenths without any left out."""
    if not points:
        return []
    tenth = points[-1][1] / 10
    found = []
    for number in range(10):
        within = [value for value, steps, _ in points if number * tenth < steps <= (number + 1) * tenth + 0.5]
        if within:
            found.append(((number + 1) * tenth, statistics.fmean(within)))
    return found


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
    parser.add_argument("--means", metavar="COLUMN", help="of progress.csv, whose means are printed instead")
    chosen = parser.parse_args(argv)
    for folder in chosen.folder:
        runs = find_runs(folder)
        if not runs:
            raise UserError(f"{folder} is no run folder, and there is none below it.")
        for run in runs:
            print(run.path)
            if chosen.means:
                for end, mean in by_tenths(climb(run, chosen.means)):
                    print(f"  up to {end / 1e6:.2f}M: {mean:.2f}")
                continue
            points = climb(run)
            for threshold in chosen.returns:
                print(f"  {threshold:g}: {passed(points, threshold)}")
            if points:
                earned, steps, seconds = points[-1]
                print(f"  at the end: {earned:.0f} after {steps / 1e6:.1f}M, {seconds:.0f} s")


if __name__ == "__main__":
    run_command(main)
