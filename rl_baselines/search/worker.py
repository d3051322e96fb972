"""A worker: takes trials from the study until all are done."""

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import torch
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.progress import Listener, TrialEnd
from rl_baselines.search.stop import Stop
from rl_baselines.search.studies.study import (
    GIVEN_BACK,
    REASON,
    counts,
    give_back_dead,
    is_finished,
    open_study,
    run_again,
)
from rl_baselines.search.trial import DefaultRefused, Objective, TrialFailed, TrialGivenBack
from rl_baselines.vec_envs.workers import available_cores
from srl3.runtime.threads import torch_threads

CORES = "PYTHON_CPU_COUNT"
"""variable that limits the cores that Python counts"""


def run_trials(plan: SearchPlan, stop: Stop, listener: Listener) -> None:
    """Run trials until the study has ``n_trials``, ``plan.timeout`` seconds are over, or a stop is requested.

    Raises:
        UserError: when the storage is lost, or the default hyperparameters can't be trained with.
    """
    deadline = time.monotonic() + (plan.timeout or float("inf"))
    study, storage = open_study(plan, stop, listener.note)
    try:
        with _threads(plan), closing(Objective(plan, stop, listener.trial_goes_on)) as objective:
            while not stop.requested and time.monotonic() < deadline:
                give_back_dead(study, storage)
                if sum(map(counts, study.get_trials(deepcopy=False))) >= plan.n_trials:
                    return
                _run_one(study, objective, listener)
    except Exception:
        if storage.lost is not None:
            raise storage.lost from None  # what Optuna trips over afterwards says less
        raise


@contextmanager
def _threads(plan: SearchPlan) -> Iterator[None]:
    """Torch's threads and the processes of environments in the block: with several workers, each has its share."""
    images = plan.training.observation.has_images
    before = os.environ.get(CORES)
    with torch_threads(images=images):
        if plan.n_jobs > 1:
            os.environ[CORES] = str(max(1, available_cores() // plan.n_jobs))
            if images:
                torch.set_num_threads(max(1, torch.get_num_threads() // plan.n_jobs))
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(CORES, None)
            else:
                os.environ[CORES] = before


def _run_one(study: Study, objective: Objective, listener: Listener) -> None:
    def ended(study: Study, trial: FrozenTrial) -> None:
        if GIVEN_BACK in trial.user_attrs:
            run_again(study, trial)
            return
        trials = study.get_trials(deepcopy=False)
        complete = [other for other in trials if other.state is TrialState.COMPLETE]
        values = [(other.value, other.number) for other in complete if other.value is not None]
        listener.trial_ended(
            TrialEnd(
                number=trial.number,
                state=trial.state.name,
                value=trial.value,
                reason=trial.user_attrs.get(REASON),
                seconds=trial.duration.total_seconds() if trial.duration else 0.0,
                finished=sum(map(is_finished, trials)),
                best=max(values, key=lambda pair: (pair[0], -pair[1]), default=None),
            )
        )

    try:
        study.optimize(objective, n_trials=1, catch=(TrialFailed, TrialGivenBack), callbacks=[ended])
    except DefaultRefused:
        run_again(study, study.get_trials(deepcopy=False)[0])
        raise
