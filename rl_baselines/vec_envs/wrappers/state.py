"""What a wrapper from elsewhere needs to go on: its attributes, where all of them are plain values.

A wrapper that knows better has ``save_state() -> tree`` and ``load_state(tree)``, a tree being what `srl3.tree` stores.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

_OF_GYMNASIUM = ("env", "_action_space", "_observation_space", "_metadata", "_cached_spec", "_saved_kwargs")
_OF_SB3 = ("venv", "num_envs", "class_attributes", "reset_infos", "_seeds", "_options", "render_mode", "metadata")
_NOT_STATE = (*_OF_GYMNASIUM, *_OF_SB3)
_PLAIN = (bool, int, float, str, type(None), np.generic)


class _NotPlain(Exception):
    """Something that can't be told in plain values."""


def save(wrapper: Any) -> dict[str, Any] | None:
    """Its state as a tree; None where it holds what can't be told in plain values."""
    if hasattr(wrapper, "save_state"):
        return {"own": wrapper.save_state()}
    try:
        return {"attributes": {name: _plain(value) for name, value in _attributes(wrapper).items()}}
    except _NotPlain:
        return None


def load(wrapper: Any, state: Mapping[str, Any] | None) -> bool:
    """Go on from what `save` gave; False where that can't be."""
    if state is None:
        return False
    if "own" in state:
        wrapper.load_state(state["own"])
        return True
    here = _attributes(wrapper)
    for name, value in state["attributes"].items():
        setattr(wrapper, name, _as(here.get(name), value))
    return True


def _attributes(wrapper: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(wrapper).items()
        if name not in _NOT_STATE and not isinstance(value, gymnasium.Space | np.dtype) and not callable(value)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.copy()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple | deque):
        return [_plain(each) for each in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(each) for key, each in value.items()}
    raise _NotPlain


def _as(here: Any, saved: Any) -> Any:
    """What was saved, as the kind of value that stands there."""
    if isinstance(here, np.random.Generator):
        here.bit_generator.state = saved
        return here
    if isinstance(here, deque):
        return deque(saved, maxlen=here.maxlen)
    if isinstance(here, tuple):
        return tuple(saved)
    if isinstance(here, np.generic):
        return type(here)(saved)
    return saved
