"""The episodes of all ranks, for the figures that one of them reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rl_baselines.runs.episodes import EpisodeBatch
from srl3.runtime.ranks import Ranks


@dataclass
class SharedEpisodes:
    """Exchanges episodes once a rollout, in its last step.

    Args:
        ranks: those that train together.
    """

    ranks: Ranks
    _waiting: list[EpisodeBatch] = field(default_factory=list)

    def with_others(self, own: EpisodeBatch, *, last: bool) -> EpisodeBatch:
        """``own``, of one step; in the ``last`` one of a rollout together with those of the other ranks since then."""
        if self.ranks.size == 1:
            return own
        self._waiting.append(own)
        if not last:
            return own
        everyone = [_from_tree(own.timestep, tree) for tree in self.ranks.trees(_tree(_merged(self._waiting)))]
        self._waiting.clear()
        return _merged([*(each for rank, each in enumerate(everyone) if rank != self.ranks.rank), own])


def _merged(batches: Sequence[EpisodeBatch]) -> EpisodeBatch:
    """One after the other; the last one's step."""
    full = [batch for batch in batches if len(batch)]
    if not full:
        return batches[-1]
    return EpisodeBatch(
        batches[-1].timestep,
        np.concatenate([batch.returns for batch in full]),
        np.concatenate([batch.lengths for batch in full]),
        np.concatenate([batch.successes for batch in full]),
        _joined([batch.terms for batch in full]),
        _joined([batch.endings for batch in full]),
        _joined([batch.figures for batch in full]),
    )


def _joined(columns: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Those that all of them have."""
    names = [name for name in columns[0] if all(name in each for each in columns)]
    return {name: np.concatenate([each[name] for each in columns]) for name in names}


def _tree(batch: EpisodeBatch) -> dict[str, Any]:
    parts = ("returns", "lengths", "successes", "terms", "endings", "figures")
    return {name: getattr(batch, name) for name in parts}


def _from_tree(timestep: int, tree: dict[str, Any]) -> EpisodeBatch:
    return EpisodeBatch(timestep, **tree)
