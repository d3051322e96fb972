"""The reward's terms during a training: means of their sums over the episodes that end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_baselines.runs.episodes import EpisodeBatch

MAX_POINTS = 2000
"""of the curves; when there are twice as many, neighbours are joined"""


@dataclass
class _Point:
    timestep: int
    count: int
    sums: dict[str, float]


class RewardTerms:
    """Fills itself from what an algorithm tells its callbacks at each step."""

    def __init__(self) -> None:
        self._points: list[_Point] = []
        self._running: defaultdict[int, dict[str, float]] = defaultdict(dict)

    @property
    def count(self) -> int:
        """Number of episodes in all."""
        return sum(point.count for point in self._points)

    def note_batch(self, episodes: EpisodeBatch) -> None:
        """Note the episodes that ended in one step of many worlds."""
        if len(episodes) and episodes.terms:
            sums = {name: float(values.sum()) for name, values in episodes.terms.items()}
            self._append(_Point(episodes.timestep, len(episodes), sums))

    def note_step(self, timestep: int, infos: Sequence[Mapping[str, Any]], dones: np.ndarray) -> None:
        """Note one step of each environment.

        Args:
            timestep: of the training, after it.
            infos: ``(n_envs,)``; ``reward_terms`` of one that tells them holds this step's, or at the end of an
                episode the whole sums where the steps before told nothing.
            dones: ``(n_envs,) bool``.
        """
        ended: list[dict[str, float]] = []
        for index, (info, done) in enumerate(zip(infos, dones, strict=True)):
            terms = info.get("reward_terms")
            if terms is None:
                continue
            sums = self._running[index]
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value)
            if done:
                ended.append(self._running.pop(index))
        if ended:
            names = dict.fromkeys(name for sums in ended for name in sums)
            total = {name: sum(sums.get(name, 0.0) for sums in ended) for name in names}
            self._append(_Point(timestep, len(ended), total))

    def curves(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Timesteps ``(m,)`` and, by term, the mean of an episode's sum ``(m,) float64``, 0 where it is not told."""
        counts = np.array([point.count for point in self._points], dtype=np.float64)
        names = dict.fromkeys(name for point in self._points for name in point.sums)
        means = {name: np.array([point.sums.get(name, 0.0) for point in self._points]) / counts for name in names}
        return np.array([point.timestep for point in self._points], dtype=np.int64), means

    def _append(self, point: _Point) -> None:
        if self._points and self._points[-1].timestep == point.timestep:
            point = _joined(self._points.pop(), point)
        self._points.append(point)
        if len(self._points) >= 2 * MAX_POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [_joined(first, second) for first, second in pairs]


def _joined(first: _Point, second: _Point) -> _Point:
    names = dict.fromkeys([*first.sums, *second.sums])
    sums = {name: first.sums.get(name, 0.0) + second.sums.get(name, 0.0) for name in names}
    return _Point(second.timestep, first.count + second.count, sums)
