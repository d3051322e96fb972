"""Evaluates the policy now and then in every task that it has seen."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.acting.actor import Actor
from rl_baselines.acting.evaluation import evaluate
from rl_baselines.cross_evaluation.history import History, read_history, write_history
from rl_baselines.runs.episodes import EpisodeLog
from srl3.formats.damage import read_or_set_aside


class CrossEvaluationCallback(BaseCallback):
    """At the beginning, every ``episode_window`` episodes of the training and at its end plays the same episodes in
    each task, as the policy will be shown (`Actor.deterministic`), and notes them in a file.

    The training's random numbers and environments are left as they are, so it learns the same with it and without.

    Args:
        worlds: bare worlds of each task, by its name.
        make_actor: from the model in training to what acts.
        log: episodes of the training, already counted.
        path: the file (`rl_baselines.cross_evaluation.history`).
        episode_window: episodes of the training between two evaluations.
        seed: of the worlds and of drawn actions, every time.
        num_episodes: of each evaluation, in each task.
        total_timesteps: of the training.
    """

    def __init__(
        self,
        worlds: Mapping[str, VecEnv],
        make_actor: Callable[[], Actor],
        log: EpisodeLog,
        path: Path,
        *,
        episode_window: int,
        seed: int,
        num_episodes: int,
        total_timesteps: int,
    ) -> None:
        super().__init__()
        self.worlds = dict(worlds)
        self.make_actor = make_actor
        self.log = log
        self.path = path
        self.episode_window = episode_window
        self.seed = seed
        self.num_episodes = num_episodes
        self.total_timesteps = total_timesteps
        self.history = History.empty(tuple(worlds), num_episodes)
        self._next = 0

    def _on_training_start(self) -> None:
        earlier = read_or_set_aside(self.path, read_history)
        if earlier is not None and earlier.tasks == self.history.tasks:  # of a resumed run
            self.history = earlier.until(self.model.num_timesteps)
        self._next = (self.log.count // self.episode_window + 1) * self.episode_window
        if not len(self.history.timesteps):
            self._evaluate()

    def _on_step(self) -> bool:
        if self.log.count >= self._next:
            self._next = (self.log.count // self.episode_window + 1) * self.episode_window
            self._evaluate()
        return True

    def _on_training_end(self) -> None:
        done = self.model.num_timesteps >= self.total_timesteps
        if done and self.history.timesteps[-1] < self.model.num_timesteps:
            self._evaluate()

    def _evaluate(self) -> None:
        returns = []
        for name, worlds in self.worlds.items():
            actor = self.make_actor()
            actor.seed(self.seed)
            worlds.seed(self.seed)
            found = evaluate(actor, worlds, self.num_episodes)
            returns.append(found.returns)
            self.logger.record(f"cross_eval/{name}", float(np.mean(found.returns)))
        self.history = self.history.with_row(self.model.num_timesteps, self.log.count, np.array(returns))
        write_history(self.path, self.history)
