"""The flags of ``python -m rl_baselines.plots``. Imports nothing heavy."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srl3.errors import UserError, unknown_name
from srl3.flags import Parser, positive_float, positive_number, whole_number

if TYPE_CHECKING:
    from rl_baselines.plots.curves import ScoreRange
    from rl_baselines.plots.methods import Group

PROG = "python -m rl_baselines.plots"
EXAMPLES = """examples:
  python -m rl_baselines.plots run -i logs/MobileRobotGymEnv-v0 --follow 10
  python -m rl_baselines.plots aggregate -i logs/MobileRobotGymEnv-v0/ground_truth/ppo2 -o seeds.png --statistic iqm
  python -m rl_baselines.plots compare -i logs/MobileRobotGymEnv-v0 -o compare.svg --x time
  python -m rl_baselines.plots gather -i logs -o results.csv results.md --timestep-budget 1e5 1e6 --welch-test ppo2
  python -m rl_baselines.plots profile -i logs -o profile.html --baseline ppo2
  python -m rl_baselines.plots forgetting -i logs/OmnirobotEnv-v0 -o forgetting.png --data forgetting.csv
"""
METHODS = """Runs that differ in nothing but the seed are one method on one environment. A method is called by its
algorithm, its representation and the flags in which the methods found differ."""
SUMMARIES = {
    "run": "learning curve of one run, live or done",
    "aggregate": "learning curve over the seeds of a method",
    "compare": "learning curves of several methods",
    "gather": "result table per environment, as CSV and Markdown",
    "profile": "performance profiles and probabilities of improvement",
    "forgetting": "returns in every task while one policy learns one after the other",
}


class _SubParser(Parser):
    """A parser of a subcommand: it answers for unknown flags itself, knowing its own."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


def make_parser() -> Parser:
    """The subcommands with their flags."""
    parser = Parser(prog=PROG, description="Figures and tables of runs.", epilog=EXAMPLES)
    parser.usage = f"%(prog)s {{{','.join(SUMMARIES)}}} [flags]"
    subparsers = parser.add_subparsers(
        dest="what", required=True, prog=PROG, metavar="what", title="what", parser_class=_SubParser
    )
    parsers = {
        name: subparsers.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}."
            + ("" if name in ("run", "forgetting") else f"\n\n{METHODS}"),
            epilog="examples:\n" + next(line for line in EXAMPLES.splitlines() if f".plots {name} " in line),
        )
        for name, summary in SUMMARIES.items()
    }
    _add_run_flags(parsers["run"])
    for name in ("aggregate", "compare"):
        _add_input_flags(parsers[name])
        _add_curve_flags(parsers[name])
        _add_bootstrap_flags(parsers[name])
    _add_gather_flags(parsers["gather"])
    _add_profile_flags(parsers["profile"])
    _add_forgetting_flags(parsers["forgetting"])
    return parser


def parse_ranges(items: Sequence[str], groups: "Sequence[Group]") -> "dict[str, ScoreRange]":
    """``ENV:LOW:HIGH`` …, each of an environment that has runs.

    Raises:
        UserError: for another form, another environment, or bounds that are not in order.
    """
    from rl_baselines.plots.curves import ScoreRange
    from rl_baselines.plots.methods import environments_of

    ranges = {}
    for item in items:
        parts = item.split(":")
        try:
            env, low, high = parts[0], float(parts[1]), float(parts[2])
        except (IndexError, ValueError):
            raise UserError(f"--score-range takes ENV:LOW:HIGH, for example MyEnv-v0:-5:250, not '{item}'.") from None
        if env not in environments_of(groups):
            raise unknown_name("environment in --score-range", env, environments_of(groups))
        if len(parts) > 3 or not low < high < float("inf"):
            raise UserError(f"--score-range {item} must give two numbers, the lower one first.")
        ranges[env] = ScoreRange(low, high)
    return ranges


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-i",
        "--log-dir",
        required=True,
        metavar="RUN",
        help="run folder, a folder above runs (its newest run), part of a run's name",
    )
    _add_output_flag(parser, required=False, what="PNG, SVG, HTML or PDF; else plots/learning_curve.png of the run")
    parser.add_argument("--episode-window", type=positive_number, help="episodes averaged; else a tenth of them")
    _add_axis_flag(parser)
    parser.add_argument("--follow", type=positive_float, metavar="SECONDS", help="draw again so often, until Ctrl-C")
    _add_look_flags(parser)
    _add_skip_flag(parser)


