"""A model built from what a checkpoint says and holds, without an environment and without a trace elsewhere."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from rl_baselines.checkpoints.archive import Checkpoint
from rl_baselines.checkpoints.load import put_parameters
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.images import ImagesFirst
from rl_baselines.vec_envs.normalizer import normalised_space
from srl3.errors import UserError
from srl3.spaces import build


class SpacesOnly(VecEnv):
    """The spaces of an environment that is not there: algorithms can be made on it, but nothing can be played.

    Args:
        observation_space: images channels last.
        action_space: of the policy.
    """

    def __init__(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        super().__init__(1, observation_space, action_space)

    def reset(self) -> VecEnvObs:
        raise RuntimeError("there is no environment here, only its spaces")

    def step_async(self, actions: np.ndarray) -> None:
        raise RuntimeError("there is no environment here, only its spaces")

    def step_wait(self) -> VecEnvStepReturn:
        raise RuntimeError("there is no environment here, only its spaces")

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        if attr_name == "render_mode":
            return [None]
        raise AttributeError(attr_name)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        raise AttributeError(attr_name)

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        raise AttributeError(method_name)

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        return [False]

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        return [seed]


def model_on_spaces(checkpoint: Checkpoint, device: str, seed: int) -> BaseAlgorithm:
    """The algorithm of ``checkpoint`` with its weights, on its spaces alone. Draws from the process's generators.

    Args:
        checkpoint: from `load_checkpoint`.
        device: torch device.
        seed: of the model.

    Raises:
        UserError: when the algorithm or device is not there, or the weights do not fit.
    """
    info = checkpoint.info
    algorithm = find_algo(info.algo).load_class(info.policy)
    observation_space, action_space = build(info.observation_space), build(info.action_space)
    images = _known_images(checkpoint.path, info.images)
    if checkpoint.state["normalize"] is not None:
        observation_space = normalised_space(observation_space, images)
    env = ImagesFirst(SpacesOnly(observation_space, action_space), images)
    model = algorithm.make_model(env, info.hyperparams, seed=seed, device=device, training=False)
    put_parameters(checkpoint, model)
    model.env = None
    return model


def _known_images(path: Any, images: Collection[str]) -> Collection[str]:
    nested = sorted(image for image in images if "/" in image)
    if nested:
        raise UserError(f"{path} observes images in a Dict within a Dict ({nested[0]}), which no algorithm takes.")
    return images
