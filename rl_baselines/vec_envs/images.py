"""Images from channels last, as worlds give them, to channels first, as convolutions take them.

SB3 guesses: the smallest side of a uint8 box with three axes counts as its channels, which is wrong for 48x48 images
of 16 stacked frames. Here a world says which of its observations are images, and SB3 gets them in a form in which
nothing is left to guess.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecNormalize, VecTransposeImage
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from environments.config import PIXELS
from rl_baselines.vec_envs.leaves import layers, space_leaves
from srl3.spaces import ROOT, Description, describe, join

IMAGE_PATHS = "image_paths"
"""attribute of a world, and of a `VecEnv`, that names its images by path: a collection of strings"""


def is_image(description: Description) -> bool:
    """Whether a described space (`srl3.spaces.describe`) is one image, by the world's word."""
    return bool(description.get("image"))


def looks_like_image(space: spaces.Space[Any]) -> bool:
    """Whether a space is ``(H, W, C) uint8`` from 0 to 255: what images are where a world does not say."""
    return is_image_space(space, check_channels=False)


def world_images(world: Any) -> frozenset[str]:
    """Paths of the images among a single world's observations (which hold no Dict in a Dict).

    A world's ``image_paths`` says it, a collection of paths; else a world of SRL3 says it by ``srl_model``; and of a
    Dict, or of another world's observation, the uint8 boxes with three axes are images.
    """
    told = told_images(world)
    if told is not None:
        return told
    space = world.observation_space
    config = getattr(world.unwrapped, "config", None)
    if config is not None and hasattr(config, "srl_model") and not isinstance(space, spaces.Dict):
        return frozenset([ROOT] if config.srl_model == PIXELS and looks_like_image(space) else [])
    return frozenset(path for path, leaf in space_leaves(space).items() if looks_like_image(leaf))


def told_images(world: Any) -> frozenset[str] | None:
    """What a single world says of its images; None where it says nothing."""
    told = getattr(world.unwrapped, IMAGE_PATHS, None)
    return None if told is None else frozenset(told)


def image_paths(venv: VecEnv) -> frozenset[str]:
    """Paths of the images that ``venv`` observes, in the word of its outermost layer that says so."""
    for layer in layers(venv):
        told = vars(layer).get(IMAGE_PATHS)
        if told is not None:
            return frozenset(told)
    space, config = layer.observation_space, getattr(layer, "config", None)
    if config is not None and hasattr(config, "srl_model") and not isinstance(space, spaces.Dict):
        return frozenset([ROOT] if config.srl_model == PIXELS else [])
    return frozenset(path for path, leaf in space_leaves(space).items() if looks_like_image(leaf))


def raw_observation_space(venv: VecEnv) -> spaces.Space[Any]:
    """The observation space as the world and the stack give it: channels last, nothing normalised."""
    for layer in layers(venv):
        if not isinstance(layer, VecTransposeImage | VecNormalize):
            break
    space: spaces.Space[Any] = layer.observation_space
    return space


def describe_observations(venv: VecEnv) -> Description:
    """`raw_observation_space` as checkpoints say it, images marked."""
    return describe(raw_observation_space(venv), image_paths(venv))


def as_sb3(venv: VecEnv) -> VecEnv:
    """``venv`` with its images channels first, as SB3's algorithms want them; the same where there is none.

    Calling it again changes nothing.
    """
    images = image_paths(venv)
    if not images or any(isinstance(layer, VecTransposeImage) for layer in layers(venv)):
        return venv
    return ImagesFirst(venv, images)


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