def _add_input_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which runs")
    group.add_argument(
        "-i", "--log-dir", nargs="+", type=Path, required=True, metavar="DIR", help="run folders, or folders above them"
    )
    group.add_argument(
        "--group-by",
        nargs="+",
        metavar="FLAG",
        help="flags of train that make a method, e.g. algo suffix; else all that are not the same",
    )
    group.add_argument("--min-timestep", type=whole_number, default=0, help="leave out runs with fewer timesteps")
    _add_skip_flag(group)


def _add_curve_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is drawn")
    _add_output_flag(group, required=True, what="PNG, SVG, HTML or PDF")
    _add_axis_flag(group)
    group.add_argument("--episode-window", type=positive_number, default=40, help="episodes a run's mean is taken over")
    _add_statistic_flag(group)
    group.add_argument(
        "--across-environments",
        action="store_true",
        help="one curve over all environments, of normalised returns; the bootstrap is stratified by environment",
    )
    _add_range_flag(group)
    group.add_argument("--truncate-x", type=positive_float, metavar="X", help="end the curves there")
    group.add_argument("--data", type=Path, metavar="FILE.csv", help="write the curves' numbers too")
    _add_look_flags(group)


def _add_gather_flags(parser: argparse.ArgumentParser) -> None:
    _add_input_flags(parser)
    group = parser.add_argument_group("what is shown")
    group.add_argument(
        "-o", "--output-file", nargs="+", type=Path, metavar="FILE", help="write the table there too (.csv, .md)"
    )
    group.add_argument(
        "--timestep-budget",
        nargs="+",
        type=positive_number,
        default=[],
        metavar="N",
        help="results after so many timesteps, e.g. 1e5 1e6; else at the end of each run",
    )
    group.add_argument(
        "--episode-window", type=positive_number, default=100, help="episodes a run's mean is taken over"
    )
    _add_statistic_flag(group)
    group.add_argument("--welch-test", metavar="METHOD", help="test every method against this one (or part of a name)")
    _add_bootstrap_flags(parser)


def _add_profile_flags(parser: argparse.ArgumentParser) -> None:
    _add_input_flags(parser)
    group = parser.add_argument_group("what is drawn")
    _add_output_flag(group, required=True, what="PNG, SVG, HTML or PDF")
    group.add_argument(
        "--episode-window", type=positive_number, default=100, help="episodes a run's mean is taken over"
    )
    group.add_argument("--baseline", metavar="METHOD", help="compare with this method only (or part of a name)")
    _add_range_flag(group)
    group.add_argument("-t", "--title", help="above the figure")
    _add_bootstrap_flags(parser)


def _add_forgetting_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-i",
        "--log-dir",
        required=True,
        metavar="RUN",
        help="run folder, folder above runs, part of a run's name: the last training, those before it come along",
    )
    _add_output_flag(parser, required=True, what="figure to write")
    parser.add_argument("--data", type=Path, metavar="FILE.csv", help="also write every evaluation's mean and spread")
    _add_look_flags(parser)


def _add_output_flag(parser: Any, *, required: bool, what: str) -> None:
    parser.add_argument("-o", "--output-file", type=Path, required=required, metavar="FILE", help=what)


def _add_axis_flag(parser: Any) -> None:
    parser.add_argument(
        "--x", choices=("timesteps", "episodes", "time"), default="timesteps", help="what the curves run along"
    )


def _add_statistic_flag(parser: Any) -> None:
    parser.add_argument(
        "--statistic",
        choices=("mean", "iqm"),
        default="mean",
        help="over runs: mean with its standard error, or interquartile mean with its 95 %% bootstrap interval",
    )


def _add_range_flag(parser: Any) -> None:
    parser.add_argument(
        "--score-range",
        nargs="+",
        default=[],
        metavar="ENV:LOW:HIGH",
        help="returns that are 0 and 1 on the scale of several environments; else of the worst and the best run",
    )


def _add_look_flags(parser: Any) -> None:
    parser.add_argument("-t", "--title", help="above the figure")
    parser.add_argument("--y-lim", nargs=2, type=float, metavar=("LOW", "HIGH"), help="limits of the y axis")


def _add_skip_flag(parser: Any) -> None:
    parser.add_argument("--skip-damaged", action="store_true", help="leave out damaged lines instead of ending there")


def _add_bootstrap_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("bootstrap")
    group.add_argument("--n-resamples", type=positive_number, default=2000, help="how often the runs are drawn")
    group.add_argument("--seed", type=whole_number, default=0, help="seed of the drawing")
