"""Notes the episodes of a training as they end."""

import time

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
