"""What a run needs, besides its networks, to go on bit for bit where it stopped."""

from collections.abc import Mapping
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from rl_baselines.base_classes import BaseRLObject
from rl_baselines.vec_envs.create import restore_vec_env_state, vec_env_state


def training_state(algorithm: type[BaseRLObject], model: BaseAlgorithm) -> dict[str, Any]:
    """What the algorithm says that its model needs, and the environments in progress: a tree of plain values."""
    assert model.env is not None
    return {**algorithm.save_state(model), "envs": vec_env_state(model.env)}


def restore_training_state(algorithm: type[BaseRLObject], model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Bring ``model``, rebuilt with its networks and environment, to where `training_state` was taken.

    At the start of the first rollout, the algorithm's ``enter_rollout`` does the rest.
    """
    assert model.env is not None
    restore_vec_env_state(model.env, state["envs"])
    algorithm.load_state(model, state)
