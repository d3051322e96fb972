"""The few array operations that NumPy and torch spell differently."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch

Array = Any
"""A NumPy array or a torch tensor, as the world's ``array_kind`` says."""
Kind = Literal["float64", "float32", "int64", "bool"]


class Arrays(Protocol):
    """Makes arrays of one kind, on one device."""

    def zeros(self, shape: Sequence[int], kind: Kind) -> Array:
        """Zeros of this type."""

    def arange(self, stop: int) -> Array:
        """``(stop,) int64``: 0, 1, …"""

    def nonzero(self, mask: Array) -> Array:
        """``(K,) int64``: where ``mask (N,) bool`` is True."""

    def of(self, values: Any) -> Array:
        """``values`` (an array of either kind, or a list) as an array of this kind, of the same type."""

    def to_numpy(self, values: Array) -> np.ndarray:
        """The same values as a NumPy array, on the CPU."""

    def all_to_numpy(self, *values: Array) -> list[np.ndarray]:
        """`to_numpy` of each; a GPU is waited for once."""

    def copy(self, values: Array) -> Array:
        """A copy that shares no memory."""

    def as_float(self, values: Array) -> Array:
        """The values as float32."""

    def not_finite(self, values: Array) -> bool:
        """Whether one of the values is NaN or infinite."""


class NumpyArrays:
    """`Arrays` of NumPy."""

    def zeros(self, shape: Sequence[int], kind: Kind) -> np.ndarray:
        return np.zeros(shape, kind)

    def arange(self, stop: int) -> np.ndarray:
        return np.arange(stop)

    def nonzero(self, mask: np.ndarray) -> np.ndarray:
        return np.flatnonzero(mask)

    def of(self, values: Any) -> np.ndarray:
        return np.asarray(values)

    def to_numpy(self, values: np.ndarray) -> np.ndarray:
        return values

    def all_to_numpy(self, *values: np.ndarray) -> list[np.ndarray]:
        return list(values)

    def copy(self, values: np.ndarray) -> np.ndarray:
        return values.copy()

    def as_float(self, values: Any) -> np.ndarray:
        return np.asarray(values, np.float32)

    def not_finite(self, values: np.ndarray) -> bool:
        return values.dtype.kind == "f" and not np.isfinite(values).all()


class TorchArrays:
    """`Arrays` of torch, on one device."""

    def __init__(self, device: str) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(device)

    def zeros(self, shape: Sequence[int], kind: Kind) -> "torch.Tensor":
        return self._torch.zeros(tuple(shape), dtype=getattr(self._torch, kind), device=self._device)

    def arange(self, stop: int) -> "torch.Tensor":
        return self._torch.arange(stop, device=self._device)

    def nonzero(self, mask: "torch.Tensor") -> "torch.Tensor":
        return mask.nonzero(as_tuple=True)[0]

    def of(self, values: Any) -> "torch.Tensor":
        return self._torch.as_tensor(values, device=self._device)

    def to_numpy(self, values: "torch.Tensor") -> np.ndarray:
        return values.detach().cpu().numpy()

    def all_to_numpy(self, *values: "torch.Tensor") -> list[np.ndarray]:
        if self._device.type == "cpu":
            return [self.to_numpy(each) for each in values]
        return in_one_copy(values, self._device)

    def copy(self, values: "torch.Tensor") -> "torch.Tensor":
        return values.clone()

    def as_float(self, values: Any) -> "torch.Tensor":
        return self._torch.as_tensor(values, dtype=self._torch.float32, device=self._device)

    def not_finite(self, values: "torch.Tensor") -> bool:
        return values.dtype.is_floating_point and not bool(values.isfinite().all())


def in_one_copy(values: "Sequence[torch.Tensor]", device: "torch.device") -> list[np.ndarray]:
    """Numbers below 2^53, of any types, from ``device`` to NumPy."""
    import torch

    wide = torch.cat([each.detach().reshape(-1).to(device, torch.float64) for each in values]).cpu().numpy()
    parts = np.split(wide, np.cumsum([each.numel() for each in values])[:-1])
    kinds = [str(each.dtype).removeprefix("torch.") for each in values]
    return [part.reshape(each.shape).astype(kind) for part, each, kind in zip(parts, values, kinds, strict=True)]


@cache
def arrays_of(kind: Literal["numpy", "torch"], device: str = "cpu") -> Arrays:
    """The operations for arrays of this kind on this device."""
    return NumpyArrays() if kind == "numpy" else TorchArrays(device)
