"""Result tables: what methods earned within budgets of timesteps."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl_baselines.plots.curves import latest_return
from rl_baselines.plots.methods import Group, environments_of
from rl_baselines.plots.statistics import STATISTICS, WelchTest, bootstrapped, welch, with_standard_error


@dataclass(frozen=True)
class TableSettings:
    """What a table shows."""

    budgets: tuple[int | None, ...] = (None,)
    """timesteps; None is the end of each run"""
    episode_window: int = 100
    """episodes that a run's mean return is taken over"""
    statistic: str = "mean"
    """key of `STATISTICS`"""
    baseline: str | None = None
    """the method that the others are tested against"""
    n_resamples: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """A method on an environment within a budget."""

    env: str
    method: str
    budget: int | None
    n_runs: int
    """runs that reached the budget"""
    value: float
    """nan where no run did"""
    low: float
    high: float
    """mean: ± one standard error; iqm: 95 % bootstrap interval; nan for a single run"""
    test: WelchTest | None
    """against the baseline, on the same environment within the same budget; None without one, and of itself"""


def results_of(groups: Sequence[Group], settings: TableSettings) -> list[Result]:
    """The results of every group within every budget, by environment, method and budget."""
    results = []
    for budget in settings.budgets:
        earned = {(group.env, group.method): _earned(group, budget, settings.episode_window) for group in groups}
        for group in groups:
            values = earned[group.env, group.method]
            test = None
            if settings.baseline not in (None, group.method):
                test = welch(values, earned.get((group.env, str(settings.baseline)), np.empty(0)))
            results.append(
                Result(group.env, group.method, budget, len(values), *_estimate(values, settings), test=test)
            )
    order = {(group.env, group.method): place for place, group in enumerate(groups)}
    return sorted(results, key=lambda result: order[result.env, result.method])


def _earned(group: Group, budget: int | None, episode_window: int) -> np.ndarray:
    """``(n_runs,)`` of those that reached the budget."""
    if budget is None:
        return np.array([latest_return(run, episode_window) for run in group.runs])
    values = [latest_return(run, episode_window, budget) for run in group.runs if run.reached(budget)]
    return np.array([value for value in values if not np.isnan(value)])


def _estimate(values: np.ndarray, settings: TableSettings) -> tuple[float, float, float]:
    if not len(values):
        return np.nan, np.nan, np.nan
    if settings.statistic == "mean":
        estimate = with_standard_error(values)
    else:
        rng = np.random.default_rng(settings.seed)
        estimate = bootstrapped([values], STATISTICS[settings.statistic], settings.n_resamples, rng)
    return float(estimate.value), float(estimate.low), float(estimate.high)


def as_csv(results: Sequence[Result], settings: TableSettings) -> str:
    """One line per result; empty where there is no number."""
    spread = ["stderr_reward"] if settings.statistic == "mean" else ["iqm_reward_low", "iqm_reward_high"]
    tests = ["welch_t", "welch_p"] if settings.baseline is not None else []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    name = f"{settings.statistic}_reward"
    writer.writerow(["environment", "method", "timestep_budget", "n_runs", name, *spread, *tests])
    for result in results:
        numbers = [result.value]
        numbers += [result.high - result.value] if settings.statistic == "mean" else [result.low, result.high]
        if tests:
            numbers += [result.test.t, result.test.p] if result.test else [np.nan, np.nan]
        shown = ["" if np.isnan(number) else f"{number:.10g}" for number in numbers]
        writer.writerow([result.env, result.method, result.budget or "", result.n_runs, *shown])
    return text.getvalue()


def as_markdown(results: Sequence[Result], groups: Sequence[Group], settings: TableSettings) -> str:
    """A table for each environment, with a row for each method; the best value of a column is bold."""
    tables = []
    for env in environments_of(groups):
        methods = [group for group in groups if group.env == env]
        found = {(result.method, result.budget): result for result in results if result.env == env}
        head = ["method", "runs", *("at the end" if budget is None else f"{budget:,}" for budget in settings.budgets)]
        lines = [head]
        for group in methods:
            cells = [_cell(found, group, budget, settings) for budget in settings.budgets]
            lines.append([group.method, str(len(group.runs)), *cells])
        tables.append(f"{env}\n\n{_table(lines)}")
    return "\n\n".join([*tables, _legend(settings)]) + "\n"


def _cell(
    found: dict[tuple[str, int | None], Result], group: Group, budget: int | None, settings: TableSettings
) -> str:
    result = found[group.method, budget]
    if not result.n_runs:
        return "-"
    values = [other.value for (_, its_budget), other in found.items() if its_budget == budget and other.n_runs]
    digits = 2 if abs(result.value) < 1000 else 0
    shown = f"{result.value:.{digits}f}"
    if len(values) > 1 and result.value == max(values):
        shown = f"**{shown}**"
    if not np.isnan(result.low):
        spread = f" ± {result.high - result.value:.{digits}f}"
        shown += spread if settings.statistic == "mean" else f" [{result.low:.{digits}f}, {result.high:.{digits}f}]"
    if result.n_runs < len(group.runs):
        shown += f" ({result.n_runs} of {len(group.runs)})"
    if result.test is not None and not np.isnan(result.test.p):
        shown += f", p = {result.test.p:.2g}"
    return shown


def _legend(settings: TableSettings) -> str:
    spread = "± standard error" if settings.statistic == "mean" else "[95 % bootstrap interval]"
    text = (
        f"{settings.statistic} {spread} over runs of the mean return of the last {settings.episode_window} episodes"
        f"{' within so many timesteps' if settings.budgets != (None,) else ''}."
    )
    if settings.baseline is not None:
        text += f" p: Welch's test against {settings.baseline}."
    return text


def _table(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    rows.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {row} |" for row in rows)
