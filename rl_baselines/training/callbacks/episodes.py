"""Notes the episodes of a training as they end."""

import time

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.runs.episodes import EpisodeBatch, EpisodeLog


class EpisodeRecorder(BaseCallback):
    """Fills an `EpisodeLog` from the algorithm's `EpisodeBatch`, or the infos; comes first among the callbacks.

    Args:
        log: filled here; what it holds already is kept.
    """

    def __init__(self, log: EpisodeLog) -> None:
        super().__init__()
        self.log = log
        self._start = 0.0

    def _on_training_start(self) -> None:
        earlier = self.log.times[-1] if self.log.times else 0.0
        self._start = time.monotonic() - earlier

    def _on_step(self) -> bool:
        episodes = self.locals.get("episodes")
        if isinstance(episodes, EpisodeBatch):
            if len(episodes):
                self.log.extend(episodes, time.monotonic() - self._start)
            return True
        dones = self.locals["dones"]
        if dones.any():
            seconds = time.monotonic() - self._start
            for index in np.flatnonzero(dones):
                info = self.locals["infos"][index]
                if "episode" in info:
                    episode, success = info["episode"], info.get("is_success", float("nan"))
                    self.log.append(self.num_timesteps, episode["r"], episode["l"], success, seconds)
        return True
