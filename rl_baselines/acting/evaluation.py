"""Running a policy for a number of episodes."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecEnv


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What the episodes earned."""

    returns: list[float]
    lengths: list[int]
    successes: list[bool]
    """of the episodes of a task that knows success"""

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
            f"success rate: {rate:.1%}" if rate is not None else "success rate: this task knows no success",
        ]
        return "\n".join(lines)


def evaluate(
    model: BaseAlgorithm,
    num_episodes: int,
    *,
    deterministic: bool = True,
    on_step: Callable[[VecEnv], None] | None = None,
) -> Evaluation:
    """Run ``model`` in its own environment.

    Every environment runs its share of the episodes, so that short episodes are not favoured (SB3's `evaluate_policy`).

    Args:
        model: with an environment.
        num_episodes: how many, at least 1.
        deterministic: the most probable action, or one drawn.
        on_step: called with the environment after each step of its first part.
    """
    env = model.get_env()
    assert env is not None
    successes: list[bool] = []

    def look(local: dict[str, Any], _globals: dict[str, Any]) -> None:
        if local["done"] and "is_success" in local["info"]:
            successes.append(bool(local["info"]["is_success"]))
        if on_step is not None and local["i"] == 0:
            on_step(env)

    returns, lengths = evaluate_policy(
        model,
        env,
        n_eval_episodes=num_episodes,
        deterministic=deterministic,
        callback=look,
        return_episode_rewards=True,
        warn=False,
    )
    assert isinstance(returns, list)
    assert isinstance(lengths, list)
    return Evaluation([float(value) for value in returns], [int(value) for value in lengths], successes)
