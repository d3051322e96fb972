"""The registry of algorithms: one line to add one."""

import importlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from rl_baselines.hyperparams.action_types import ALL_ACTIONS, ActionType, action_type_of
from srl3.errors import UserError, unknown_name

if TYPE_CHECKING:
    from gymnasium import spaces

    from rl_baselines.base_classes import BaseRLObject


class AlgoType(Enum):
    """What an algorithm learns by."""

    REINFORCEMENT_LEARNING = "reinforcement learning"
    EVOLUTION_STRATEGIES = "evolution strategies"
    OTHER = "other"


@dataclass(frozen=True)
class RegisteredRL:
    """An algorithm by import path, so that listing it loads no library.

    Args:
        entry_point: ``module:class`` of its `BaseRLObject`.
        algo_type: what it learns by.
        actions: the kinds of action space that it takes.
    """

    entry_point: str
    algo_type: AlgoType
    actions: tuple[ActionType, ...]

    def load_class(self, policy: str = "feedforward") -> "type[BaseRLObject]":
        """The class behind the entry (its library is imported when a model is built).

        Args:
            policy: ``feedforward``, or ``lstm`` for its variant with a recurrent network.

        Raises:
            UserError: when it has no such policy, naming the algorithms that have.
        """
        module, _, name = self.entry_point.partition(":")
        algorithm: type[BaseRLObject] = getattr(importlib.import_module(module), name)
        if policy not in POLICIES:
            raise unknown_name("policy", policy, POLICIES)
        if policy == "feedforward":
            return algorithm
        if algorithm.lstm_variant is None:
            able = [other for other, entry in registered_rl.items() if entry.load_class().lstm_variant]
            raise UserError(f"{algorithm.model_class().__name__} has no lstm policy; use --algo {', '.join(able)}.")
        return registered_rl[algorithm.lstm_variant].load_class()


POLICIES = ("feedforward", "lstm")
"""kinds of network that ``--policy`` may ask for"""

_RL = AlgoType.REINFORCEMENT_LEARNING
_ES = AlgoType.EVOLUTION_STRATEGIES
_DISCRETE = (ActionType.DISCRETE,)
_CONTINUOUS = (ActionType.CONTINUOUS,)
_BOTH = (ActionType.DISCRETE, ActionType.CONTINUOUS)
_MASKED = (ActionType.DISCRETE, ActionType.MULTI_DISCRETE, ActionType.MULTI_BINARY)
_FOLDER = "rl_baselines.rl_algorithm"
_BATCHED_PPO = "rl_baselines.batched_ppo"

registered_rl: dict[str, RegisteredRL] = {
    "ppo2": RegisteredRL(f"{_FOLDER}.ppo2:PPO2Model", _RL, ALL_ACTIONS),
    "ppo": RegisteredRL(f"{_FOLDER}.ppo2:PPO2Model", _RL, ALL_ACTIONS),
    "a2c": RegisteredRL(f"{_FOLDER}.a2c:A2CModel", _RL, ALL_ACTIONS),
    "dqn": RegisteredRL(f"{_FOLDER}.dqn:DQNModel", _RL, _DISCRETE),
    "deepq": RegisteredRL(f"{_FOLDER}.dqn:DQNModel", _RL, _DISCRETE),
    "ddpg": RegisteredRL(f"{_FOLDER}.ddpg:DDPGModel", _RL, _CONTINUOUS),
    "td3": RegisteredRL(f"{_FOLDER}.td3:TD3Model", _RL, _CONTINUOUS),
    "sac": RegisteredRL(f"{_FOLDER}.sac:SACModel", _RL, _CONTINUOUS),
    "trpo": RegisteredRL(f"{_FOLDER}.trpo:TRPOModel", _RL, ALL_ACTIONS),
    "ars": RegisteredRL("rl_baselines.evolution_strategies.ars:ARSModel", _ES, _BOTH),
    "qrdqn": RegisteredRL(f"{_FOLDER}.qrdqn:QRDQNModel", _RL, _DISCRETE),
    "tqc": RegisteredRL(f"{_FOLDER}.tqc:TQCModel", _RL, _CONTINUOUS),
    "crossq": RegisteredRL(f"{_FOLDER}.crossq:CrossQModel", _RL, _CONTINUOUS),
    "recurrent_ppo": RegisteredRL(f"{_FOLDER}.recurrent_ppo:RecurrentPPOModel", _RL, ALL_ACTIONS),
    "maskable_ppo": RegisteredRL(f"{_FOLDER}.maskable_ppo:MaskablePPOModel", _RL, _MASKED),
    "batched_ppo": RegisteredRL(f"{_BATCHED_PPO}.registered:BatchedPPOModel", _RL, _BOTH),
    "rsl_ppo": RegisteredRL(f"{_BATCHED_PPO}.registered:BatchedPPOModel", _RL, _BOTH),
    "cma-es": RegisteredRL("rl_baselines.evolution_strategies.cma_es:CMAESModel", _ES, _BOTH),
    "distillation": RegisteredRL("rl_baselines.distillation.registered:DistillationModel", AlgoType.OTHER, _BOTH),
    "random_agent": RegisteredRL(f"{_FOLDER}.random_agent:RandomAgentModel", AlgoType.OTHER, ALL_ACTIONS),
}

retired_rl: dict[str, str] = {
    "acer": "acer did not outlive TensorFlow 1 and is not in SRL3; the nearest is qrdqn "
    "(off-policy, discrete) or ppo2 (on-policy).",
    "acktr": "acktr did not outlive TensorFlow 1 and is not in SRL3; the nearest is trpo (also a natural gradient) "
    "or a2c.",
    "ppo_lstm": "ppo_lstm is recurrent_ppo here; write --algo recurrent_ppo, or batched_ppo with rnn_type:lstm.",
    "her": "her is a replay buffer of sac, td3 or ddpg: --algo sac --hyperparam replay_buffer_class:HerReplayBuffer.",
    "ppo1": "ppo1 was PPO over MPI and is not in SRL3; use ppo2, with --num-cpu for several environments.",
}
"""Algorithms of the S-RL Toolbox and rl-zoo3 that can't be asked for here, with the sentence that names the nearest."""


def find_algo(name: str) -> RegisteredRL:
    """The entry of ``name``.

    Raises:
        UserError: for an unknown name (with close matches) or a retired one (with the nearest registered one).
    """
    if name in retired_rl:
        raise UserError(retired_rl[name])
    if name not in registered_rl:
        raise unknown_name("algorithm", name, registered_rl)
    return registered_rl[name]


def check_action_type(name: str, *, continuous: bool, has_both: bool = True) -> None:
    """Refuse an algorithm that can't take this kind of action.

    Args:
        name: the algorithm.
        continuous: what the world's actions are.
        has_both: whether ``-c`` decides that; a world with one kind alone has no use for it.

    Raises:
        UserError: naming algorithms that can.
    """
    wanted = ActionType.CONTINUOUS if continuous else ActionType.DISCRETE
    advice = "leave out -c, or " if continuous else "add -c, or "
    _check(name, wanted, advice if has_both else "")


def check_action_space(name: str, space: "spaces.Space[Any]") -> None:
    """Refuse an algorithm that can't take the actions of this space.

    Raises:
        UserError: naming algorithms that can.
    """
    _check(name, action_type_of(space), "")


def _check(name: str, wanted: ActionType, advice: str) -> None:
    if wanted in find_algo(name).actions:
        return
    able = ", ".join(other for other, entry in registered_rl.items() if wanted in entry.actions)
    raise UserError(f"{name} takes no {wanted.value} actions; {advice}use one of {able}.")
