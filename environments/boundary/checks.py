"""Whether a world gives what it declares: looked at in the first reset and the first step of each environment.

A mistake here is that of the world's author, so it is a `UserError` that names what was declared and what came.
"""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from gymnasium import spaces

from srl3.errors import UserError

_OLDER = re.compile(r"values? to unpack|cannot unpack|unexpected keyword argument '(seed|options)'")
_TODAY = {
    "reset": "reset(seed=None, options=None) and give (observation, info)",
    "step": "step(action) and give (observation, reward, terminated, truncated, info)",
}


@contextmanager
def interface_is_todays(env_id: str, method: str) -> Iterator[None]:
    """In the block, which calls ``reset`` or ``step`` of a world, one of the interface before Gymnasium 0.26 is named.

    Raises:
        UserError: when Gymnasium's own code or SRL3's can't pass on what the world takes or gives.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        caller = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if caller not in ("gymnasium", "environments") or not _OLDER.search(str(error)):
            raise
        raise UserError(
            f"{method} of {env_id} is of the interface before Gymnasium 0.26 ({error}); it must be {_TODAY[method]}."
        ) from error


def check_picture(env_id: str, picture: Any, shape: tuple[int, ...] | None) -> None:
    """Raise `UserError` unless ``picture`` is a uint8 image of this shape (None: of any with three axes)."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        came = f"{picture.dtype}, {_range(picture)}" if isinstance(picture, np.ndarray) else type(picture).__name__
        advice = ""
        if isinstance(picture, np.ndarray) and picture.dtype.kind == "f" and picture.size and picture.max() <= 1:
            advice = "; multiply by 255 and convert with astype(np.uint8)"
        raise UserError(f"pictures of {env_id} must be uint8 arrays, 0 to 255, but get_image gave {came}{advice}.")
    if picture.shape != shape if shape is not None else picture.ndim != 3:
        declared = f"of shape {shape}" if shape is not None else "height x width x channels"
        raise UserError(f"pictures of {env_id} are declared {declared}, but get_image gave shape {picture.shape}.")


def check_vector(env_id: str, values: Any, size: int, name: str) -> None:
    """Raise `UserError` unless the method ``name`` gave ``(size,)`` finite numbers, as ``name + _dim()`` says."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        came = f"an array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        raise UserError(f"{name}() of {env_id} must give an array of {size} numbers (float32), but it gave {came}.")
    if values.shape != (size,):
        raise UserError(f"{name}_dim() of {env_id} declares shape ({size},), but {name}() gave shape {values.shape}.")
    if not np.isfinite(values).all():
        raise UserError(f"{name}() of {env_id} must give finite numbers, but it gave {values}.")


def check_observation(env_id: str, observation: Any, space: spaces.Space[Any], what: str = "an observation") -> None:
    """Raise `UserError` unless ``observation`` has the shape and kind of ``space``, is finite and lies in it."""
    if isinstance(space, spaces.Dict):
        if not isinstance(observation, dict) or set(observation) != set(space.spaces):
            came = f"the parts {sorted(observation)}" if isinstance(observation, dict) else type(observation).__name__
            raise UserError(f"{env_id} declares observations of {sorted(space.spaces)}, but {what} has {came}.")
        for name, part in space.items():
            check_observation(env_id, observation[name], part, f"{what}'s {name}")
        return
    if isinstance(space, spaces.Tuple):
        if not isinstance(observation, tuple) or len(observation) != len(space.spaces):
            raise UserError(f"{env_id} declares {len(space.spaces)} observations, but {what} is {observation!r}.")
        for number, part in enumerate(space.spaces):
            check_observation(env_id, observation[number], part, f"{what}'s part {number}")
        return
    if not isinstance(space, spaces.Box):
        if not space.contains(observation):
            raise UserError(f"{env_id} declares observations {space}, but {what} is {observation!r}.")
        return
    if not isinstance(observation, np.ndarray):
        raise UserError(f"{env_id} declares observations {space}, but {what} is a {type(observation).__name__}.")
    if observation.shape != space.shape:
        raise UserError(f"{env_id} declares observations of shape {space.shape}, but {what} has {observation.shape}.")
    declared, came = space.dtype, observation.dtype
    if not np.can_cast(came, declared, "same_kind"):
        raise UserError(
            f"{env_id} declares observations of {declared}, but {what} is of {came}, {_range(observation)}."
        )
    if came.kind == "f" and not np.isfinite(observation).all():
        raise UserError(f"observations of {env_id} must be finite, but {what} holds {_not_finite(observation)}.")
    if not ((observation >= space.low) & (observation <= space.high)).all():
        bounds = f"[{space.low.min():g}, {space.high.max():g}]"
        raise UserError(f"{env_id} declares observations in {bounds}, but {what} lies outside, {_range(observation)}.")


def check_reward(env_id: str, reward: Any, terms: dict[str, Any]) -> None:
    """Raise `UserError` unless the reward and its terms are finite numbers."""
    for name, value in {
        "the reward": reward,
        **{f"the reward's term {name}": term for name, term in terms.items()},
    }.items():
        number = np.asarray(value)
        if number.shape != () or number.dtype.kind not in "fiub":
            raise UserError(f"{name} of {env_id} must be one number, but it is {value!r}.")
        if not np.isfinite(number):
            raise UserError(f"{name} of {env_id} must be finite, but it is {value}.")


def _range(values: np.ndarray) -> str:
    return f"{values.min():g} to {values.max():g}" if values.size else "empty"


def _not_finite(values: np.ndarray) -> str:
    return str(values[~np.isfinite(values)].reshape(-1)[0])
