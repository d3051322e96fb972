"""Performance profiles and probabilities of improvement, of what runs earned at their ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl_baselines.plots.curves import ScoreRange, latest_return
from rl_baselines.plots.methods import Group, environments_of, methods_of
from rl_baselines.plots.statistics import Estimate, iqm, mean, performance_profile, probability_of_improvement
from srl3.errors import UserError

THRESHOLDS = 201


@dataclass(frozen=True)
class Profile:
    """Share of a method's runs above each score."""

    method: str
    thresholds: np.ndarray
    """``(n,)``, the same for all methods"""
    estimate: Estimate
    """each ``(n,)``"""
    n_runs: int
    mean: float
    """of the scores"""
    iqm: float
    """of the scores"""


@dataclass(frozen=True)
class Comparison:
    """How probably a run of one method earns more than a run of another."""

    method: str
    baseline: str
    estimate: Estimate
    """each a single number"""


def final_scores(
    groups: Sequence[Group], episode_window: int, ranges: dict[str, ScoreRange] | None
) -> dict[str, list[np.ndarray]]:
    """What each method's runs earned at their ends: for each environment ``(n_runs,)``.

    Args:
        groups: every method must have every environment.
        episode_window: episodes that a run's mean return is taken over.
        ranges: the environments' scales; None leaves returns as they are.

    Raises:
        UserError: for a method that lacks an environment.
    """
    scores: dict[str, list[np.ndarray]] = {}
    by_name = {(group.env, group.method): group for group in groups}
    for method in methods_of(groups):
        for env in environments_of(groups):
            if (env, method) not in by_name:
                raise UserError(f"{method} has no run on {env}; compare what ran on the same environments.")
            returns = np.array([latest_return(run, episode_window) for run in by_name[env, method].runs])
            scores.setdefault(method, []).append(returns if ranges is None else ranges[env].scores(returns))
    return scores


def profiles_of(scores: dict[str, list[np.ndarray]], n_resamples: int, seed: int) -> list[Profile]:
    """The profile of each method, over the scores that any method has."""
    every = np.concatenate([values for strata in scores.values() for values in strata])
    margin = 0.03 * (every.max() - every.min() or 1.0)
    thresholds = np.linspace(every.min() - margin, every.max() + margin, THRESHOLDS)
    profiles = []
    for method, strata in scores.items():
        pooled = np.concatenate(strata)
        estimate = performance_profile(strata, thresholds, n_resamples, np.random.default_rng(seed))
        profiles.append(Profile(method, thresholds, estimate, len(pooled), float(mean(pooled)), float(iqm(pooled))))
    return profiles


def comparisons_of(
    scores: dict[str, list[np.ndarray]], baseline: str | None, n_resamples: int, seed: int
) -> list[Comparison]:
    """Every method against ``baseline``; None compares every pair, the one with the higher mean first."""
    methods = list(scores)
    if baseline is not None:
        pairs = [(method, baseline) for method in methods if method != baseline]
    else:
        means = {method: np.mean([values.mean() for values in scores[method]]) for method in methods}
        ordered = sorted(methods, key=lambda method: -means[method])
        pairs = [(ours, theirs) for index, ours in enumerate(ordered) for theirs in ordered[index + 1 :]]
    return [
        Comparison(
            ours,
            theirs,
            probability_of_improvement(scores[ours], scores[theirs], n_resamples, np.random.default_rng(seed)),
        )
        for ours, theirs in pairs
    ]
