"""One trial: a training in this process, evaluated at points on its way, pruned there or finished."""

import time
import traceback
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np
from optuna import Trial, TrialPruned
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from rl_baselines.search.evaluator import Evaluator
from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.space import draw
from rl_baselines.search.stop import SearchStopped, Stop
from rl_baselines.search.studies.liveness import this_worker
from rl_baselines.search.studies.storage import StorageLost
from rl_baselines.search.studies.study import DEFAULT, GIVEN_BACK, REASON, WORKER, place_of
from rl_baselines.training.callbacks.finite import NonFinite, check_model, explain
from rl_baselines.training.session import Session
from srl3.errors import UserError
from srl3.runtime.seeding import seed_everything

SECONDS = "seconds"
"""trial attribute: seconds of training, the evaluations left out, and of the evaluations"""
TRACEBACK = "traceback"
"""trial attribute: where it crashed"""
_TRACEBACK_LENGTH = 4000
_PROGRESS_SECONDS = 0.5


class TrialFailed(Exception):
    """The trial failed by itself; its text is the reason."""


class TrialGivenBack(Exception):
    """The trial was cut short by the search, and does not count."""


class DefaultRefused(UserError):
    """The default hyperparameters can't be trained with: nothing can."""


class Objective:
    """Runs trials; callable as Optuna's objective.

    Args:
        plan: the search.
        stop: looked at in every step.
        on_progress: told the share of a trial's training that is done.
    """

    def __init__(self, plan: SearchPlan, stop: Stop, on_progress: Callable[[float], None]) -> None:
        self.plan = plan
        self.stop = stop
        self.on_progress = on_progress
        self.evaluator = Evaluator(plan, stop)

    def __call__(self, trial: Trial) -> float:
        """The mean return at the end of the training.

        Raises:
            TrialPruned: at an evaluation, or for values that can't go together.
            TrialFailed: with the reason, which the trial keeps.
            TrialGivenBack: when the search ends, or has all its trials already.
            StorageLost: when the storage is gone.
            DefaultRefused: when the default hyperparameters are not accepted.
        """
        if place_of(trial.number, trial.study.get_trials(deepcopy=False)) >= self.plan.n_trials:
            _give_back(trial, "there were enough trials already")
        trial.set_user_attr(WORKER, this_worker())
        is_default = bool(trial.user_attrs.get(DEFAULT))
        values = draw(trial, self.plan.space)
        try:
            settings = self.plan.training.settings if is_default else self.plan.settings(values)
        except UserError as error:
            trial.set_user_attr(REASON, f"impossible together: {error}")
            raise TrialPruned(str(error)) from error
        hyperparams = {name: setting.value for name, setting in settings.items()}
        try:
            return self._train(trial, hyperparams)
        except (TrialPruned, TrialFailed, StorageLost):
            raise
        except SearchStopped:
            _give_back(trial, "the search was stopped")
        except Exception as error:
            if self.stop.requested:
                _give_back(trial, "the search was stopped")
            if is_default and isinstance(error, UserError):
                trial.set_user_attr(REASON, str(error))
                trial.set_user_attr(GIVEN_BACK, True)
                raise DefaultRefused(str(error)) from error
            trial.set_user_attr(TRACEBACK, traceback.format_exc()[-_TRACEBACK_LENGTH:])
            _fail(trial, _in_one_line(error))

    def _train(self, trial: Trial, hyperparams: Mapping[str, Any]) -> float:
        plan = self.plan.training
        begin = time.monotonic()
        seed_everything(plan.seed)
        watch = _Watch(self, trial)
        try:
            with Session(plan, hyperparams=hyperparams) as session:
                session.model.set_logger(Logger(folder=None, output_formats=[]))
                _learn(session.model, plan.total_timesteps, watch)
                return watch.evaluate(self.plan.points[-1])
        finally:
            training = time.monotonic() - begin - watch.seconds
            seconds = {"training": round(training, 3), "evaluation": round(watch.eval_seconds, 3)}
            trial.set_user_attr(SECONDS, seconds)

    def close(self) -> None:
        """Close the evaluation's environments."""
        self.evaluator.close()


class _Watch(BaseCallback):
    """Evaluates between two rollouts, when the model is whole; ends the training of a search that was stopped."""

    def __init__(self, objective: Objective, trial: Trial) -> None:
        super().__init__()
        self.objective = objective
        self.trial = trial
        self.points = objective.plan.points
        self.seconds = 0.0
        """spent here"""
        self.eval_seconds = 0.0
        self._evaluated = 0
        self._told = time.monotonic()

    def _on_step(self) -> bool:
        if self.objective.stop.requested:
            raise SearchStopped
        now = time.monotonic()
        if now - self._told > _PROGRESS_SECONDS:
            self._told = now
            self.objective.on_progress(min(self.num_timesteps / self.points[-1], 1.0))
        return True

    def _on_rollout_start(self) -> None:
        reached = bisect_right(self.points, self.model.num_timesteps, hi=len(self.points) - 1)
        if reached and self.points[reached - 1] > self._evaluated:
            point = self.points[reached - 1]
            self.evaluate(point)
            if self.trial.should_prune():
                self.trial.set_user_attr(REASON, f"pruned after {point:,} steps")
                raise TrialPruned

    def evaluate(self, point: int) -> float:
        """The mean return now, reported as that of ``point``."""
        begin = time.monotonic()
        value = self.objective.evaluator.mean_return(self.model)
        self.eval_seconds += time.monotonic() - begin
        self._evaluated = point
        if not np.isfinite(value):
            _fail(self.trial, f"the mean return after {self.model.num_timesteps:,} steps is {value}")
        try:
            check_model(self.model)
        except NonFinite as found:
            _fail(self.trial, found.in_words)
        self.trial.report(value, step=point)
        self.seconds += time.monotonic() - begin
        return value


def _learn(model: BaseAlgorithm, total_timesteps: int, watch: _Watch) -> None:
    try:
        model.learn(total_timesteps, callback=watch)
    except (TrialPruned, TrialFailed, TrialGivenBack, StorageLost, SearchStopped):
        raise
    except Exception as error:
        found = explain(model, error)
        if found is None:
            raise
        _fail(watch.trial, found.in_words)


def _fail(trial: Trial, reason: str) -> NoReturn:
    trial.set_user_attr(REASON, reason)
    raise TrialFailed(reason)


def _give_back(trial: Trial, reason: str) -> NoReturn:
    trial.set_user_attr(REASON, reason)
    trial.set_user_attr(GIVEN_BACK, True)
    raise TrialGivenBack(reason)


def _in_one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return lines[0] if isinstance(error, UserError) else f"{type(error).__name__}: {lines[0]}"
