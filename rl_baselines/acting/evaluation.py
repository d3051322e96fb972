"""Running a policy for a number of episodes."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3.common.vec_env import VecEnv

from environments.registry import ThreadingType, find_env
from rl_baselines.acting.actor import Actor

MAX_ENVS = 256
"""of a batched world, playing the episodes of an evaluation at once"""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What the episodes earned."""

    returns: list[float]
    lengths: list[int]
    successes: list[bool]
    """of the episodes of a task that reports success"""

    def as_dict(self) -> dict[str, Any]:
        """The figures and the single episodes, as JSON holds them."""
        return {
            "episodes": len(self.returns),
            "mean_return": float(np.mean(self.returns)),
            "std_return": float(np.std(self.returns)),
            "mean_length": float(np.mean(self.lengths)),
            "std_length": float(np.std(self.lengths)),
            "success_rate": float(np.mean(self.successes)) if self.successes else None,
            "returns": self.returns,
            "lengths": self.lengths,
        }

    def in_words(self) -> str:
        """The figures on three lines."""
        figures = self.as_dict()
        rate = figures["success_rate"]
        lines = [
            f"return over {figures['episodes']} episodes: {figures['mean_return']:.2f} ± {figures['std_return']:.2f}",
            f"episode length: {figures['mean_length']:.1f} ± {figures['std_length']:.1f}",
            f"success rate: {rate:.1%}" if rate is not None else "success rate: n/a",
        ]
        return "\n".join(lines)


def evaluate(
    actor: Actor,
    venv: VecEnv,
    num_episodes: int,
    *,
    num_steps: int | None = None,
    deterministic: bool | None = None,
    on_step: Callable[[VecEnv], None] | None = None,
) -> Evaluation:
    """Let ``actor`` play whole episodes.

    Every environment runs its share of the episodes, so that short episodes are not favoured; a policy that
    `Actor.uses_masks` gets the environments' ``action_masks()``, where they have them.

    Args:
        actor: begins anew in all environments.
        venv: the bare worlds, whose observations the actor encodes, stacks and normalises itself; it is reset.
        num_episodes: how many, at least 1.
        num_steps: in the place of ``num_episodes``; each environment plays whole episodes until it has done its share.
        deterministic: the most probable action, or one drawn; None: as `Actor.deterministic` says.
        on_step: called with ``venv`` after each step.

    Returns:
        The episodes in the order in which they ended; returns are those of the environments' monitors, where they
        have them.
    """
    n = venv.num_envs
    left = (num_episodes + np.arange(n)) // n if num_steps is None else np.full(n, -(-num_steps // n))
    returns, lengths = np.zeros(n), np.zeros(n, np.int64)
    evaluation = Evaluation([], [], [])
    masked = actor.uses_masks and is_masking_supported(venv)
    observations, starts = venv.reset(), np.ones(n, np.bool_)
    actor.reset()
    while (left > 0).any():
        masks = get_action_masks(venv) if masked else None
        actions = actor.act(observations, starts, deterministic, masks)  # type: ignore[arg-type]
        observations, rewards, starts, infos = venv.step(actions)
        returns += rewards
        lengths += 1
        for row in np.flatnonzero(starts & (left > 0)):
            info = infos[row]
            episode = info.get("episode", {"r": returns[row], "l": lengths[row]})
            evaluation.returns.append(float(episode["r"]))
            evaluation.lengths.append(int(episode["l"]))
            if "is_success" in info:
                evaluation.successes.append(bool(info["is_success"]))
            left[row] -= 1 if num_steps is None else lengths[row]
        returns[starts] = 0
        lengths[starts] = 0
        if on_step is not None:
            on_step(venv)
    return evaluation


def episodes_in(num_steps: int, max_steps: int | None) -> int:
    """How many episodes so many steps are at least; 1 where the world has no limit."""
    return max(1, num_steps // max_steps) if max_steps else 1


def number_of_envs(env_id: str, num_episodes: int) -> int:
    """How many environments play an evaluation: up to 256 of a world that steps them as arrays, else one."""
    return min(num_episodes, MAX_ENVS) if find_env(env_id).threading is ThreadingType.BATCHED else 1
