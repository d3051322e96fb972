"""PPO with an LSTM policy, also ``ppo2 --policy lstm``: sb3-contrib's RecurrentPPO."""

from typing import TYPE_CHECKING

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.rl_algorithm.ppo2 import PPO2Model

if TYPE_CHECKING:
    from sb3_contrib import RecurrentPPO


class RecurrentPPOModel(StableBaselinesRLObject):
    """PPO that remembers within an episode."""

    preset = "recurrent_ppo"
    on_policy = True
    lstm_variant = "recurrent_ppo"
    state_policy = "MlpLstmPolicy"
    image_policy = "CnnLstmPolicy"
    search_space = PPO2Model.search_space

    @classmethod
    def model_class(cls) -> "type[RecurrentPPO]":
        from sb3_contrib import RecurrentPPO

        return RecurrentPPO
