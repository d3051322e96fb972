"""``python -m rl_baselines.plots``: its subcommands and what each does."""

import argparse
import csv
import io
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rl_baselines.plots.flags import make_parser, parse_ranges
from rl_baselines.plots.style import SUFFIXES
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR, find_run, find_runs
from srl3.errors import UserError
from srl3.files import check_target, write_text

if TYPE_CHECKING:
    from rl_baselines.plots.curves import Curve, CurveSettings, ScoreRange
    from rl_baselines.plots.figures import Look
    from rl_baselines.plots.methods import Group
    from rl_baselines.plots.statistics import Estimate
    from rl_baselines.runs.monitors import OnDamage


def run(argv: list[str] | None = None) -> int:
    """Parse and do what the subcommand says; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    if arguments.output_file is not None and arguments.what != "gather":
        check_target(arguments.output_file, SUFFIXES, "--output-file")
    low, high = getattr(arguments, "y_lim", None) or (0.0, 1.0)
    if not low < high < math.inf or low == -math.inf:
        raise UserError(f"--y-lim {low:g} {high:g} must give two numbers, the lower one first.")
    subcommands = {
        "run": _run,
        "aggregate": _aggregate,
        "compare": _compare,
        "gather": _gather,
        "profile": _profile,
        "forgetting": _forgetting,
    }
    subcommands[arguments.what](arguments)
    return 0


def _run(arguments: argparse.Namespace) -> None:
    from rl_baselines.plots.figures import learning_curve
    from rl_baselines.plots.foreign import find_foreign_runs
    from rl_baselines.runs.monitors import read_run
    from rl_baselines.runs.run_folder import RunFolder

    named = Path(arguments.log_dir)
    foreign = find_foreign_runs(named) if named.is_dir() and not find_runs(named) else []
    if foreign:
        folder, flags = RunFolder(foreign[0].path), foreign[0].arguments()
        if len(foreign) > 1:
            others = f"name one of the {len(foreign)} runs in it, for example {foreign[0].path}"
            raise UserError(f"{named} is above several runs of another tool; {others}, or use aggregate.")
    else:
        folder = find_run(arguments.log_dir, DEFAULT_LOG_DIR)
        flags = folder.read_yaml(folder.args).get("arguments", {})
    path = arguments.output_file or folder.learning_curve
    if arguments.output_file is None:
        path.parent.mkdir(exist_ok=True)
    title = arguments.title or (
        f"{flags.get('env')} {flags.get('algo')}"
        + (f" ({flags['srl_model']})" if flags.get("srl_model") else "")
        + f", seed {flags.get('seed')}"
    )
    drawn = -1
    while True:
        on_damage = _on_damage(arguments)
        episodes = foreign[0].episodes(on_damage) if foreign else read_run(folder.path, on_damage)
        if episodes.count != drawn:
            drawn = episodes.count
            shown = learning_curve(
                episodes, path, title, window=arguments.episode_window, axis=arguments.x, y_lim=arguments.y_lim
            )
            if not shown:
                if arguments.follow is None:
                    raise UserError(f"{folder.path} has no episode yet; wait for the first one to end.")
                print(f"{folder.path} has no episode yet", flush=True)
            if shown:
                mean = float(np.mean(episodes.returns[-100:]))
                print(
                    f"{episodes.timesteps[-1]:,} steps, {drawn:,} episodes, mean return of the last "
                    f"{min(drawn, 100)}: {mean:.2f}; drawn in {path}",
                    flush=True,
                )
        if arguments.follow is None:
            return
        time.sleep(arguments.follow)


def _aggregate(arguments: argparse.Namespace) -> None:
    from rl_baselines.plots.figures import seed_curves

    curves, look, table = _curves(arguments)
    _write(arguments, seed_curves(curves, arguments.x, look), table)


def _compare(arguments: argparse.Namespace) -> None:
    from rl_baselines.plots.figures import method_curves

    curves, look, table = _curves(arguments)
    _write(arguments, method_curves(curves, arguments.x, look), table)


def _curves(arguments: argparse.Namespace) -> "tuple[list[Curve], Look, str]":
    from rl_baselines.plots.curves import curves_of, curves_over_environments, score_ranges
    from rl_baselines.plots.figures import Look

    if arguments.data is not None:
        check_target(arguments.data, flag="--data")
    settings = _curve_settings(arguments)
    groups = _groups(arguments)
    y_label, interval = "episode return", settings.interval
    if arguments.across_environments:
        given = parse_ranges(arguments.score_range, groups)
        ranges = score_ranges(groups, arguments.episode_window, given)
        curves = curves_over_environments(groups, settings, ranges)
        y_label, interval = "normalised return", "95 % bootstrap interval, stratified by environment"
        _say_ranges(ranges)
    elif arguments.score_range:
        raise UserError("--score-range makes returns of several environments comparable; add --across-environments.")
    else:
        curves = curves_of(groups, settings)
    if arguments.data is not None:
        write_text(arguments.data, _curves_as_csv(curves, arguments.x))
    lines = [
        f"{curve.env}, {curve.method}: {_in_words(curve.estimate, -1)} over {len(curve.runs)} run(s) "
        f"at {_place(curve.x[-1], arguments.x)}"
        for curve in curves
    ]
    legend = f"{settings.statistic}, {interval}; each run's mean return of its last {settings.episode_window} episodes."
    look = Look(arguments.title, arguments.y_lim, y_label)
    return curves, look, "\n".join([*lines, legend])


def _gather(arguments: argparse.Namespace) -> None:
    from rl_baselines.plots.methods import find_method
    from rl_baselines.plots.results import TableSettings, as_csv, as_markdown, results_of

    outputs = arguments.output_file or []
    for path in outputs:
        check_target(path, (".csv", ".md"), "--output-file")
    groups = _groups(arguments)
    baseline = arguments.welch_test
    settings = TableSettings(
        budgets=tuple(sorted(set(arguments.timestep_budget))) or (None,),
        episode_window=arguments.episode_window,
        statistic=arguments.statistic,
        baseline=None if baseline is None else find_method(baseline, groups, "--welch-test"),
        n_resamples=arguments.n_resamples,
        seed=arguments.seed,
    )
    results = results_of(groups, settings)
    if not any(result.n_runs for result in results):
        most = max(run.steps for group in groups for run in group.runs)
        raise UserError(f"no run has so many timesteps, the longest has {most:,}; lower --timestep-budget.")
    markdown = as_markdown(results, groups, settings)
    print(markdown, end="")
    for path in outputs:
        write_text(path, markdown if path.suffix == ".md" else as_csv(results, settings))


def _profile(arguments: argparse.Namespace) -> None:
    from rl_baselines.plots.curves import score_ranges
    from rl_baselines.plots.figures import Look, profile_figure
    from rl_baselines.plots.methods import environments_of, find_method
    from rl_baselines.plots.profiles import comparisons_of, final_scores, profiles_of

    groups = _groups(arguments)
    baseline = None if arguments.baseline is None else find_method(arguments.baseline, groups, "--baseline")
    ranges = None
    if arguments.score_range or len(environments_of(groups)) > 1:
        given = parse_ranges(arguments.score_range, groups)
        ranges = score_ranges(groups, arguments.episode_window, given)
        _say_ranges(ranges)
    scores = final_scores(groups, arguments.episode_window, ranges)
    profiles = profiles_of(scores, arguments.n_resamples, arguments.seed)
    comparisons = comparisons_of(scores, baseline, arguments.n_resamples, arguments.seed)
    lines = [f"{each.method}: mean {each.mean:.4g}, iqm {each.iqm:.4g} over {each.n_runs} run(s)" for each in profiles]
    lines += [f"P({each.method} > {each.baseline}) = {_in_words(each.estimate)}" for each in comparisons]
    lines.append("Intervals: 95 % bootstrap, stratified by environment.")
    look = Look(arguments.title, y_label="mean return" if ranges is None else "normalised return")
    _write(arguments, profile_figure(profiles, comparisons, look), "\n".join(lines))


def _forgetting(arguments: argparse.Namespace) -> None:
    from rl_baselines.cross_evaluation.history import chapters_of
    from rl_baselines.plots.figures import Look
    from rl_baselines.plots.tasks.forgetting import as_csv, forgetting_curves, in_words

    if arguments.data is not None:
        check_target(arguments.data, flag="--data")
    chapters = chapters_of(find_run(arguments.log_dir, DEFAULT_LOG_DIR))
    if arguments.data is not None:
        write_text(arguments.data, as_csv(chapters))
    _write(arguments, forgetting_curves(chapters, Look(arguments.title, arguments.y_lim)), in_words(chapters))


def _groups(arguments: argparse.Namespace) -> "list[Group]":
    from rl_baselines.plots.methods import group_runs, repeated_seeds
    from rl_baselines.plots.runs import load_runs, note

    runs = load_runs(arguments.log_dir, min_timestep=arguments.min_timestep, on_damage=_on_damage(arguments))
    groups = group_runs(runs, arguments.group_by)
    for sentence in repeated_seeds(groups):
        note(sentence)
    return groups


def _curve_settings(arguments: argparse.Namespace) -> "CurveSettings":
    from rl_baselines.plots.curves import CurveSettings

    return CurveSettings(
        axis=arguments.x,
        episode_window=arguments.episode_window,
        statistic=arguments.statistic,
        n_resamples=arguments.n_resamples,
        seed=arguments.seed,
        truncate_x=arguments.truncate_x,
    )


def _on_damage(arguments: argparse.Namespace) -> "OnDamage":
    from rl_baselines.runs.monitors import refuse

    if arguments.skip_damaged:
        return lambda sentence: print(f"note: left out: {sentence}", file=sys.stderr)
    return lambda sentence: refuse(f"{sentence} --skip-damaged leaves such lines out.")


def _write(arguments: argparse.Namespace, figure: "object", table: str) -> None:
    from matplotlib.figure import Figure

    from rl_baselines.plots.style import save

    assert isinstance(figure, Figure)
    save(figure, arguments.output_file, table)
    print(table)
    print(f"drawn in {arguments.output_file}")


def _say_ranges(ranges: "dict[str, ScoreRange]") -> None:
    for env, scale in ranges.items():
        print(f"{env}: a return of {scale.low:.4g} is 0, one of {scale.high:.4g} is 1")


def _in_words(estimate: "Estimate", place: int | None = None) -> str:
    value, low, high = (
        float(part if place is None else part[place]) for part in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value:.4g}" + ("" if np.isnan(low) else f" [{low:.4g}, {high:.4g}]")


def _place(x: float, axis: str) -> str:
    from rl_baselines.plots.curves import AXES

    return f"{x:,.0f} {AXES[axis].label}"


def _curves_as_csv(curves: "Sequence[Curve]", axis: str) -> str:
    from rl_baselines.plots.curves import AXES

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["environment", "method", "n_runs", AXES[axis].label, "value", "low", "high"])
    for curve in curves:
        parts = (curve.x, curve.estimate.value, curve.estimate.low, curve.estimate.high)
        for numbers in zip(*parts, strict=True):
            shown = ["" if np.isnan(number) else f"{number:.10g}" for number in numbers]
            writer.writerow([curve.env, curve.method, len(curve.runs), *shown])
    return text.getvalue()
