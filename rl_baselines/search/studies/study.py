"""The study in its storage: made or found, what it is of, which trials count, and trials that are given back."""

import time
import warnings
from collections.abc import Iterable
from typing import Any

import optuna
from optuna import Study
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.space import nearest
from rl_baselines.search.stop import Stop
from rl_baselines.search.studies.liveness import is_dead
from rl_baselines.search.studies.samplers import make_pruner, make_sampler
from rl_baselines.search.studies.storage import Note, PatientStorage, open_storage
from srl3.errors import UserError

IDENTITY = "srl3"
"""study attribute: what it is a study of"""
DEFAULT = "default"
"""trial attribute: it trains with the default hyperparameters, whatever point of the space stands for them"""
WORKER = "worker"
"""trial attribute: the process that runs it"""
REASON = "reason"
"""trial attribute: why it failed or was cut short, in one line"""
GIVEN_BACK = "given_back"
"""trial attribute: it does not count, another one runs in its place"""
DEATHS = "deaths"
"""trial attribute: how many workers died over it"""
MAX_DEATHS = 3
CREATOR_SECONDS = 15.0
"""time that the worker that created a study has to say what it is of"""


def tame_optuna() -> None:
    """No log lines, and no warnings that parts of Optuna are experimental."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    warnings.filterwarnings("ignore", category=ExperimentalWarning)


def open_study(plan: SearchPlan, stop: Stop, note: Note) -> tuple[Study, PatientStorage]:
    """The study of ``plan`` in its storage, made where there is none, with the default parameters as trial 0.

    Raises:
        UserError: when the storage refuses, or holds a study of something else under that name.
    """
    storage = open_storage(
        plan.storage, patience=plan.storage_patience, stop=stop, note=note, on_dead_worker=run_again_after_death
    )
    sampler, pruner = make_sampler(plan), make_pruner(plan)
    try:
        study = optuna.create_study(
            study_name=plan.study_name, storage=storage, sampler=sampler, pruner=pruner, direction="maximize"
        )
    except DuplicatedStudyError:
        study = optuna.load_study(study_name=plan.study_name, storage=storage, sampler=sampler, pruner=pruner)
        if not _has_identity(study):
            _introduce(study, plan)
    else:
        _introduce(study, plan)
    _check_identity(study, plan)
    return study, storage


def _introduce(study: Study, plan: SearchPlan) -> None:
    default = nearest(plan.space, plan.training.hyperparams)
    study.enqueue_trial(default, user_attrs={DEFAULT: True}, skip_if_exists=True)
    study.set_user_attr(IDENTITY, plan.identity)


def _has_identity(study: Study) -> bool:
    """Whether its creator has said what it is of; a foreign study with trials of its own never will."""
    deadline = time.monotonic() + CREATOR_SECONDS
    while IDENTITY not in study.user_attrs:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _check_identity(study: Study, plan: SearchPlan) -> None:
    theirs, ours = study.user_attrs[IDENTITY], plan.identity
    for name in sorted({**ours, **theirs}, key=_rank):
        if theirs.get(name) != ours.get(name):
            raise UserError(
                f"the study '{study.study_name}' in {plan.shown_storage} has {name} {_shown(theirs, name)}, and this "
                f"search has {_shown(ours, name)}; give it another --study-name or --log-dir, or the study's own flags."
            )


def _rank(name: str) -> int:
    """What names of an identity are compared first: what is trained, then the space, then what follows from it."""
    return 1 * name.startswith("search space ") + 2 * name.startswith("hyperparameter ")


def _shown(identity: dict[str, Any], name: str) -> str:
    value = identity.get(name)
    return "none" if value is None else str(value)


# which trials count


def counts(trial: FrozenTrial) -> bool:
    """Whether this is one of the ``--n-trials``: finished, or running; not those that another one replaces."""
    if trial.state is TrialState.FAIL:
        return REASON in trial.user_attrs and GIVEN_BACK not in trial.user_attrs
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)


def is_finished(trial: FrozenTrial) -> bool:
    """Whether it counts and is over."""
    return counts(trial) and trial.state is not TrialState.RUNNING


def place_of(number: int, trials: Iterable[FrozenTrial]) -> int:
    """How many trials that count, or wait for their turn, come before this one."""
    return sum(trial.number < number and (counts(trial) or trial.state is TrialState.WAITING) for trial in trials)


# giving back


def run_again(study: Study, trial: FrozenTrial, deaths: int = 0) -> None:
    """Queue the parameters of a trial that was cut short, so that the next worker runs them."""
    params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    if params:
        attributes: dict[str, Any] = {DEFAULT: True} if trial.user_attrs.get(DEFAULT) else {}
        study.enqueue_trial(params, user_attrs={**attributes, DEATHS: deaths} if deaths else attributes)


def run_again_after_death(study: Study, trial: FrozenTrial) -> None:
    """The same for a trial whose worker died; one that has killed three stays failed."""
    deaths = trial.user_attrs.get(DEATHS, 0) + 1
    if deaths < MAX_DEATHS:
        run_again(study, trial, deaths)


def give_back_dead(study: Study, storage: BaseStorage) -> None:
    """Fail the trials whose workers died on this machine, and queue their parameters again."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not is_dead(trial.user_attrs.get(WORKER, {})):
            continue
        if trial.user_attrs.get(DEATHS, 0) + 1 >= MAX_DEATHS:
            reason = f"its worker died, {MAX_DEATHS} times (out of memory?)"
            storage.set_trial_user_attr(trial._trial_id, REASON, reason)
        study.tell(trial.number, state=TrialState.FAIL)
        run_again_after_death(study, trial)
