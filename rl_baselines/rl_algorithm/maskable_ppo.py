"""PPO that never draws an action that its environment forbids (arXiv:2006.14171): sb3-contrib's MaskablePPO."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.hyperparams.action_types import ActionType
from rl_baselines.rl_algorithm.ppo2 import PPO2Model
from srl3.errors import UserError

if TYPE_CHECKING:
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv


class MaskablePPOModel(StableBaselinesRLObject):
    """PPO for environments that say which discrete actions are allowed, by a method ``action_masks()``."""

    preset = "maskable_ppo"
    actions = (ActionType.DISCRETE, ActionType.MULTI_DISCRETE, ActionType.MULTI_BINARY)
    on_policy = True
    search_space = PPO2Model.search_space

    @classmethod
    def model_class(cls) -> "type[MaskablePPO]":
        from sb3_contrib import MaskablePPO

        return MaskablePPO

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
        from sb3_contrib.common.maskable.utils import is_masking_supported

        if training and not is_masking_supported(env):
            raise UserError("maskable_ppo needs an environment with action_masks(), which this one lacks; use ppo2.")
        return super().make_model(
            env, hyperparams, seed=seed, device=device, tensorboard_log=tensorboard_log, training=training
        )
