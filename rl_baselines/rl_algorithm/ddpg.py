"""DDPG (Lillicrap et al. 2015, arXiv:1509.02971): Stable-Baselines3's."""

from typing import TYPE_CHECKING

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.arguments import NOISE_TYPES
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, UniformFloat

if TYPE_CHECKING:
    from stable_baselines3 import DDPG


class DDPGModel(StableBaselinesRLObject):
    """Deterministic policy gradient from a replay buffer, explored with noise; continuous actions."""

    preset = "ddpg"
    actions = (ActionType.CONTINUOUS,)
    search_space = {
        "learning_rate": LogFloat(1e-5, 3e-3),
        "batch_size": Choice((32, 64, 128, 256, 512)),
        "buffer_size": LogInt(10_000, 1_000_000),
        "tau": LogFloat(1e-3, 0.1),
        "gamma": Choice((0.9, 0.95, 0.98, 0.99, 0.995, 0.999)),
        "noise_type": Choice(NOISE_TYPES),
        "noise_std": UniformFloat(0.0, 0.8),
    }

    @classmethod
    def model_class(cls) -> "type[DDPG]":
        from stable_baselines3 import DDPG

        return DDPG
