"""Learning curves over several runs: what they had lately earned, at the same places for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rl_baselines.plots.methods import Group, environments_of, methods_of
from rl_baselines.plots.runs import Run, note
from rl_baselines.plots.smoothing import mean_of_last
from rl_baselines.plots.statistics import STATISTICS, Estimate, bootstrapped, with_standard_error
from rl_baselines.runs.monitors import Episodes
from srl3.errors import UserError

POINTS = 61
"""places along a curve"""
EARLY_END = 0.9
"""a curve that ends before this share of its longest run is named"""
ALL_ENVIRONMENTS = "all environments"


@dataclass(frozen=True)
class Axis:
    """What a curve runs along."""

    label: str
    of: Callable[[Episodes], np.ndarray]
    """its value at the end of every episode, ``(n_episodes,)``, never decreasing"""


AXES = {
    "timesteps": Axis("timesteps", lambda episodes: episodes.timesteps),
    "episodes": Axis("episodes", lambda episodes: np.arange(1, episodes.count + 1)),
    "time": Axis("seconds", lambda episodes: episodes.times),
}


@dataclass(frozen=True)
class CurveSettings:
    """How curves are made of episodes."""

    axis: str = "timesteps"
    """key of `AXES`"""
    episode_window: int = 40
    """episodes that a run's mean return is taken over"""
    statistic: str = "mean"
    """key of `rl_baselines.plots.statistics.STATISTICS`"""
    n_resamples: int = 2000
    """of the bootstrap"""
    seed: int = 0
    """of the bootstrap"""
    truncate_x: float | None = None
    """where curves end, at the latest"""

    @property
    def interval(self) -> str:
        """What the band around a curve of one environment is."""
        return "standard error" if self.statistic == "mean" else "95 % bootstrap interval"


@dataclass(frozen=True)
class Curve:
    """A method's curve on one environment, or over all of them."""

    env: str
    method: str
    x: np.ndarray
    """``(n,)``"""
    estimate: Estimate
    """each ``(n,)``"""
    runs: np.ndarray
    """``(n_runs, n)``: the single runs"""


@dataclass(frozen=True)
class ScoreRange:
    """The returns that are 0 and 1 on an environment's common scale."""

    low: float
    high: float

    def scores(self, returns: np.ndarray) -> np.ndarray:
        """Returns on that scale."""
        return (returns - self.low) / (self.high - self.low)


def curves_of(groups: Sequence[Group], settings: CurveSettings) -> list[Curve]:
    """A curve of each group; a note names those that end early because of one short run.

    Raises:
        UserError: for a group whose runs have no place in common.
    """
    curves = []
    for group in groups:
        x = _places(group.runs, settings, f"{group.method} on {group.env}")
        runs = _sampled(group.runs, x, settings)
        curves.append(Curve(group.env, group.method, x, _estimate([runs.T], settings), runs))
    return curves


def curves_over_environments(
    groups: Sequence[Group], settings: CurveSettings, ranges: dict[str, ScoreRange]
) -> list[Curve]:
    """A curve of each method over all environments, of returns on their common scales.

    The bootstrap is stratified by environment, for the mean too.

    Raises:
        UserError: for a method that lacks an environment, or whose runs have no place in common.
    """
    curves = []
    environments = environments_of(groups)
    for method in methods_of(groups):
        members = [group for group in groups if group.method == method]
        missing = sorted(set(environments) - {group.env for group in members})
        if missing:
            raise UserError(f"{method} has no run on {', '.join(missing)}; compare what ran on the same environments.")
        x = _places([run for group in members for run in group.runs], settings, method)
        strata = [ranges[group.env].scores(_sampled(group.runs, x, settings)) for group in members]
        estimate = _bootstrapped([runs.T for runs in strata], settings)
        curves.append(Curve(ALL_ENVIRONMENTS, method, x, estimate, np.concatenate(strata)))
    return curves


def score_ranges(groups: Sequence[Group], episode_window: int, given: dict[str, ScoreRange]) -> dict[str, ScoreRange]:
    """The scale of each environment: the given one, else from its worst to its best run at their ends.

    Raises:
        UserError: for an environment whose runs all earned the same.
    """
    ranges = {}
    for env in environments_of(groups):
        if env in given:
            ranges[env] = given[env]
            continue
        final = [latest_return(run, episode_window) for group in groups if group.env == env for run in group.runs]
        if min(final) == max(final):
            raise UserError(
                f"all runs on {env} earned the same, so there is no scale between the worst and the best; "
                f"give one: --score-range {env}:0:1."
            )
        ranges[env] = ScoreRange(min(final), max(final))
    return ranges


def latest_return(run: Run, episode_window: int, timestep: float = np.inf) -> float:
    """Mean return of the last episodes that had ended by ``timestep``; nan before the first."""
    ended = int(np.searchsorted(run.episodes.timesteps, timestep, side="right"))
    return float(np.mean(run.episodes.returns[max(0, ended - episode_window) : ended])) if ended else np.nan


def _places(runs: Sequence[Run], settings: CurveSettings, whose: str) -> np.ndarray:
    """Where all runs have ended an episode, and none has ended yet."""
    axis = AXES[settings.axis].of
    ends = [float(axis(run.episodes)[-1]) for run in runs]
    first = max(float(axis(run.episodes)[0]) for run in runs)
    last = min(ends)
    shortest = runs[int(np.argmin(ends))].path
    if settings.truncate_x is None and last < EARLY_END * max(ends):
        note(
            f"the curve of {whose} ends at {last:,.4g} {AXES[settings.axis].label}, where its shortest run "
            f"({shortest}) ends; --min-timestep leaves short runs out."
        )
    if settings.truncate_x is not None:
        last = min(last, settings.truncate_x)
    if first > last:
        raise UserError(
            f"the runs of {whose} have no {AXES[settings.axis].label} in common: {shortest} ends at {last:,.4g}, "
            f"before another's first episode ends at {first:,.4g}; leave it out (--min-timestep), or try another --x."
        )
    return np.linspace(first, last, POINTS)


def _sampled(runs: Sequence[Run], x: np.ndarray, settings: CurveSettings) -> np.ndarray:
    """``(n_runs, n)``: mean return of the last episodes that had ended by each place."""
    axis = AXES[settings.axis].of
    rows = []
    for run in runs:
        ended = np.searchsorted(axis(run.episodes), x, side="right") - 1
        rows.append(mean_of_last(run.episodes.returns, np.maximum(ended, 0), settings.episode_window))
    return np.array(rows)


def _estimate(strata: Sequence[np.ndarray], settings: CurveSettings) -> Estimate:
    if settings.statistic == "mean":
        return with_standard_error(strata[0])
    return _bootstrapped(strata, settings)


def _bootstrapped(strata: Sequence[np.ndarray], settings: CurveSettings) -> Estimate:
    statistic = STATISTICS[settings.statistic]
    return bootstrapped(strata, statistic, settings.n_resamples, np.random.default_rng(settings.seed))
