"""The check that every action passes before it reaches a world."""

import math
from functools import cache
from typing import Any

import numpy as np
from gymnasium import spaces

ROUNDING = 4 * np.finfo(np.float32).eps
"""Actions this little outside of a box, relative to its bound, are taken for rounding and put on the bound."""


def checked_actions(env_id: str, space: spaces.Space[Any], actions: Any, count: int | None = None) -> np.ndarray:
    """The actions of ``count`` robots (None: of one, without a first axis), as the action space has them.

    Args:
        env_id: of the world, for error messages.
        space: Box, Discrete, MultiDiscrete or MultiBinary: the action space of one robot.
        actions: anything that NumPy takes for an array.
        count: how many robots.

    Raises:
        ValueError: when one is outside of the space, NaN included, or there are not so many.
    """
    given = np.asarray(actions)
    first = () if count is None else (count,)
    if isinstance(space, spaces.Discrete):
        start, stop = space.start, space.start + space.n
        if given.shape != first or given.dtype.kind not in "iu" or given.min() < start or given.max() >= stop:
            many = "" if count is None else f"{count} "
            raise ValueError(f"{env_id} takes {many}actions {start} to {stop - 1}, not {actions!r}")
        return given
    shape = (*first, *(space.shape or ()))
    if isinstance(space, spaces.Box):
        return _in_box(env_id, space, given, shape, count)
    lows, highs = (space.start, space.start + space.nvec - 1) if isinstance(space, spaces.MultiDiscrete) else (0, 1)
    if given.shape != shape or given.dtype.kind not in "iub" or not ((given >= lows) & (given <= highs)).all():
        raise ValueError(f"{env_id} takes actions of shape {shape} from {space}, not {actions!r}")
    return given


def checked_tensors(env_id: str, space: spaces.Space[Any], actions: Any, count: int) -> Any:
    """`checked_actions` for torch tensors ``(count, ...)``, on the device that they are on."""
    import torch

    if actions.device.type == "cpu":  # NumPy has less to do for each operation on few numbers
        known = actions.float() if actions.dtype == torch.bfloat16 else actions
        return torch.from_numpy(checked_actions(env_id, space, known.numpy(force=True), count))
    shape = (count, *(space.shape or ()))
    if tuple(actions.shape) != shape:
        raise ValueError(f"{env_id} takes actions of shape {shape}, not {tuple(actions.shape)}")
    if isinstance(space, spaces.Box):
        lows, highs = _bounds_of(space.low.tobytes(), space.high.tobytes(), str(space.dtype), shape[1:], actions.device)
    elif isinstance(space, spaces.Discrete):
        lows = torch.as_tensor(int(space.start), device=actions.device)
        highs = lows + int(space.n) - 1
    elif isinstance(space, spaces.MultiDiscrete):
        lows = torch.as_tensor(space.start, device=actions.device)
        highs = lows + torch.as_tensor(space.nvec, device=actions.device) - 1
    else:
        lows, highs = torch.zeros((), device=actions.device), torch.ones((), device=actions.device)
    clipped = actions.clamp(lows, highs)
    if clipped.dtype == actions.dtype and torch.equal(clipped, actions):  # false for NaN
        return clipped
    if not ((clipped - actions).abs() <= ROUNDING * clipped.abs()).all():  # false for NaN
        raise ValueError(f"{env_id} takes actions from {space}; one is outside or not a number")
    return clipped


@cache
def _bounds_of(low: bytes, high: bytes, dtype: str, shape: tuple[int, ...], device: Any) -> tuple[Any, Any]:
    """Both ends of a box as tensors, made once: a copy to a GPU in every step would have it wait."""
    import torch

    lows, highs = (torch.from_numpy(np.frombuffer(part, dtype).reshape(shape).copy()) for part in (low, high))
    return lows.to(device), highs.to(device)


def _in_box(env_id: str, space: spaces.Box, given: np.ndarray, shape: tuple[int, ...], count: int | None) -> np.ndarray:
    """``given`` in the box's type, a copy."""
    if given.shape == shape and given.dtype.kind in "iufb":
        values = given.astype(space.dtype)
        if ((values >= space.low) & (values <= space.high)).all():
            return values
        clipped = np.clip(values, space.low, space.high)
        if (np.abs(clipped - values) <= ROUNDING * np.abs(clipped)).all():  # false for NaN
            return clipped
    number = f"{math.prod(shape)} numbers" if count is None else f"numbers of shape {shape}"
    raise ValueError(f"{env_id} takes {number} in [{space.low.min():g}, {space.high.max():g}], not {given!r}")
