"""Everything that decides a search, resolved and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import BaseRLObject
from rl_baselines.hyperparams.resolve import Setting, resolve_hyperparams
from rl_baselines.hyperparams.schedules import LINEAR
from rl_baselines.registry import find_algo
from rl_baselines.search.space import Space, describe
from srl3.errors import UserError

if TYPE_CHECKING:
    from rl_baselines.training.plan import TrainingPlan

SAMPLERS = ("tpe", "random", "cmaes", "gp", "qmc", "nsgaii")
PRUNERS = ("median", "hyperband", "halving", "none")
DATABASE = "study.db"
"""the SQLite file in a study's folder"""
_CREDENTIALS = re.compile(r"://\S*@")


@dataclass(frozen=True)
class SearchPlan:
    """What is searched, how, and where it is kept. Plain data: worker processes get a copy."""

    training: "TrainingPlan"
    """the training with the default hyperparameters, trial 0; the others differ in the space's"""
    space: Space
    conf_file: Path | None
    fixed: tuple[str, ...]
    """``name:value`` of the hyperparameters that stay as they are"""
    num_cpu: int | None
    n_trials: int
    timeout: float | None
    """seconds after which no new trial begins"""
    n_jobs: int
    sampler: str
    pruner: str
    n_startup_trials: int
    n_evaluations: int
    n_eval_episodes: int
    folder: Path
    storage: str
    study_name: str
    storage_patience: float
    """seconds for which a worker waits for a storage that went away"""
    show_progress: bool
    train_command: str
    """the command that trains with what the search found, but for ``--conf-file``"""

    @property
    def algo_class(self) -> type[BaseRLObject]:
        return find_algo(self.training.algo).load_class(self.training.policy)

    @property
    def shown_storage(self) -> str:
        """The storage without a password."""
        return without_credentials(self.storage)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What makes two searches the same study; kept in its storage. A flat mapping of plain values."""
        training = self.training
        fixed = {name: setting.value for name, setting in training.settings.items() if name not in self.space}
        return {
            "algo": training.algo,
            "policy": training.policy,
            "env": training.env_id,
            "srl-model": training.srl_model,
            "representation": training.observation.fingerprint,
            **{f"env-kwargs {name}": _plain(value) for name, value in training.env_kwargs.items()},
            "num-stack": training.num_stack,
            "num-timesteps": training.total_timesteps,
            "seed": training.seed,
            "n-evaluations": self.n_evaluations,
            "n-eval-episodes": self.n_eval_episodes,
            **{f"hyperparameter {name}": _plain(value) for name, value in fixed.items()},
            **{f"search space {name}": describe(found) for name, found in self.space.items()},
        }

    def settings(self, values: Mapping[str, Any]) -> dict[str, Setting]:
        """Every hyperparameter of the trial that draws ``values``; a rate that the default lets fall, falls too.

        Raises:
            UserError: when the values do not go together.
        """
        training = self.training
        defaults = training.hyperparams
        shaped = {
            name: f"{LINEAR}{value!r}" if _is_schedule(defaults.get(name)) and isinstance(value, float) else value
            for name, value in values.items()
        }
        # what may be null is left out: a flag that is None counts as not given
        nulls = [name for name, value in shaped.items() if value is None]
        settings = resolve_hyperparams(
            self.algo_class,
            training.algo,
            training.env_id,
            training.srl_model,
            continuous=not training.config.is_discrete,
            conf_file=self.conf_file,
            overrides=[*self.fixed, *(f"{name}:null" for name in nulls)],
            flags={"n_envs": self.num_cpu, **shaped},
        )
        rollout = settings["n_envs"].value * settings["n_steps"].value if "n_steps" in settings else 0
        if self.algo_class.on_policy and rollout > training.total_timesteps:
            raise UserError(f"one rollout of {rollout:,} steps is longer than the trial.")
        return settings

    @property
    def points(self) -> list[int]:
        """The training steps at which a trial is evaluated, the last one at its end."""
        total = self.training.total_timesteps
        count = min(self.n_evaluations, total)
        return [total * (index + 1) // count for index in range(count)]


def without_credentials(text: str) -> str:
    """A storage's URL, or a command with one, without user and password."""
    return _CREDENTIALS.sub("://…@", text)


def _is_schedule(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(LINEAR)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
