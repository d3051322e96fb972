"""Any world's spaces in the form that algorithms take, the same elements written another way.

========================================  =====================================================
a world has                               algorithms get
========================================  =====================================================
Dict in a Dict, Tuple                     one Dict; ``a:b`` is ``b`` in ``a``, ``0`` a Tuple's first
Discrete, MultiDiscrete that start at k   the same from 0
MultiDiscrete, MultiBinary of two axes    one axis
a Box without axes                        one axis of length 1
an image ``(C, H, W)`` of 1, 3 or 4       ``(H, W, C)``, as all images are here
uint8 of three axes, said to be no image  one axis, which SB3 takes for no image either
========================================  =====================================================
"""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from rl_baselines.vec_envs.images import looks_like_image, told_images
from rl_baselines.vec_envs.leaves import joined, path_of
from srl3.errors import UserError
from srl3.spaces import ROOT, Space

SEPARATOR = ":"
_CHANNELS = (1, 3, 4)

Change = Callable[[Any], np.ndarray]


def with_plain_spaces(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """``env`` with spaces that algorithms take; itself where it has them already.

    Raises:
        UserError: for spaces that have no such form.
    """
    wrapped = PlainSpaces(env)
    unchanged = wrapped.observation_space is env.observation_space and wrapped.action_space is env.action_space
    return env if unchanged else wrapped


class PlainSpaces(gym.Wrapper[Any, Any, Any, Any]):
    """A world whose observations and actions are rewritten as the table above says."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        told = told_images(env)
        self._leaves = {
            key: (path, *_plain_leaf(leaf, told is None or path_of(key) in told))
            for key, path, leaf in _walk(env.observation_space, ())
        }
        if not isinstance(env.observation_space, spaces.Dict | spaces.Tuple):
            self.observation_space = self._leaves[ROOT][1]
        elif set(self._leaves) != set(_keys(env.observation_space)) or any(
            leaf is not env.observation_space[path[0]] for path, leaf, _ in self._leaves.values()
        ):
            self.observation_space = spaces.Dict({key: leaf for key, (_, leaf, _) in self._leaves.items()})
        self.action_space, self._action = _plain_action(env.action_space)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        return self._rewritten(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(self._action(action))
        return self._rewritten(observation), reward, terminated, truncated, info

    def _rewritten(self, observation: Any) -> Any:
        written = {}
        for key, (path, _, change) in self._leaves.items():
            value = observation
            for part in path:
                value = value[part]
            written[key] = change(value)
        return joined(written)


def _keys(space: Space) -> list[str]:
    return list(space.spaces) if isinstance(space, spaces.Dict) else []


def _walk(space: Space, path: tuple[Any, ...]) -> list[tuple[str, tuple[Any, ...], Space]]:
    if isinstance(space, spaces.Dict):
        inner: list[tuple[Any, Space]] = list(space.spaces.items())
    elif isinstance(space, spaces.Tuple):
        inner = list(enumerate(space.spaces))
    else:
        return [(SEPARATOR.join(map(str, path)), path, space)]
    return [leaf for key, part in inner for leaf in _walk(part, (*path, key))]


def _plain_leaf(space: Space, may_be_image: bool) -> tuple[Space, Change]:
    if isinstance(space, spaces.Box):
        if not space.shape:
            return spaces.Box(space.low.reshape(1), space.high.reshape(1), (1,), _dtype(space)), _one_axis
        if looks_like_image(space) and not may_be_image:
            return spaces.Box(0, 255, (int(np.prod(space.shape)),), np.uint8), _one_axis
        if looks_like_image(space) and _channels_first(space.shape):
            return spaces.Box(0, 255, (*space.shape[1:], space.shape[0]), np.uint8), _channels_last
        return space, np.asarray
    if isinstance(space, spaces.Discrete):
        if space.start == 0:
            return space, np.asarray
        return spaces.Discrete(int(space.n), dtype=_dtype(space)), _less(np.asarray(space.start))
    if isinstance(space, spaces.MultiDiscrete):
        if space.nvec.ndim == 1 and not np.any(space.start):
            return space, np.asarray
        return spaces.MultiDiscrete(space.nvec.ravel(), dtype=_dtype(space)), _less(space.start)
    if isinstance(space, spaces.MultiBinary):
        if len(space.shape) == 1:
            return space, np.asarray
        return spaces.MultiBinary(int(np.prod(space.shape))), _one_axis
    raise UserError(
        f"{type(space).__name__} observations are not supported; use Box, Discrete, MultiDiscrete, MultiBinary, "
        "or a Dict or Tuple of these."
    )


def _plain_action(space: Space) -> tuple[Space, Callable[[Any], Any]]:
    if isinstance(space, spaces.Box):
        if space.shape:
            return space, _itself
        flat = spaces.Box(space.low.reshape(1), space.high.reshape(1), (1,), _dtype(space))
        return flat, lambda action: np.asarray(action).reshape(())
    if isinstance(space, spaces.Discrete):
        if space.start == 0:
            return space, _itself
        start = int(space.start)
        return spaces.Discrete(int(space.n), dtype=_dtype(space)), lambda action: action + start
    if isinstance(space, spaces.MultiDiscrete):
        if space.nvec.ndim == 1 and not np.any(space.start):
            return space, _itself
        starts = space.start
        flat_counts = spaces.MultiDiscrete(space.nvec.ravel(), dtype=_dtype(space))
        return flat_counts, lambda action: np.asarray(action).reshape(starts.shape) + starts
    if isinstance(space, spaces.MultiBinary):
        if len(space.shape) == 1:
            return space, _itself
        shape = space.shape
        return spaces.MultiBinary(int(np.prod(shape))), lambda action: np.asarray(action).reshape(shape)
    raise UserError(
        f"{type(space).__name__} actions are not supported; use Box, Discrete, MultiDiscrete or MultiBinary."
    )


def _dtype(space: Space) -> Any:
    assert space.dtype is not None
    return space.dtype


def _channels_first(shape: tuple[int, ...]) -> bool:
    return shape[0] in _CHANNELS and shape[-1] not in _CHANNELS


def _itself(action: Any) -> Any:
    return action


def _one_axis(value: Any) -> np.ndarray:
    return np.asarray(value).reshape(-1)


def _channels_last(image: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(image), 0, -1)


def _less(start: np.ndarray) -> Change:
    flat = start.reshape(-1) if start.ndim else start

    def change(value: Any) -> np.ndarray:
        number = np.asarray(value)
        return (number.reshape(-1) if flat.ndim else number) - flat

    return change
