"""Notes the episodes of a training as they end, and lets learning from whole ones wait for the first."""

import sys
import time
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.runs.episodes import EpisodeBatch, EpisodeLog
from rl_baselines.training.episode_figures import EpisodeFigures


class EpisodeRecorder(BaseCallback):
    """Fills an `EpisodeLog` from the algorithm's `EpisodeBatch`, or the infos; comes first among the callbacks.

    Args:
        log: filled here; what it holds already is kept.
        figures: told of the episodes too.
    """

    def __init__(self, log: EpisodeLog, figures: EpisodeFigures | None = None) -> None:
        super().__init__()
        self.log = log
        self.figures = EpisodeFigures() if figures is None else figures
        self._start = 0.0

    def _on_training_start(self) -> None:
        earlier = self.log.times[-1] if self.log.times else 0.0
        self._start = time.monotonic() - earlier

    def _on_step(self) -> bool:
        episodes = self.locals.get("episodes")
        if not isinstance(episodes, EpisodeBatch):
            dones = self.locals["dones"]
            if not dones.any():
                return True
            infos = self.locals["infos"]
            episodes = EpisodeBatch.from_infos(self.num_timesteps, [infos[index] for index in np.flatnonzero(dones)])
        if len(episodes):
            self.log.extend(episodes, time.monotonic() - self._start)
            self.figures.add(episodes)
        return True


class FirstEpisodeCallback(BaseCallback):
    """Puts off the updates of a model whose replay buffer samples whole episodes (HER) while it holds none.

    Without it the first update of a world whose first episode outlasts ``learning_starts`` ends in the buffer's error.
    """

    model: Any

    def __init__(self) -> None:
        super().__init__()
        self._said = False

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        buffer = self.model.replay_buffer
        if self.num_timesteps <= self.model.learning_starts or np.any(buffer.ep_length > 0):
            return
        self.model.learning_starts = self.num_timesteps  # what comes before it is not learned from
        if not self._said:
            self._said = True
            print(
                f"{type(buffer).__name__} learns from whole episodes, and none is over or kept after "
                f"{self.num_timesteps:,} steps: learning waits for one that fits in the buffer.",
                file=sys.stderr,
            )
