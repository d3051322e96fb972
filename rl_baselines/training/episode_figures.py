"""What the reward of the episodes was made of, and why they ended: means in ``progress.csv`` and TensorBoard."""

from collections.abc import Mapping
from typing import Any

from stable_baselines3.common.logger import KVWriter, Logger

from rl_baselines.runs.episodes import EpisodeBatch

TERM, ENDING, CURRICULUM = "episode", "ending", "curriculum"
"""first parts of the figures' names: ``episode/<term>``, ``ending/<reason>``, ``curriculum/<figure>``"""


class EpisodeFigures:
    """Means over the episodes that ended since they were last taken.

    ``episode/<term>`` is the mean sum of a term of the reward over an episode, where the world's reward has several
    terms; ``ending/<reason>`` is the share of the episodes that ended for this reason, where the world tells reasons;
    ``curriculum/<figure>`` is the mean of what it tells of how hard an episode was (a stage, the level of the ground).
    """

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, episodes: EpisodeBatch) -> None:
        """Count these episodes."""
        if len(episodes.terms) > 1:
            for name, values in episodes.terms.items():
                self._note(f"{TERM}/{name}", float(values.sum()), len(values))
        for name, flags in episodes.endings.items():
            self._note(f"{ENDING}/{name}", float(flags.sum()), len(flags))
        for name, figures in episodes.figures.items():
            self._note(f"{CURRICULUM}/{name}", float(figures.sum()), len(figures))

    def take(self) -> dict[str, float]:
        """The means by name, without those of which no episode ended; counting begins anew."""
        means = {name: total / self._counts[name] for name, total in self._sums.items() if self._counts[name]}
        self._sums, self._counts = {}, {}
        return means

    def save_state(self) -> dict[str, Any]:
        """What is counted and not yet taken."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state(self, state: Mapping[str, Any] | None) -> None:
        """Go on from what `save_state` gave; None is of a run from before it was saved."""
        if state is not None:
            self._sums, self._counts = dict(state["sums"]), dict(state["counts"])

    def _note(self, name: str, total: float, count: int) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + total
        self._counts[name] = self._counts.get(name, 0) + count


class RunLogger(Logger):
    """SB3's logger that writes the figures of the episodes with everything else.

    Args:
        folder: the run folder.
        outputs: where to write.
        figures: taken with each writing.
    """

    def __init__(self, folder: str, outputs: list[KVWriter], figures: EpisodeFigures) -> None:
        super().__init__(folder, outputs)
        self.figures = figures

    def dump(self, step: int = 0) -> None:
        for name, value in self.figures.take().items():
            self.record(name, value)
        super().dump(step)
