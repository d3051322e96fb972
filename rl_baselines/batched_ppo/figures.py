"""What an iteration tells of itself: to Stable-Baselines3's logger, and of its episodes."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.logger import Logger

from rl_baselines.batched_ppo.networks.distributions import Gaussian
from rl_baselines.batched_ppo.rollouts.clock import Clock
from rl_baselines.batched_ppo.rollouts.rollout import Rollout
from rl_baselines.runs.episodes import EpisodeBatch
from srl3.runtime.ranks import Ranks


def note_episodes(episodes: EpisodeBatch, window: int, infos: deque[Any], successes: deque[Any]) -> None:
    """Keep the last ``window`` ones for Stable-Baselines3's own figures, in its two buffers."""
    last = slice(-window, None)
    returns, lengths = episodes.returns[last].tolist(), episodes.lengths[last].tolist()
    infos.extend({"r": earned, "l": length, "t": 0.0} for earned, length in zip(returns, lengths, strict=True))
    succeeded = episodes.successes[last]
    successes.extend(succeeded[~np.isnan(succeeded)].tolist())


def record_figures(logger: Logger, rollout: Rollout, learned: Mapping[str, float], clock: Clock, ranks: Ranks) -> None:
    """Log what the update gave (``train/``), and where the time of the iteration went (``time/``)."""
    spread = rollout.returns.var()
    explained = 1 - (rollout.returns - rollout.values).var() / spread if spread > 0 else torch.tensor(float("nan"))
    for name, value in learned.items():
        logger.record(f"train/{name}", value)
    logger.record("train/explained_variance", float(explained))
    if isinstance(rollout.before, Gaussian):
        logger.record("train/std", float(rollout.before.std.mean()))
    for name, value in clock.figures(len(rollout) * ranks.size).items():
        logger.record(f"time/{name}", value)
