"""CrossQ (Bhatt et al. 2024, arXiv:1902.05605): sb3-contrib's."""

from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, UniformInt

if TYPE_CHECKING:
    from gymnasium import spaces
    from sb3_contrib import CrossQ


class CrossQModel(StableBaselinesRLObject):
    """SAC with batch renormalisation in the place of target networks; continuous actions."""

    preset = "crossq"
    dict_policy = None
    actions = (ActionType.CONTINUOUS,)
    search_space = {
        "learning_rate": LogFloat(1e-5, 3e-3),
        "batch_size": Choice((64, 128, 256, 512)),
        "buffer_size": LogInt(10_000, 1_000_000),
        "learning_starts": LogInt(100, 20_000),
        "train_freq": LogInt(1, 64),
        "gradient_steps": LogInt(1, 64),
        "gamma": Choice((0.9, 0.95, 0.98, 0.99, 0.995, 0.999)),
        "ent_coef": Choice(("auto", 0.5, 0.1, 0.05, 0.01, 0.001)),
        "policy_delay": UniformInt(1, 4),
    }

    @classmethod
    def model_class(cls) -> "type[CrossQ]":
        from sb3_contrib import CrossQ

        return CrossQ

    @classmethod
    def policy_for(
        cls, observation_space: "spaces.Space[Any]", policy_kwargs: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """sb3-contrib has no CnnPolicy for it: pixels pass through NatureCNN before the same layers."""
        policy, policy_kwargs = super().policy_for(observation_space, policy_kwargs)
        if policy == cls.image_policy:
            from stable_baselines3.common.torch_layers import NatureCNN

            policy_kwargs = {"features_extractor_class": NatureCNN, **policy_kwargs}
        return cls.state_policy, policy_kwargs
