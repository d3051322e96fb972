"""A2C (Mnih et al. 2016, arXiv:1602.01783): Stable-Baselines3's."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, UniformFloat

if TYPE_CHECKING:
    from stable_baselines3 import A2C
    from stable_baselines3.common.base_class import BaseAlgorithm
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
    def make_model(
        cls,
        env: "VecEnv",
        hyperparams: Mapping[str, Any],
        *,
        seed: int,
        device: str = "auto",
        tensorboard_log: str | None = None,
        training: bool = True,
    ) -> "BaseAlgorithm":
        """With ``use_rms_prop`` Stable-Baselines3 forgets the ``optimizer_kwargs``; here they hold."""
        given, own = hyperparams.get("policy_kwargs") or {}, cls.parameters()
        rms_prop = "use_rms_prop" in own and hyperparams.get("use_rms_prop", own["use_rms_prop"].default)
        if rms_prop and given.get("optimizer_kwargs") and "optimizer_class" not in given:
            eps = hyperparams.get("rms_prop_eps", own["rms_prop_eps"].default)
            kwargs = {"alpha": 0.99, "eps": eps, "weight_decay": 0, **given["optimizer_kwargs"]}
            policy_kwargs = {**given, "optimizer_class": "RMSprop", "optimizer_kwargs": kwargs}
            hyperparams = {**hyperparams, "policy_kwargs": policy_kwargs}
        return super().make_model(
            env, hyperparams, seed=seed, device=device, tensorboard_log=tensorboard_log, training=training
        )
