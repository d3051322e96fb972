"""A2C (Mnih et al. 2016, arXiv:1602.01783): Stable-Baselines3's."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, UniformFloat

if TYPE_CHECKING:
    from stable_baselines3 import A2C
    from stable_baselines3.common.vec_env import VecEnv


class A2CModel(StableBaselinesRLObject):
    """One policy gradient step after each short rollout."""

    preset = "a2c"
    on_policy = True
    search_space = {
        "learning_rate": LogFloat(1e-5, 1e-2),
        "n_steps": LogInt(4, 256),
        "gamma": Choice((0.9, 0.95, 0.98, 0.99, 0.995, 0.999)),
        "gae_lambda": UniformFloat(0.8, 1.0),
        "ent_coef": LogFloat(1e-8, 0.1),
        "vf_coef": UniformFloat(0.1, 1.0),
        "max_grad_norm": LogFloat(0.3, 5.0),
        "rms_prop_eps": LogFloat(1e-8, 1e-3),
        "normalize_advantage": Choice((False, True)),
    }

    @classmethod
    def model_class(cls) -> "type[A2C]":
        from stable_baselines3 import A2C

        return A2C

    @classmethod
    def _constructor_arguments(cls, hyperparams: Mapping[str, Any], env: "VecEnv", training: bool) -> dict[str, Any]:
        """With ``use_rms_prop`` Stable-Baselines3 forgets the ``optimizer_kwargs``; here they hold."""
        from torch.optim import RMSprop

        values = super()._constructor_arguments(hyperparams, env, training)
        policy_kwargs, own = values["policy_kwargs"], cls.parameters()
        rms_prop = values.get("use_rms_prop", own["use_rms_prop"].default)
        if rms_prop and policy_kwargs.get("optimizer_kwargs") and "optimizer_class" not in policy_kwargs:
            eps = values.get("rms_prop_eps", own["rms_prop_eps"].default)
            defaults = {"alpha": 0.99, "eps": eps, "weight_decay": 0}
            kwargs = {**defaults, **policy_kwargs["optimizer_kwargs"]}
            values["policy_kwargs"] = {**policy_kwargs, "optimizer_class": RMSprop, "optimizer_kwargs": kwargs}
        return values
