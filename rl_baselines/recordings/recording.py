"""What a recording holds: trajectories of one policy, step by step, and what is needed to look at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from environments.scenes.parts import ScenePart
from srl3.errors import UserError

TIME_LIMIT, TERMINATED, CUT = "time limit", "terminated", "cut"
"""how a trajectory ended, where the world gives no reason of its own; ``cut``: the recording ended before it"""


MAX_TRAJECTORIES = 64
"""of one recording"""


@dataclass(frozen=True)
class Trajectory:
    """An episode of T steps, from its reset to its end."""

    actions: np.ndarray
    """``(T, …)``, as the world took them"""
    rewards: np.ndarray
    """``(T,) float64``"""
    terms: np.ndarray
    """``(T, K) float64``: the reward by term; K is 0 where the world does not tell"""
    ending: str
    """`TIME_LIMIT`, `TERMINATED`, `CUT`, or the world's own reasons"""
    success: bool | None = None
    """None where the world does not say"""
    poses: np.ndarray | None = None
    """``(T + 1, parts, 7) float32``: where the scene's parts are before each step and after the last, metres, and how
    they are turned (w, x, y, z); None for a world of pictures"""
    pictures: tuple[bytes, ...] = ()
    """``T + 1`` PNG files, of the same moments; empty for a world of meshes, or of neither"""

    @property
    def length(self) -> int:
        """T."""
        return len(self.rewards)

    @property
    def episode_return(self) -> float:
        """Sum of the rewards."""
        return float(self.rewards.sum())


@dataclass(frozen=True)
class Recording:
    """Trajectories of one policy, all from one point of its training."""

    env_id: str
    env_kwargs: Mapping[str, Any]
    algo: str
    trained_steps: int
    """environment steps that the policy had learned from"""
    deterministic: bool
    """the most probable actions, or drawn ones"""
    seed: int
    """trajectory i began with ``seed + i``"""
    step_seconds: float
    """of the world's time in a step"""
    trajectories: Sequence[Trajectory]
    term_names: Sequence[str] = ()
    """K names"""
    action_names: Sequence[str] = ()
    """of the numbers of an action, or of its choices where it is discrete; empty where the world does not say"""
    first_choice: int | None = None
    """the action that the first of ``action_names`` stands for; None where actions are numbers of their own"""
    parts: Sequence[ScenePart] = field(default_factory=tuple)
    """what is drawn at the poses; empty for a world of pictures"""

    def summary(self) -> dict[str, Any]:
        """What there is in it, as JSON holds it."""
        returns, lengths, told = self.figures()
        return {
            "env": self.env_id,
            "algo": self.algo,
            "trained_steps": self.trained_steps,
            "deterministic": self.deterministic,
            "seed": self.seed,
            "step_seconds": self.step_seconds,
            "view": "meshes" if self.parts else "pictures" if self.has_pictures else "none",
            "mean_return": float(np.mean(returns)),
            "mean_length": float(np.mean(lengths)),
            "success_rate": float(np.mean(told)) if told else None,
            "trajectories": [
                {
                    "return": each.episode_return,
                    "length": each.length,
                    "ending": each.ending,
                    "success": each.success,
                    "terms": dict(zip(self.term_names, each.terms.sum(0).tolist(), strict=True)),
                }
                for each in self.trajectories
            ],
        }

    def figures(self) -> tuple[list[float], list[int], list[bool]]:
        """Returns, lengths, and the successes of those that tell."""
        told = [each.success for each in self.trajectories if each.success is not None]
        returns = [each.episode_return for each in self.trajectories]
        return returns, [each.length for each in self.trajectories], told

    @property
    def has_pictures(self) -> bool:
        """Whether it holds pictures."""
        return any(each.pictures for each in self.trajectories)


def check_count(count: int) -> None:
    """Raise `UserError` for more trajectories than a recording may hold."""
    if count > MAX_TRAJECTORIES:
        raise UserError(f"up to {MAX_TRAJECTORIES} trajectories are recorded at once, not {count}.")
