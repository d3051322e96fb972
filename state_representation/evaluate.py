"""``python -m state_representation.evaluate``: how good a learned representation is."""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srl3.errors import UserError, run_command
from srl3.files import write_text
from srl3.flags import Parser, positive_number, seed_number, whole_number
from srl3.runtime.progress import Progress

if TYPE_CHECKING:
    import numpy as np

    from environments.datasets.dataset import Dataset
    from state_representation.judging.judged import Judged

EXAMPLES = """examples:
  python -m state_representation.evaluate --log-dir logs/mobile_r/26-11-20_10h00_00_custom_cnn_ST_DIM200_inverse
  python -m state_representation.evaluate --log-dir logs/mobile_r/* --data-folder data/mobile_r_test
"""
DESCRIPTION = """Judge representations, print a table, and write the figures into each log folder.

GTC:     for each coordinate of agent and target, the greatest absolute correlation with a number of the state
linear:  share of the coordinates' variance that a linear map from the state explains on held-out episodes, mean
KNN-MSE: squared distance in the world between a frame and its neighbours in state space, mean
reward:  accuracy of a small network that tells the reward from the state, on held-out episodes
balanced: mean of that accuracy over the different rewards"""


def make_parser() -> Parser:
    """The flags of ``state_representation.evaluate``."""
    parser = Parser(prog="python -m state_representation.evaluate", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("--log-dir", nargs="+", type=Path, required=True, metavar="FOLDER", help="log folders")
    parser.add_argument("--data-folder", type=Path, metavar="FOLDER", help="another dataset than the one learned from")
    parser.add_argument("-k", "--n-neighbors", type=positive_number, default=5, help="neighbours of a frame")
    parser.add_argument("-n", "--knn-samples", type=positive_number, default=200, help="frames for the KNN-MSE")
    parser.add_argument("--n-to-plot", type=whole_number, default=5, help="pictures of neighbours; 0 for none")
    parser.add_argument("--epochs", type=positive_number, default=10, help="of the network that tells the reward")
    parser.add_argument("--seed", type=seed_number, default=1, help="of samples, splits and weights")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--device", default="auto", help="torch device")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, judge, write, print; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    if arguments.seed == -1:
        raise UserError("--seed of a judgement is a number from 0, so that it can be repeated; -1 is not.")
    results = [_judge(arguments, log_dir) for log_dir in arguments.log_dir]
    print(json.dumps(results, indent=1) if arguments.json else _table(results))
    return 0


def _judge(arguments: argparse.Namespace, log_dir: Path) -> dict[str, Any]:
    from state_representation.judging.judged import open_judged

    with _Progress(arguments.no_progress) as on_start:
        judged = open_judged(log_dir, arguments.data_folder, arguments.device, on_start)
    result = _figures(arguments, judged)
    folder = judged.folder
    write_text(folder.evaluation, json.dumps(result, indent=1) + "\n")
    correlation = {"gt_corr": list(result["gtc"].values()), "gt_corr_mean": result["gtc_mean"]}
    write_text(folder.correlation, json.dumps(correlation) + "\n")
    write_text(folder.knn_mse, json.dumps({"knn_mse": result["knn_mse"], "n_neighbors": arguments.n_neighbors}) + "\n")
    if arguments.n_to_plot:
        from state_representation.plots.neighbours import draw_neighbours

        folder.neighbours.mkdir(exist_ok=True)
        draw_neighbours(judged, folder.neighbours, arguments.n_to_plot, arguments.n_neighbors, arguments.seed)
    return result


def _figures(arguments: argparse.Namespace, judged: "Judged") -> dict[str, Any]:
    import numpy as np

    from state_representation.data.truth import world_truth
    from state_representation.judging.metrics import ground_truth_correlation, knn_mse
    from state_representation.judging.reward_prediction import predict_reward

    dataset, states = judged.dataset, judged.states
    if arguments.n_neighbors >= len(dataset):
        raise UserError(f"{dataset.path} has {len(dataset)} frames; use a smaller -k than {arguments.n_neighbors}.")
    truth = world_truth(dataset)
    correlation = ground_truth_correlation(states, truth.values)
    rng = np.random.default_rng(arguments.seed)
    queries = rng.choice(len(dataset), min(arguments.knn_samples, len(dataset)), replace=False)
    reward = None
    if dataset.episodes > 1 and np.ptp(dataset.rewards) > 0:
        reward = predict_reward(dataset, states, epochs=arguments.epochs, seed=arguments.seed).as_dict()
    info = judged.encoder.info
    linear = _linear(dataset, states, truth.values, rng)
    known = {name: _or_none(value) for name, value in zip(truth.names, correlation.by_dimension, strict=True)}
    return {
        "log_dir": str(judged.folder.path),
        "srl_model": info.srl_model,
        "losses": list(info.losses),
        "state_dim": info.state_dim,
        "data_folder": str(dataset.path),
        "frames": len(dataset),
        "gtc": known,
        "gtc_mean": _or_none(correlation.mean),
        "linear": dict(zip(truth.names, map(_or_none, linear.tolist()), strict=True)),
        "linear_mean": _or_none(float(np.nanmean(linear))) if np.isfinite(linear).any() else None,
        "knn_mse": knn_mse(states, truth.values, arguments.n_neighbors, queries),
        "reward": reward,
    }


def _linear(dataset: "Dataset", states: "np.ndarray", truth: "np.ndarray", rng: "np.random.Generator") -> "np.ndarray":
    import numpy as np

    from state_representation.judging.metrics import linear_fit
    from state_representation.judging.reward_prediction import HELD_OUT

    if dataset.episodes < 2:
        return np.full(truth.shape[1], np.nan)
    held = rng.permutation(dataset.episodes)[: max(1, round(HELD_OUT * dataset.episodes))]
    return linear_fit(states, truth, np.isin(dataset.episode_numbers(), held))


class _Progress:
    """A bar that is made when it is known how many frames there are; a context manager that gives what makes it."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._bar: Progress | None = None

    def __enter__(self) -> Callable[[int], Callable[[int], object]]:
        return self._start

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            self._bar.__exit__(*error)

    def _start(self, total: int) -> Callable[[int], object]:
        self._bar = Progress(total, "frames", not self._silent)
        return self._bar.advance


def _table(results: list[dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    columns = list(dict.fromkeys(name for result in results for name in result["gtc"]))
    lines = [("representation", "dim", *columns, "GTC mean", "linear", "KNN-MSE", "reward", "balanced")]
    for result in results:
        reward = result["reward"] or {"accuracy": None, "balanced_accuracy": None}
        numbers = [result["gtc"].get(name) for name in columns]
        numbers += [
            result["gtc_mean"],
            result["linear_mean"],
            result["knn_mse"],
            reward["accuracy"],
            reward["balanced_accuracy"],
        ]
        cells = ["-" if number is None else f"{number:.3f}" for number in numbers]
        lines.append((result["srl_model"], str(result["state_dim"]), *cells))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def _or_none(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


if __name__ == "__main__":
    run_command(main)
