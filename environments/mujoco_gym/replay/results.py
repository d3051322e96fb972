"""What recorded functions return: tensors, and mappings and sequences of such."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch


def parts(result: Any, name: str) -> list[tuple[str, np.ndarray]]:
    """Copies of a result's tensors, by words for them."""
    if isinstance(result, torch.Tensor):
        return [(name, result.numpy(force=True).copy())]
    if isinstance(result, Mapping):
        return [part for key, value in result.items() for part in parts(value, f"{name}.{key}")]
    if isinstance(result, list | tuple):
        names = getattr(result, "_fields", range(len(result)))
        return [part for key, value in zip(names, result, strict=True) for part in parts(value, f"{name}.{key}")]
    return []


def copier(result: Any) -> Callable[[], Any]:
    """What copies the tensors of a result as they are when it is called."""
    if isinstance(result, torch.Tensor):
        if result.device.type != "cpu":
            return result.clone
        array = result.numpy()
        return lambda: torch.from_numpy(array.copy("K"))
    if isinstance(result, Mapping):
        by_name = {name: copier(part) for name, part in result.items()}
        return lambda: {name: copier() for name, copier in by_name.items()}
    if isinstance(result, list | tuple):
        parts = [copier(part) for part in result]
        made = getattr(type(result), "_make", type(result))
        return lambda: made(copier() for copier in parts)
    return lambda: result
