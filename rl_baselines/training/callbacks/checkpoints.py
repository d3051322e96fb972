"""Writes ``latest.zip`` and ``checkpoints/``, and ends a training that was asked to stop."""

import dataclasses
import signal
import time
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from rl_baselines.checkpoints.checkpoint import CheckpointInfo, save_checkpoint
from rl_baselines.checkpoints.replay_buffer import write_replay_buffer
from rl_baselines.checkpoints.resume import training_state
from rl_baselines.registry import find_algo
from rl_baselines.runs.layouts import link
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.callbacks.finite import check_model
from rl_baselines.training.episode_figures import EpisodeFigures
from srl3.files import atomic_path
from srl3.runtime.ranks import ALONE, Ranks
from srl3.runtime.signals import StopRequest

SAVE_SECONDS = 30.0
"""time between two writings of ``latest.zip``"""
MAX_SAVE_SHARE = 0.05
"""share of the time that writing ``latest.zip`` may take (a large replay buffer is written less often)"""


class StopTraining(Exception):
    """Raised between two rollouts to leave ``learn`` with the model in a whole state."""


@dataclasses.dataclass
class Best:
    """The best model so far, in the stage of the curriculum that it was kept in."""

    mean: float = -float("inf")
    """its mean return"""
    stage: int = 0
    """control steps after which that stage began"""
    first: int = 0
    """number of the first episode of the training that began in it"""


class CheckpointWriter:
    """Writes a run's checkpoints, of models in which all is a number, and keeps what must go on in a resumed run.

    Its methods raise `NonFinite` in place of writing another one.

    Args:
        run: where to write.
        info: what the checkpoints say of themselves.
        best: the best model so far.
        ranks: the processes that train together, each of which gives its part of ``latest.zip``.
        layout: key of `rl_baselines.runs.layouts.LAYOUTS`: which other names they get.
        figures: of the episodes, which go on in a resumed run.
        replay_buffer: write the replay buffer beside ``latest.zip``.
    """

    def __init__(
        self,
        run: RunFolder,
        info: CheckpointInfo,
        best: Best | None = None,
        layout: str | None = None,
        figures: EpisodeFigures | None = None,
        ranks: Ranks = ALONE,
        replay_buffer: bool = True,
    ) -> None:
        self.run = run
        self.ranks = ranks
        self.info = info
        self.best = best or Best()
        self.layout = layout
        self.figures = EpisodeFigures() if figures is None else figures
        self.replay_buffer = replay_buffer

    def write_best(self, model: BaseAlgorithm, mean: float) -> None:
        """Write ``best_model.zip`` of this mean return."""
        check_model(model)
        self.best.mean = mean
        self._save(self.run.best_model, model)

    def write_latest(self, model: BaseAlgorithm) -> None:
        """Write ``latest.zip`` with all that `--resume` needs, and the replay buffer where there is one.

        The previous buffer stays until the new checkpoint is there: a kill at any moment leaves a pair that fits.
        """
        check_model(model)
        algorithm = find_algo(self.info.algo).load_class(self.info.policy)
        own, *others = self.ranks.trees(training_state(algorithm, model))
        if not self.ranks.is_first:
            return
        state = {
            "model": own,
            "best_mean": self.best.mean,
            "best_stage": self.best.stage,
            "best_first": self.best.first,
            "monitor_sizes": self.run.monitor_sizes(),
            "figures": self.figures.save_state(),
        }
        if others:
            state["ranks"] = others
        if not self.replay_buffer or getattr(model, "replay_buffer", None) is None:
            self._save(self.run.latest, model, state)
            return
        waiting = self.run.waiting_replay_buffer(model.num_timesteps)
        with atomic_path(waiting) as temporary:
            write_replay_buffer(temporary, model)
        self._save(self.run.latest, model, state)
        waiting.replace(self.run.replay_buffer)

    def write_numbered(self, model: BaseAlgorithm) -> None:
        """Write ``checkpoints/model_<steps>_steps.zip``; rank 0 alone does."""
        check_model(model)
        self.run.checkpoints.mkdir(exist_ok=True)
        self._save(self.run.checkpoint(model.num_timesteps), model)

    def _save(self, path: Path, model: BaseAlgorithm, state: dict[str, Any] | None = None) -> None:
        save_checkpoint(path, model, self.info, state)
        if self.layout is not None:
            steps = model.n_steps * model.n_envs * self.ranks.size if isinstance(model, OnPolicyAlgorithm) else 1
            link(self.layout, self.run, path, model.num_timesteps // steps)


class CheckpointCallback(BaseCallback):
    """Between rollouts, when the model is whole: ``latest.zip`` after the first and then at most every 30 s,
    numbered checkpoints every ``save_freq`` steps, and the end of a training that was asked to stop.

    Args:
        writer: writes the checkpoints.
        stop: the request to stop.
        save_freq: steps between numbered checkpoints; 0 writes none.
        ranks: the processes that train together; they stop together, and rank 0 says when to write.
    """

    def __init__(self, writer: CheckpointWriter, stop: StopRequest, save_freq: int = 0, ranks: Ranks = ALONE) -> None:
        super().__init__()
        self.writer = writer
        self.stop = stop
        self.save_freq = save_freq
        self.ranks = ranks
        self._start: int | None = None
        self._due = 0.0
        self._next_numbered = save_freq

    def _on_training_start(self) -> None:
        self._start = self.model.num_timesteps
        if self.save_freq:
            self._next_numbered = (self._start // self.save_freq + 1) * self.save_freq

    def _on_rollout_start(self) -> None:
        # called before a rollout: the update after the previous one is over
        begun = self.model.num_timesteps != self._start
        latest_is_due = begun and self.ranks.is_first and time.monotonic() >= self._due
        signal_here = signal.SIGTERM if self.ranks.orphaned else self.stop.signal or 0
        stopped_by, write_latest = self.ranks.largest([signal_here, int(latest_is_due)])
        if stopped_by:
            self.stop.came_elsewhere(stopped_by)
        elif not begun:
            return
        self.write_due()
        if stopped_by:
            check_model(self.model)  # while what it finds can still be said
            raise StopTraining
        if write_latest:
            began = time.monotonic()
            self.writer.write_latest(self.model)
            took = time.monotonic() - began
            self._due = time.monotonic() + max(SAVE_SECONDS, took / MAX_SAVE_SHARE)

    def _on_step(self) -> bool:
        return True

    def write_due(self) -> None:
        """Write the numbered checkpoint that is due, of a model that is whole: between rollouts or at the end."""
        if self.save_freq and self.model.num_timesteps >= self._next_numbered:
            self.writer.write_numbered(self.model)
            self._next_numbered = (self.model.num_timesteps // self.save_freq + 1) * self.save_freq
