"""Keeps the model with the best mean return."""

from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.training.callbacks.checkpoints import CheckpointWriter
from srl3.formats.damage import DamagedFile, read_or_set_aside
from srl3.formats.npz import read_arrays

WINDOW = 100
"""episodes that the mean is taken over, at least"""
ROUNDS = 4
"""episodes of each environment that the mean is taken over, at least: those of many environments end together, and the
best of many looks at hardly more than one round would be the luckiest"""
OFF_POLICY_INTERVAL = 200
"""environment steps between looks, for algorithms that have no rollouts"""


class BestModelCallback(BaseCallback):
    """Writes ``best_model.zip`` when the mean return of the last training episodes is the best so far.

    The mean is of the last 100, and of no fewer than four for each environment.

    Looks after each rollout of an on-policy algorithm, before its update, so that the model written is
    the one that earned the return; else every 200 steps.

    Args:
        writer: writes the checkpoint.
        log: the run's episodes.
        min_episodes: episodes before a best model may be saved.
        on_policy: look at rollout ends.
    """

    def __init__(self, writer: CheckpointWriter, log: EpisodeLog, min_episodes: int, on_policy: bool) -> None:
        super().__init__()
        self.writer = writer
        self.log = log
        self.min_episodes = min_episodes
        self.on_policy = on_policy
        self._next_look = OFF_POLICY_INTERVAL
        self._seen = 0

    def _on_rollout_end(self) -> None:
        if self.on_policy:
            self._look()

    def _on_step(self) -> bool:
        if not self.on_policy and self.num_timesteps >= self._next_look:
            self._next_look = self.num_timesteps + OFF_POLICY_INTERVAL
            self._look()
        return True

    def _look(self) -> None:
        if self.log.count < max(self.min_episodes, 1) or self.log.count == self._seen:
            return
        self._seen = self.log.count
        mean = self.log.mean_return(max(WINDOW, ROUNDS * self.training_env.num_envs))
        if mean is not None and mean > self.writer.best_mean:
            self.writer.write_best(self.model, mean)


class EvalBestCallback(EvalCallback):
    """SB3's `EvalCallback` on a separate environment; decides on ``best_model.zip`` and writes ``evaluations.npz``.

    Args:
        env: the environment of the evaluations.
        writer: writes the checkpoint.
        folder: the run folder.
        eval_freq: environment steps between evaluations.
        n_eval_episodes: episodes of each.
    """

    def __init__(
        self, env: VecEnv, writer: CheckpointWriter, folder: Path, eval_freq: int, n_eval_episodes: int = 10
    ) -> None:
        super().__init__(
            env,
            n_eval_episodes=n_eval_episodes,
            eval_freq=eval_freq,
            log_path=str(folder),
            deterministic=True,
            verbose=0,
            warn=False,
        )
        self.writer = writer
        self.best_mean_reward = writer.best_mean
        self._steps_between = eval_freq
        self._evaluations = folder / "evaluations.npz"
        self.log_path = str(folder / ".evaluations.tmp")  # SB3 writes it in place, we rename it

    def _init_callback(self) -> None:
        super()._init_callback()
        self.eval_freq = max(self._steps_between // self.training_env.num_envs, 1)
        self.n_calls = self.model.num_timesteps // self.training_env.num_envs
        self._take_up_earlier_evaluations()

    def _take_up_earlier_evaluations(self) -> None:
        """A resumed run goes on with its ``evaluations.npz``."""
        earlier = read_or_set_aside(self._evaluations, _read_evaluations)
        if earlier is None:
            return
        keep = earlier["timesteps"] <= self.model.num_timesteps
        self.evaluations_timesteps = earlier["timesteps"][keep].tolist()
        self.evaluations_results = earlier["results"][keep].tolist()
        self.evaluations_length = earlier["ep_lengths"][keep].tolist()
        if "successes" in earlier:
            self.evaluations_successes = earlier["successes"][keep].tolist()

    def _on_step(self) -> bool:
        before: Any = self.best_mean_reward
        evaluations = len(self.evaluations_timesteps)
        written = Path(f"{self.log_path}.npz")
        try:
            go_on = super()._on_step()
            if len(self.evaluations_timesteps) > evaluations:
                written.replace(self._evaluations)
        finally:
            written.unlink(missing_ok=True)
        if self.best_mean_reward > before:
            self.writer.write_best(self.model, float(self.best_mean_reward))
        return go_on


def _read_evaluations(path: Path) -> dict[str, np.ndarray]:
    arrays = read_arrays(path, "the run can do without it", needs=("timesteps", "results", "ep_lengths"))
    if any(values.ndim < 1 or len(values) != len(arrays["timesteps"]) for values in arrays.values()):
        raise DamagedFile(path, "its arrays have different lengths", "the run can do without it")
    return arrays
