"""TD3 (Fujimoto et al. 2018, arXiv:1802.09477): Stable-Baselines3's."""

from typing import TYPE_CHECKING

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.arguments import NOISE_TYPES
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, UniformFloat, UniformInt

if TYPE_CHECKING:
    from stable_baselines3 import TD3


class TD3Model(StableBaselinesRLObject):
    """DDPG with two critics, a delayed actor and smoothed targets; continuous actions."""

    preset = "td3"
    actions = (ActionType.CONTINUOUS,)
    search_space = {
        "learning_rate": LogFloat(1e-5, 3e-3),
        "batch_size": Choice((32, 64, 128, 256, 512)),
        "buffer_size": LogInt(10_000, 1_000_000),
        "tau": LogFloat(1e-3, 0.1),
        "gamma": Choice((0.9, 0.95, 0.98, 0.99, 0.995, 0.999)),
        "policy_delay": UniformInt(1, 4),
        "noise_type": Choice(NOISE_TYPES),
        "noise_std": UniformFloat(0.0, 0.8),
    }

    @classmethod
    def model_class(cls) -> "type[TD3]":
        from stable_baselines3 import TD3

        return TD3
