"""Episodes that were played, in figures."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

WINDOW = 100
"""episodes that the means are over, at most"""
CURVE = 500
"""episodes that a curve shows, at most"""


@dataclass(frozen=True)
class Episode:
    """An episode that has ended."""

    row: int
    """of the robot, among those of its slot"""
    episode_return: float
    length: int
    success: bool | None
    """None where the world does not say"""
    terms: dict[str, float]
    """sums over the episode by term of the reward; empty where the world does not tell"""
    trained_steps: int
    """of the policy that ended it"""


@dataclass
class SlotStatistics:
    """What a slot's episodes earned since its policy was loaded, and the curve of all of them."""

    episodes: int = 0
    """since the policy was loaded"""
    total: int = 0
    """since the beginning"""
    recent: deque[Episode] = field(default_factory=lambda: deque(maxlen=WINDOW))
    curve: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=CURVE))
    """trained steps of the policy, and return, of each episode"""

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        self.episodes += 1
        self.total += 1
        self.recent.append(episode)
        self.curve.append((episode.trained_steps, episode.episode_return))

    def begin_anew(self) -> None:
        """Another policy acts: its episodes are counted from here on."""
        self.episodes = 0
        self.recent.clear()

    @property
    def mean_return(self) -> float | None:
        """None before the first episode."""
        return float(np.mean([each.episode_return for each in self.recent])) if self.recent else None

    @property
    def mean_length(self) -> float | None:
        """None before the first episode."""
        return float(np.mean([each.length for each in self.recent])) if self.recent else None

    @property
    def success_rate(self) -> float | None:
        """None where the world does not say, and before the first episode."""
        told = [each.success for each in self.recent if each.success is not None]
        return float(np.mean(told)) if told else None

    def mean_terms(self) -> dict[str, float]:
        """Mean sums by term of the reward."""
        names = list(self.recent[-1].terms) if self.recent else []
        return {name: float(np.mean([each.terms.get(name, 0.0) for each in self.recent])) for name in names}
