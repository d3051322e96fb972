"""Augmented random search (Mania et al. 2018, arXiv:1803.07055): sb3-contrib's, playing in all environments at once.

sb3-contrib's own rollouts count a step once for each environment that is still playing, keep playing in environments
that they then ignore, and go on when a callback asks to stop.
"""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import sb3_contrib
import torch
from gymnasium import spaces
from sb3_contrib.ars.policies import ARSPolicy
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.evolution_strategies.population import evaluate_population
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.hyperparams.arguments import is_dict
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat


class MultiInputPolicy(ARSPolicy):
    """sb3-contrib's policy for a Dict: images through NatureCNN, the other observations as they are."""

    def make_features_extractor(self) -> BaseFeaturesExtractor:
        assert isinstance(self.observation_space, spaces.Dict)
        return CombinedExtractor(self.observation_space)


class ARS(sb3_contrib.ARS):
    """sb3-contrib's over any number of environments; its files are the same."""

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        **sb3_contrib.ARS.policy_aliases,
        "MultiInputPolicy": MultiInputPolicy,
    }
    weights: Any
    _generator_at_update: torch.Tensor | None = None
    """torch's generator before the candidates of the update in progress were drawn"""

    def _do_one_update(self, callback: BaseCallback, async_eval: Any) -> None:
        self._generator_at_update = torch.get_rng_state()
        super()._do_one_update(callback, async_eval)
        self._generator_at_update = None

    def generator_at_update(self) -> torch.Tensor:
        """torch's generator as it was before the update in progress; as it is, between two."""
        return torch.get_rng_state() if self._generator_at_update is None else self._generator_at_update

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_generator_at_update"]

    def evaluate_candidates(self, candidate_weights: torch.Tensor, callback: BaseCallback, async_eval: Any) -> Any:
        callback.on_rollout_start()
        policy = copy.deepcopy(self.policy)
        evaluation = evaluate_population(self, policy, candidate_weights, callback, self.n_eval_episodes)
        if evaluation is None:
            raise _StopTraining(callback)
        callback.on_rollout_end()
        returns = evaluation.returns + self.alive_bonus_offset * evaluation.lengths
        return torch.as_tensor(returns, dtype=torch.float32, device=self.device)

    def learn(self, *args: Any, **kwargs: Any) -> "ARS":
        try:
            return super().learn(*args, **kwargs)
        except _StopTraining as stop:
            stop.callback.on_training_end()
            return self

    def set_parameters(self, *args: Any, **kwargs: Any) -> None:
        super().set_parameters(*args, **kwargs)
        self.weights = torch.nn.utils.parameters_to_vector(self.policy.parameters()).detach()

    def _update_current_progress_remaining(self, num_timesteps: int, total_timesteps: int) -> None:
        """Of the whole training: ARS itself forgets the steps before a training that goes on."""
        super()._update_current_progress_remaining(num_timesteps, self._total_timesteps)


class _StopTraining(Exception):
    def __init__(self, callback: BaseCallback) -> None:
        self.callback = callback


class ARSModel(StableBaselinesRLObject):
    """Random search in the space of a linear policy; with a ``net_arch`` in policy_kwargs, of an MLP."""

    preset = "ars"
    actions = (ActionType.DISCRETE, ActionType.CONTINUOUS)
    search_space = {
        "learning_rate": LogFloat(1e-3, 0.3),
        "delta_std": LogFloat(5e-3, 0.3),
        "n_delta": Choice((4, 8, 16, 32)),
        "n_top": Choice((1, 2, 4)),
    }

    @classmethod
    def model_class(cls) -> type[sb3_contrib.ARS]:
        return ARS

    @classmethod
    def save_state(cls, model: BaseAlgorithm) -> dict[str, Any]:
        assert isinstance(model, ARS)
        return {**super().save_state(model), "generator_at_update": model.generator_at_update().numpy()}

    @classmethod
    def load_state(cls, model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
        super().load_state(model, state)
        if "generator_at_update" in state:  # candidates are drawn before the rollout begins
            torch.set_rng_state(torch.as_tensor(state["generator_at_update"]))

    @classmethod
    def policy_for(
        cls, observation_space: spaces.Space[Any], policy_kwargs: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Pixels, scaled to [0, 1], go into the linear policy as one long vector, unless they are part of a Dict."""
        if is_dict(observation_space):
            return "MultiInputPolicy", {"net_arch": [], "with_bias": False, "squash_output": False, **policy_kwargs}
        is_mlp = "net_arch" in policy_kwargs or "activation_fn" in policy_kwargs
        return ("MlpPolicy" if is_mlp else "LinearPolicy"), policy_kwargs

    @classmethod
    def default_device(cls) -> str:
        return "cpu"
