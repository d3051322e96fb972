"""What is in a dataset, in figures and in words."""

import dataclasses
from typing import Any

import numpy as np

from environments.datasets.dataset import Dataset
from srl3.runtime.room import bytes_in_words, size_of

MOST_VALUES = 12
"""Rewards of so few values are counted by value; others in bins."""
BAR = 40
"""Characters of the longest bar of a histogram."""


@dataclasses.dataclass(frozen=True)
class Bin:
    """Rewards of one value, or of a range ``low <= reward < high`` (the last range has its end)."""

    low: float
    high: float
    count: int

    def label(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:.4g} to {self.high:.4g}"


@dataclasses.dataclass(frozen=True)
class Summary:
    """A dataset in figures; all of it is JSON by `dataclasses.asdict`."""

    path: str
    info: dict[str, Any]
    bytes: int
    frames: int
    episodes: int
    shortest: int
    mean_length: float
    longest: int
    mean_return: float
    std_return: float
    action_counts: list[int] | None
    """of discrete actions"""
    action_means: list[float] | None
    """of continuous ones"""
    action_stds: list[float] | None
    rewards: list[Bin]
    labels: dict[str, int]
    """steps of each continual-learning task"""

    def in_words(self) -> str:
        """Several lines."""
        info = self.info
        shape = "x".join(map(str, info["frame_shape"]))
        views = ", two views" if info["multi_view"] else ""
        where = "relative to the target" if info["relative_pos"] else "in the world frame"
        lines = [
            f"{self.path}: {info['env_id']}, policy {info['policy']}, seed {info['seed']}, positions {where}",
            f"{self.frames:,} frames of {shape}{views}, {bytes_in_words(self.bytes)} on disk",
            f"{self.episodes:,} episodes of {self.shortest:,} to {self.longest:,} steps (mean {self.mean_length:,.1f})",
            f"mean return {self.mean_return:.2f} ± {self.std_return:.2f}",
        ]
        if self.labels:
            lines.append("labels: " + ", ".join(f"{name} {count:,}" for name, count in self.labels.items()))
        if self.action_counts is not None:
            lines.append("actions: " + ", ".join(f"{i}: {count:,}" for i, count in enumerate(self.action_counts)))
        elif self.action_means is not None and self.action_stds is not None:
            pairs = zip(self.action_means, self.action_stds, strict=True)
            lines.append("actions: " + ", ".join(f"{mean:.3f} ± {std:.3f}" for mean, std in pairs))
        return "\n".join([*lines, "rewards:", histogram_in_words(self.rewards)])


def summarise(dataset: Dataset) -> Summary:
    """A dataset in figures."""
    parts = dataset.episode_slices()
    lengths = [part.stop - part.start for part in parts]
    returns = [float(dataset.rewards[part].sum(dtype=np.float64)) for part in parts]
    actions, n_actions = dataset.actions, dataset.info.n_actions
    tasks, counts = np.unique([] if dataset.labels is None else dataset.labels, return_counts=True)
    return Summary(
        path=str(dataset.path),
        info=dataclasses.asdict(dataset.info),
        bytes=size_of(dataset.path),
        frames=len(dataset),
        episodes=dataset.episodes,
        shortest=min(lengths),
        mean_length=float(np.mean(lengths)),
        longest=max(lengths),
        mean_return=float(np.mean(returns)),
        std_return=float(np.std(returns)),
        action_counts=None if n_actions is None else np.bincount(actions, minlength=n_actions).tolist(),
        action_means=actions.mean(axis=0).tolist() if n_actions is None else None,
        action_stds=actions.std(axis=0).tolist() if n_actions is None else None,
        rewards=reward_histogram(dataset.rewards),
        labels=dict(zip(map(str, tasks.tolist()), counts.tolist(), strict=True)),
    )


def reward_histogram(rewards: np.ndarray) -> list[Bin]:
    """Rewards ``(n,)`` by value where there are few, else in ten bins."""
    values, counts = np.unique(rewards, return_counts=True)
    if len(values) <= MOST_VALUES:
        return [Bin(value, value, count) for value, count in zip(values.tolist(), counts.tolist(), strict=True)]
    counts, edges = np.histogram(rewards.astype(np.float64), bins=10)
    ends = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return [Bin(low, high, count) for low, high, count in ends]


def histogram_in_words(bins: list[Bin]) -> str:
    """A line with a bar for each bin."""
    total, most = sum(one.count for one in bins), max(one.count for one in bins)
    wide = max(len(one.label()) for one in bins)
    digits = len(f"{most:,}")
    return "\n".join(
        f"  {one.label():>{wide}}  {one.count:>{digits},}  {one.count / total:6.1%}  "
        f"{'#' * -(-BAR * one.count // most)}".rstrip()
        for one in bins
    )
