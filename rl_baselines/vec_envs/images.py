"""Images from channels last, as worlds give them, to channels first, as convolutions take them."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecTransposeImage
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from srl3.spaces import ROOT, join


def channels_first_space(space: spaces.Space[Any], images: Collection[str]) -> spaces.Space[Any]:
    """``space`` with its images ``(H, W, C)`` as ``(C, H, W)``.

    Args:
        space: a Box, or a Dict.
        images: their paths (`srl3.spaces.leaves`): keys of a Dict, ``""`` for a Box.
    """
    if isinstance(space, spaces.Dict):
        parts = {
            key: channels_first_space(part, [ROOT] if join(ROOT, key) in images else []) for key, part in space.items()
        }
        return spaces.Dict(parts)
    if ROOT not in images:
        return space
    assert isinstance(space, spaces.Box)
    return spaces.Box(_first(space.low), _first(space.high), dtype=space.dtype)


def channels_first(observations: Any, images: Collection[str]) -> Any:
    """Observations whose images ``(…, H, W, C)`` are views of shape ``(…, C, H, W)``; the rest is as it was."""
    if not images:
        return observations
    if isinstance(observations, Mapping):
        return {key: _first(values) if join(ROOT, key) in images else values for key, values in observations.items()}
    return _first(observations)


class ImagesFirst(VecTransposeImage):
    """A `VecEnv` whose images are channels first; which of its observations are images is told, never guessed.

    Stable-Baselines3 adds no transposition of its own around it.

    Args:
        venv: its images are channels last.
        images: their paths (`srl3.spaces.leaves`): keys of a Dict, ``""`` for a Box.
    """

    def __init__(self, venv: VecEnv, images: Collection[str]) -> None:
        VecEnvWrapper.__init__(self, venv, observation_space=channels_first_space(venv.observation_space, images))
        self.images = frozenset(images)
        self.skip = not images

    def transpose_observations(self, observations: np.ndarray | dict[str, Any]) -> np.ndarray | dict[str, Any]:
        return channels_first(observations, self.images)

    def step_wait(self) -> VecEnvStepReturn:
        return super().step_wait() if self.images else self.venv.step_wait()


def transposed_images(venv: VecEnv) -> frozenset[str]:
    """Which images of ``venv`` some `VecTransposeImage` around it makes channels first, by path."""
    found: set[str] = set()
    layer = venv
    while isinstance(layer, VecEnvWrapper):
        if isinstance(layer, ImagesFirst):
            found |= layer.images
        elif isinstance(layer, VecTransposeImage) and not layer.skip:
            keyed = isinstance(layer.observation_space, spaces.Dict)
            found |= {join(ROOT, key) for key in layer.image_space_keys} if keyed else {ROOT}
        layer = layer.venv
    return frozenset(found)


def _first(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -1, -3)
