"""The episodes of a training as they come, noted once for the progress bar, the plots and the best model."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from environments.batched.episodes import EpisodeStatistics
from rl_baselines.runs.monitors import Episodes, read_run
from rl_baselines.vec_envs.infos import ENDINGS, FIGURES, REWARD_TERMS, columns


@dataclass(frozen=True)
class EpisodeBatch:
    """K episodes that ended in one step of many worlds: what algorithms that hold arrays give to callbacks."""

    timestep: int
    """training step, over all environments, at which they ended"""
    returns: np.ndarray
    """``(K,) float64``: undiscounted sums of rewards"""
    lengths: np.ndarray
    """``(K,) int64``: environment steps"""
    successes: np.ndarray
    """``(K,) float64``: 1 or 0, nan where the world did not say"""
    terms: dict[str, np.ndarray] = field(default_factory=dict)
    """``(K,) float64`` by term of the reward: sums over the episode"""
    endings: dict[str, np.ndarray] = field(default_factory=dict)
    """``(K,) bool`` by termination reason; empty where the world does not tell them apart"""
    figures: dict[str, np.ndarray] = field(default_factory=dict)
    """``(K,) float64`` by name: what else the world tells of an episode, how hard it was"""

    @classmethod
    def from_infos(cls, timestep: int, infos: Sequence[Mapping[str, Any]]) -> "EpisodeBatch":
        """The episodes that these infos of `rl_baselines.vec_envs` end (those without ``episode`` are left out)."""
        ended = [info for info in infos if "episode" in info]
        return cls(
            timestep,
            np.array([info["episode"]["r"] for info in ended], np.float64),
            np.array([info["episode"]["l"] for info in ended], np.int64),
            np.array([float(info.get("is_success", np.nan)) for info in ended], np.float64),
            columns(ended, REWARD_TERMS, np.float64),
            columns(ended, ENDINGS, np.bool_),
            columns(ended, FIGURES, np.float64),
        )

    @classmethod
    def from_statistics(cls, timestep: int, ended: EpisodeStatistics) -> "EpisodeBatch":
        """The episodes that a step of tensors ended."""
        return cls(timestep, ended.returns, ended.lengths, ended.successes, ended.terms, ended.endings, ended.figures)

    def __len__(self) -> int:
        return len(self.returns)


class EpisodeLog:
    """Every finished episode, in the order in which they ended.

    Attributes:
        timesteps: training step (over all environments) at which each ended.
        returns: undiscounted sums of rewards.
        lengths: environment steps.
        successes: 1 or 0, nan where the world did not say.
        times: seconds of training done at its end.
    """

    def __init__(self) -> None:
        self.timesteps = array("q")
        self.returns = array("d")
        self.lengths = array("q")
        self.successes = array("d")
        self.times = array("d")

    @classmethod
    def from_monitors(cls, folder: Path | str) -> "EpisodeLog":
        """The log that a run's monitor files tell, for a run that is resumed.

        Raises:
            UserError: for a damaged monitor file.
        """
        log = cls()
        run = read_run(folder)
        for episode in zip(run.timesteps, run.returns, run.lengths, run.successes, run.times, strict=True):
            log.append(*episode)
        return log

    def append(
        self, timestep: int, episode_return: float, length: int, success: float = float("nan"), seconds: float = 0.0
    ) -> None:
        """Note an episode that ended at ``timestep`` of the training, ``seconds`` after its start."""
        self.timesteps.append(int(timestep))
        self.returns.append(float(episode_return))
        self.lengths.append(int(length))
        self.successes.append(float(success))
        self.times.append(float(seconds))

    def extend(self, episodes: EpisodeBatch, seconds: float = 0.0) -> None:
        """Note episodes that ended together, ``seconds`` after the start of the training."""
        count = len(episodes)
        self.timesteps.extend([episodes.timestep] * count)
        self.returns.frombytes(np.ascontiguousarray(episodes.returns, np.float64).tobytes())
        self.lengths.frombytes(np.ascontiguousarray(episodes.lengths, np.int64).tobytes())
        self.successes.frombytes(np.ascontiguousarray(episodes.successes, np.float64).tobytes())
        self.times.extend([seconds] * count)

    @property
    def count(self) -> int:
        """Number of episodes."""
        return len(self.returns)

    def mean_return(self, window: int = 100, first: int = 0) -> float | None:
        """Mean return of the last ``window`` episodes (of all, while there are fewer), from this one on; None before
        it."""
        first = max(len(self.returns) - window, first)
        return float(np.mean(self.returns[first:])) if first < len(self.returns) else None

    def arrays(self) -> Episodes:
        """A copy as arrays of shape ``(count,)``."""
        return Episodes(
            timesteps=np.array(self.timesteps, dtype=np.int64),
            returns=np.array(self.returns, dtype=np.float64),
            lengths=np.array(self.lengths, dtype=np.int64),
            successes=np.array(self.successes, dtype=np.float64),
            times=np.array(self.times, dtype=np.float64),
        )
