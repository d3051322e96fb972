"""Samplers and pruners by name."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import FrozenTrial, TrialState

from rl_baselines.search.plan import SearchPlan

REDUCTION = 3
"""of the trials that Hyperband and successive halving compare, one in so many goes on"""
POPULATION = 20
"""trials in a generation of NSGA-II"""


class PerTrialSampler(BaseSampler):
    """A sampler that is made anew for each trial, seeded by its number.

    So the same command draws the same trials, whether it was interrupted or not, and no two workers draw the same.

    Args:
        make: a sampler from a seed.
        seed: of the search.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self._make = make
        self._seed = seed
        self._sampler = make(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._sampler = self._make(int(np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0]))
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._sampler.after_trial(study, trial, state, values)


def make_sampler(plan: SearchPlan) -> BaseSampler:
    """The sampler that ``plan`` names."""
    startup = plan.n_startup_trials

    def qmc(seed: int) -> BaseSampler:
        # the scrambling is the sequence's: the same in every trial
        independent = RandomSampler(seed=seed)
        return QMCSampler(
            scramble=True,
            seed=plan.training.seed,
            independent_sampler=independent,
            warn_independent_sampling=False,
        )

    makers: dict[str, Callable[[int], BaseSampler]] = {
        "tpe": lambda seed: TPESampler(n_startup_trials=startup, seed=seed),
        "random": lambda seed: RandomSampler(seed=seed),
        "cmaes": lambda seed: CmaEsSampler(
            n_startup_trials=max(startup, 1), seed=seed, warn_independent_sampling=False
        ),
        "gp": lambda seed: GPSampler(n_startup_trials=startup, seed=seed, warn_independent_sampling=False),
        "qmc": qmc,
        "nsgaii": lambda seed: NSGAIISampler(population_size=POPULATION, seed=seed),
    }
    return PerTrialSampler(makers[plan.sampler], plan.training.seed)


def make_pruner(plan: SearchPlan) -> BasePruner:
    """The pruner that ``plan`` names; steps of training are its resource, the first evaluation point its least."""
    points = plan.points
    makers: dict[str, Callable[[], BasePruner]] = {
        "median": lambda: MedianPruner(n_startup_trials=plan.n_startup_trials, n_warmup_steps=points[len(points) // 3]),
        "hyperband": lambda: HyperbandPruner(
            min_resource=points[0], max_resource=points[-1], reduction_factor=REDUCTION
        ),
        "halving": lambda: SuccessiveHalvingPruner(min_resource=points[0], reduction_factor=REDUCTION),
        "none": NopPruner,
    }
    return makers[plan.pruner]()
