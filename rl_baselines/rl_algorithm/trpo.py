"""TRPO (Schulman et al. 2015, arXiv:1502.05477): sb3-contrib's."""

from typing import TYPE_CHECKING

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, UniformFloat, UniformInt

if TYPE_CHECKING:
    from sb3_contrib import TRPO


class TRPOModel(StableBaselinesRLObject):
    """Natural policy gradient within a trust region; `learning_rate` is the critic's alone."""

    preset = "trpo"
    on_policy = True
    search_space = {
        "learning_rate": LogFloat(1e-5, 1e-2),
        "n_steps": Choice((128, 256, 512, 1024, 2048)),
        "nminibatches": Choice((1, 2, 4, 8, 16)),
        "gamma": Choice((0.9, 0.95, 0.98, 0.99, 0.995, 0.999)),
        "gae_lambda": UniformFloat(0.8, 1.0),
        "cg_max_steps": UniformInt(4, 30),
        "cg_damping": LogFloat(1e-2, 0.5),
        "n_critic_updates": UniformInt(3, 30),
        "target_kl": LogFloat(1e-3, 0.1),
    }

    @classmethod
    def model_class(cls) -> "type[TRPO]":
        from sb3_contrib import TRPO

        return TRPO
