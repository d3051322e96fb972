"""Observations by leaf: one loop for worlds that observe one array and for those that observe a Dict of them.

Observations of a `VecEnv` have no Dict in a Dict (`rl_baselines.vec_envs.plain_spaces` flattens them), so a leaf has a
key: that of the Dict, or `srl3.spaces.ROOT`, the empty string, where there is none. Its path is that of
`srl3.spaces.leaves`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from srl3.spaces import ROOT, Space, join

Observations = np.ndarray | dict[str, np.ndarray]
"""of a `VecEnv`: one array ``(n_envs, *shape)``, or one for each key of its Dict"""


def keyed_leaves(space: Space) -> dict[str, Space]:
    """The leaves of an observation space by key."""
    return dict(space.spaces) if isinstance(space, spaces.Dict) else {ROOT: space}


def space_leaves(space: Space) -> dict[str, Space]:
    """The leaves of an observation space by path."""
    return {path_of(key): leaf for key, leaf in keyed_leaves(space).items()}


def path_of(key: str) -> str:
    """The path of the leaf of this key."""
    return join(ROOT, key) if key else ROOT


def with_leaves(space: Space, changed: Mapping[str, Space]) -> Space:
    """``space`` with other spaces at some keys."""
    if isinstance(space, spaces.Dict):
        return spaces.Dict({key: changed.get(key, leaf) for key, leaf in space.spaces.items()})
    return changed.get(ROOT, space)


def leaves_of(observations: Observations) -> dict[str, np.ndarray]:
    """The arrays of an observation by key; no copy."""
    return observations if isinstance(observations, dict) else {ROOT: observations}


def joined(leaves: dict[str, np.ndarray]) -> Observations:
    """The observation of these arrays, the inverse of `leaves_of`."""
    return leaves.get(ROOT, leaves)


def layers(venv: VecEnv) -> Iterator[Any]:
    """``venv`` and what it wraps, from the outermost to the environments themselves."""
    while isinstance(venv, VecEnvWrapper):
        yield venv
        venv = venv.venv
    yield venv
