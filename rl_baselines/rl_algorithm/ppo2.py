"""PPO (Schulman et al. 2017, arXiv:1707.06347), the reference's ``ppo2``: Stable-Baselines3's."""

from typing import TYPE_CHECKING

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, UniformFloat, UniformInt

if TYPE_CHECKING:
    from stable_baselines3 import PPO


class PPO2Model(StableBaselinesRLObject):
    """Clipped policy gradient on whole rollouts; the first choice for both kinds of action."""

    preset = "ppo2"
    on_policy = True
    lstm_variant = "recurrent_ppo"
    search_space = {
        "learning_rate": LogFloat(1e-5, 3e-3),
        "n_steps": Choice((32, 64, 128, 256, 512, 1024, 2048)),
        "nminibatches": Choice((1, 2, 4, 8, 16, 32)),
        "n_epochs": UniformInt(1, 20),
        "gamma": Choice((0.9, 0.95, 0.98, 0.99, 0.995, 0.999)),
        "gae_lambda": UniformFloat(0.8, 1.0),
        "clip_range": UniformFloat(0.1, 0.4),
        "ent_coef": LogFloat(1e-8, 0.1),
        "vf_coef": UniformFloat(0.1, 1.0),
        "max_grad_norm": LogFloat(0.3, 5.0),
    }

    @classmethod
    def model_class(cls) -> "type[PPO]":
        from stable_baselines3 import PPO

        return PPO
