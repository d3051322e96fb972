"""``batched_ppo`` in the registry: what may be set, over what a search draws, how its model is built."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.batched_ppo.names import translated
from rl_baselines.batched_ppo.settings import check_number_of_minibatches
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.parameters import Parameter
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, UniformFloat, UniformInt

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

    from rl_baselines.batched_ppo.algorithm import BatchedPPO

CHOICES = {
    "std_type": ("log", "scalar", "state"),
    "rnn_type": ("gru", "lstm"),
    "symmetry": ("off", "augment", "loss", "both"),
}
NOT_SET = ("acting_only",)
"""arguments of the constructor that are no hyperparameters"""


class BatchedPPOModel(StableBaselinesRLObject):
    """PPO on tensors of many worlds at once; the first choice where worlds are batched."""

    preset = "batched_ppo"
    actions = (ActionType.DISCRETE, ActionType.CONTINUOUS)
    on_policy = True
    several_processes = True
    merges_policy_kwargs = True
    search_space = {
        "learning_rate": LogFloat(1e-4, 3e-3),
        "desired_kl": LogFloat(3e-3, 3e-2),
        "n_steps": Choice((8, 16, 24, 32, 64)),
        "nminibatches": Choice((1, 2, 4, 8)),
        "n_epochs": UniformInt(2, 8),
        "gamma": Choice((0.95, 0.97, 0.98, 0.99, 0.995)),
        "gae_lambda": UniformFloat(0.9, 1.0),
        "clip_range": UniformFloat(0.1, 0.3),
        "ent_coef": LogFloat(1e-5, 0.02),
        "vf_coef": UniformFloat(0.5, 4.0),
        "max_grad_norm": LogFloat(0.3, 3.0),
        "reward_scale": LogFloat(0.01, 1.0),
    }

    @classmethod
    def model_class(cls) -> "type[BatchedPPO]":
        from rl_baselines.batched_ppo.algorithm import BatchedPPO

        return BatchedPPO

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        parameters = {name: parameter for name, parameter in super().parameters().items() if name not in NOT_SET}
        for name, choices in CHOICES.items():
            parameters[name] = dataclasses.replace(parameters[name], choices=choices)
        return parameters

    @classmethod
    def policy_parameters(cls) -> list[str]:
        return [
            "net_arch",
            "activation_fn",
            "ortho_init",
            "log_std_init",
            "features_extractor_class",
            "features_extractor_kwargs",
            "normalize_images",
            "optimizer_class",
            "optimizer_kwargs",
        ]

    @classmethod
    def inherited_hyperparams(cls, saved: Mapping[str, Any], state: Mapping[str, Any] | None) -> dict[str, Any]:
        """A policy that has learned by imitation goes on by rewards."""
        return {**super().inherited_hyperparams(saved, state), "imitation_coef": 0.0}

    @classmethod
    def translated(cls, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        return translated(values, where)

    @classmethod
    def _constructor_arguments(cls, hyperparams: Mapping[str, Any], env: "VecEnv", training: bool) -> dict[str, Any]:
        arguments = super()._constructor_arguments(hyperparams, env, training)
        if not training:
            return {**arguments, "acting_only": True, "random_initial_ages": False, "symmetry": "off", "rnd": None}
        if hyperparams.get("nminibatches") is not None:
            check_number_of_minibatches(
                arguments.get("n_steps", cls.parameters()["n_steps"].default),
                env.num_envs,
                hyperparams["nminibatches"],
                recurrent=hyperparams.get("rnn_type") is not None,
            )
        return arguments

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
        values = cls.translated(hyperparams, cls.model_class().__name__)
        return super().make_model(
            env, values, seed=seed, device=device, tensorboard_log=tensorboard_log, training=training
        )

    @classmethod
    def save_state(cls, model: "BaseAlgorithm") -> dict[str, Any]:
        return {**super().save_state(model), "algorithm": model.save_state()}  # type: ignore[attr-defined]

    @classmethod
    def load_state(cls, model: "BaseAlgorithm", state: Mapping[str, Any]) -> None:
        super().load_state(model, state)
        model.load_state(state["algorithm"])  # type: ignore[attr-defined]

    @classmethod
    def load_common_state(cls, model: "BaseAlgorithm", state: Mapping[str, Any]) -> None:
        from rl_baselines.model_state import parts

        parts.load_counters(model, {name: state["counters"][name] for name in cls.counters})
        parts.load_episodes(model, state["episodes"])
        model.load_common_state(state["algorithm"])  # type: ignore[attr-defined]
