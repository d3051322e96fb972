"""SAC (Haarnoja et al. 2018, arXiv:1812.05905): Stable-Baselines3's."""

from typing import TYPE_CHECKING

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt

if TYPE_CHECKING:
    from stable_baselines3 import SAC


class SACModel(StableBaselinesRLObject):
    """Maximum-entropy actor and critics from a replay buffer; continuous actions."""

    preset = "sac"
    actions = (ActionType.CONTINUOUS,)
    search_space = {
        "learning_rate": LogFloat(1e-5, 3e-3),
        "batch_size": Choice((64, 128, 256, 512)),
        "buffer_size": LogInt(10_000, 1_000_000),
        "learning_starts": LogInt(100, 20_000),
        "train_freq": LogInt(1, 64),
        "gradient_steps": LogInt(1, 64),
        "tau": LogFloat(1e-3, 0.1),
        "gamma": Choice((0.9, 0.95, 0.98, 0.99, 0.995, 0.999)),
        "ent_coef": Choice(("auto", 0.5, 0.1, 0.05, 0.01, 0.001)),
    }

    @classmethod
    def model_class(cls) -> "type[SAC]":
        from stable_baselines3 import SAC

        return SAC
