"""Evaluates the policy now and then in every task that it has seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.acting.actor import Actor
from rl_baselines.acting.curricula import stay_at
from rl_baselines.acting.evaluation import evaluate
from rl_baselines.cross_evaluation.history import History, read_history, write_history
from rl_baselines.runs.episodes import EpisodeLog
from srl3.formats.damage import read_or_set_aside

if TYPE_CHECKING:
    from rl_baselines.distillation.algorithm import Distillation


class Trained(Protocol):
    """How far a training has come."""

    def count(self) -> int:
        """Episodes that have ended, or passes of a student over its lessons."""

    def round(self) -> int:
        """The round of DAgger in which a student learns next; 0 before the first, and in other trainings."""


@dataclass(frozen=True)
class ByEpisodes:
    """A training by rewards."""

    log: EpisodeLog

    def count(self) -> int:
        return self.log.count

    def round(self) -> int:
        return 0


@dataclass(frozen=True)
class ByPasses:
    """A student's training."""

    student: "Distillation"

    def count(self) -> int:
        return self.student.passes

    def round(self) -> int:
        return min(self.student.round_at(self.student.num_timesteps), self.student.dagger_rounds)


class CrossEvaluationCallback(BaseCallback):
    """At the beginning, every ``episode_window`` episodes of the training and at its end plays the same episodes in
    each task, as the policy will be shown (`Actor.deterministic`), and notes them in a file.

    A student's passes over its lessons count in the place of episodes, and each of its rounds of DAgger ends with an
    evaluation.

    The training's random numbers and environments are left as they are, so it learns the same with it and without.

    Args:
        worlds: bare worlds of each task, by its name.
        make_actor: from the model in training to what acts.
        trained: how far the training has come.
        path: the file (`rl_baselines.cross_evaluation.history`).
        episode_window: episodes of the training between two evaluations.
        seed: of the worlds and of drawn actions, every time.
        num_episodes: of each evaluation, in each task.
        total_timesteps: of the training.
        control_steps: how many steps each environment has done, from those of all together.
    """

    def __init__(
        self,
        worlds: Mapping[str, VecEnv],
        make_actor: Callable[[], Actor],
        trained: Trained,
        path: Path,
        *,
        episode_window: int,
        seed: int,
        num_episodes: int,
        total_timesteps: int,
        control_steps: Callable[[int], int],
    ) -> None:
        super().__init__()
        self.worlds = dict(worlds)
        self.make_actor = make_actor
        self.trained = trained
        self.path = path
        self.episode_window = episode_window
        self.seed = seed
        self.num_episodes = num_episodes
        self.total_timesteps = total_timesteps
        self.control_steps = control_steps
        self.history = History.empty(tuple(worlds), num_episodes)
        self._next = 0
        self._round = 0

    def _on_training_start(self) -> None:
        earlier = read_or_set_aside(self.path, read_history)
        if earlier is not None and earlier.tasks == self.history.tasks:  # of a resumed run
            self.history = earlier.until(self.model.num_timesteps)
        self._look_ahead()
        if not len(self.history.timesteps):
            self._evaluate()

    def _on_step(self) -> bool:
        if self.trained.count() >= self._next or self.trained.round() != self._round:
            self._evaluate()
            self._look_ahead()
        return True

    def _on_training_end(self) -> None:
        done = self.model.num_timesteps >= self.total_timesteps
        if done and self.history.timesteps[-1] < self.model.num_timesteps:
            self._evaluate()

    def _look_ahead(self) -> None:
        self._next = (self.trained.count() // self.episode_window + 1) * self.episode_window
        self._round = self.trained.round()

    def _evaluate(self) -> None:
        returns = []
        for name, worlds in self.worlds.items():
            actor = self.make_actor()
            actor.seed(self.seed)
            worlds.seed(self.seed)
            stay_at(worlds, self.control_steps(self.model.num_timesteps))
            found = evaluate(actor, worlds, self.num_episodes)
            returns.append(found.returns)
            self.logger.record(f"cross_eval/{name}", float(np.mean(found.returns)))
        self.history = self.history.with_row(
            self.model.num_timesteps, self.trained.count(), np.array(returns), self._round
        )
        write_history(self.path, self.history)
