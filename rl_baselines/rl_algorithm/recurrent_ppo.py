"""PPO with an LSTM policy, also ``ppo2 --policy lstm``: sb3-contrib's RecurrentPPO."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.rl_algorithm.ppo2 import PPO2Model

if TYPE_CHECKING:
    from sb3_contrib import RecurrentPPO
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


class RecurrentPPOModel(StableBaselinesRLObject):
    """PPO that remembers within an episode."""

    preset = "recurrent_ppo"
    on_policy = True
    lstm_variant = "recurrent_ppo"
    state_policy = "MlpLstmPolicy"
    image_policy = "CnnLstmPolicy"
    dict_policy = "MultiInputLstmPolicy"
    search_space = PPO2Model.search_space

    @classmethod
    def model_class(cls) -> "type[RecurrentPPO]":
        from sb3_contrib import RecurrentPPO

        return RecurrentPPO

    @classmethod
    def save_state(cls, model: "BaseAlgorithm") -> dict[str, Any]:
        lstm = [[part.cpu().numpy() for part in pair] for pair in model._last_lstm_states]  # type: ignore[attr-defined]
        return {**super().save_state(model), "lstm": lstm}

    @classmethod
    def load_state(cls, model: "BaseAlgorithm", state: Mapping[str, Any]) -> None:
        import torch
        from sb3_contrib.common.recurrent.type_aliases import RNNStates

        super().load_state(model, state)
        pairs = [tuple(torch.as_tensor(part, device=model.device) for part in pair) for pair in state["lstm"]]
        model._last_lstm_states = RNNStates(*pairs)  # type: ignore[attr-defined]

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
        from gymnasium import spaces

        model: Any = super().make_model(
            env, hyperparams, seed=seed, device=device, tensorboard_log=tensorboard_log, training=training
        )
        if isinstance(model.action_space, spaces.MultiBinary):
            # its buffer keeps them as int8, of which torch's Bernoulli distribution has no likelihood
            kept: Any = copy.copy(model.action_space)
            kept.dtype = np.dtype(np.float32)
            model.rollout_buffer.action_space = kept
            model.rollout_buffer.reset()
        return model
