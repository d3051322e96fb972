"""What a policy earned in a task, and what that is between a random agent and the world's scripted policy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from environments.config import EnvConfig
from environments.oracle import ORACLE, RANDOM, reference_returns
from environments.registry import find_env


@dataclass(frozen=True)
class Reference:
    """Mean returns in a world, on the same episodes as the policies', with actions of the same kind."""

    random: float
    """of uniformly drawn actions"""
    oracle: float
    """of the world's scripted policy, which sees the world itself"""

    def normalise(self, episode_return: float) -> float | None:
        """A return on the scale where the random agent's is 0 and the scripted policy's 1; None without a scale."""
        width = self.oracle - self.random
        return (episode_return - self.random) / width if width > 0 else None


@dataclass(frozen=True)
class Cell:
    """One policy in one task."""

    returns: tuple[float, ...] = ()
    lengths: tuple[int, ...] = ()
    success_rate: float | None = None
    """None where the world does not report success"""
    reference: Reference | None = None
    """None where the world has no scripted policy, or it was not asked for"""
    reason: str = ""
    """why it is empty"""

    @property
    def mean(self) -> float:
        """Of the returns; NaN of an empty cell."""
        return float(np.mean(self.returns)) if self.returns else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation of the returns; NaN of an empty cell."""
        return float(np.std(self.returns)) if self.returns else float("nan")

    @property
    def normalised(self) -> float | None:
        """The mean return on the scale of `Reference`."""
        return self.reference.normalise(self.mean) if self.reference is not None and self.returns else None

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it; `from_dict` takes it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Cell":
        """What `as_dict` gave."""
        reference = content["reference"]
        return cls(
            returns=tuple(content["returns"]),
            lengths=tuple(content["lengths"]),
            success_rate=content["success_rate"],
            reference=None if reference is None else Reference(**reference),
            reason=content["reason"],
        )


def has_oracle(config: EnvConfig) -> bool:
    """Whether the world has a scripted policy for these actions."""
    entry = find_env(config.env_id)
    return entry.oracle is not None and (entry.oracle_moves_joints or not getattr(config, "action_joints", False))


def reference_of(config: EnvConfig, num_episodes: int, seed: int) -> Reference | None:
    """Play the scripted policy and a random agent; None where the world has no scripted policy.

    Args:
        config: of the world.
        num_episodes: of each.
        seed: episode i is the first of an environment seeded with ``seed + i``.
    """
    if not has_oracle(config):
        return None
    returns = reference_returns(config.env_id, config, num_episodes, seed)
    return Reference(random=float(returns[RANDOM].mean()), oracle=float(returns[ORACLE].mean()))
