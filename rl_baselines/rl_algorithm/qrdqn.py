"""QR-DQN (Dabney et al. 2017, arXiv:1710.10044): sb3-contrib's."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, UniformFloat

if TYPE_CHECKING:
    from sb3_contrib import QRDQN


class QRDQNModel(StableBaselinesRLObject):
    """DQN that learns the distribution of returns; discrete actions."""

    preset = "qrdqn"
    actions = (ActionType.DISCRETE,)
    search_space = {
        "learning_rate": LogFloat(1e-5, 3e-3),
        "batch_size": Choice((16, 32, 64, 128, 256)),
        "buffer_size": LogInt(10_000, 1_000_000),
        "learning_starts": LogInt(100, 20_000),
        "train_freq": LogInt(1, 256),
        "target_update_interval": LogInt(100, 20_000),
        "exploration_fraction": UniformFloat(0.005, 0.5),
        "exploration_final_eps": UniformFloat(0.0, 0.2),
        "gamma": Choice((0.9, 0.95, 0.98, 0.99, 0.995, 0.999)),
    }

    counters = (*StableBaselinesRLObject.counters, "_n_calls", "exploration_rate")

    @classmethod
    def model_class(cls) -> "type[QRDQN]":
        from sb3_contrib import QRDQN

        return QRDQN

    @classmethod
    def inherited_hyperparams(cls, saved: Mapping[str, Any], state: Mapping[str, Any] | None) -> dict[str, Any]:
        """Exploration goes on from the rate at which it ended."""
        own = cls.parameters()["exploration_final_eps"].default
        final = saved.get("exploration_final_eps", own)
        rate = final if state is None else state["counters"].get("exploration_rate", final)
        return {**saved, "exploration_initial_eps": float(rate)}
