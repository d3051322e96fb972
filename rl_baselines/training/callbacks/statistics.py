"""Figures of a training on the console, every so many episodes."""

from collections.abc import Mapping

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.runs.episodes import EpisodeLog

FIGURES: Mapping[str, tuple[str, ...]] = {
    "learning rate": ("train/learning_rate",),
    "policy loss": ("train/policy_gradient_loss", "train/policy_loss", "train/actor_loss"),
    "value loss": ("train/value_loss", "train/critic_loss"),
    "entropy": ("train/entropy", "train/entropy_loss"),
}
"""what is printed beside return and length, and the algorithms' names for it; ``entropy_loss`` is its negative"""


class StatisticsCallback(BaseCallback):
    """Prints mean return and length of the last episodes, learning rate, losses and entropy.

    It looks between rollouts, after the update, so that the figures belong together.

    Args:
        log: the run's episodes.
        interval: episodes between two lines, at least.
    """

    def __init__(self, log: EpisodeLog, interval: int) -> None:
        super().__init__()
        self.log = log
        self.interval = interval
        self._printed = 0
        self._figures: dict[str, float] = {}

    def _on_training_start(self) -> None:
        self._printed = self.log.count

    def _on_rollout_start(self) -> None:
        self._note_figures()
        self._print_when_due()

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        self._note_figures()
        self._print_when_due()

    def _note_figures(self) -> None:
        """The algorithm's latest figures, which its logger forgets when it writes them."""
        values = self.logger.name_to_value
        for title, names in FIGURES.items():
            name = next((name for name in names if name in values), None)
            if name is not None:
                self._figures[title] = -values[name] if name == "train/entropy_loss" else values[name]

    def _print_when_due(self) -> None:
        new = self.log.count - self._printed
        if new < self.interval:
            return
        self._printed = self.log.count
        parts = [
            f"episodes {self.log.count:,}",
            f"steps {self.num_timesteps:,}",
            f"average reward {np.mean(self.log.returns[-new:]):.3f}",
            f"episode length {np.mean(self.log.lengths[-new:]):.1f}",
            *(f"{title} {value:.4g}" for title, value in self._figures.items()),
        ]
        print(", ".join(parts), flush=True)
