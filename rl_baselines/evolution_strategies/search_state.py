"""The state of a ``cma.CMAEvolutionStrategy`` as plain numbers and arrays, so that it can be kept without pickle."""

from typing import Any

import cma
import numpy as np
from cma.utilities.utils import ElapsedWCTime

_PARTS = ("", "sm", "adapt_sigma", "sigma_vec", "fit")
"""The objects that change from generation to generation: the strategy itself and these attributes of it."""
_REBUILT = {
    "": {"C", "B", "D", "dC", "ary", "pop_sorted", "pop", "x0", "mean0", "number_of_solutions_asked", "_flgtelldone"},
    "sm": {"_mueff", "_lam"},
}
"""What follows from the rest, belongs to a generation in progress, or never changes."""


def capture(search: "cma.CMAEvolutionStrategy") -> dict[str, Any]:
    """Numbers, arrays and lists of these by dotted name, as they are before ``ask``."""
    state = {}
    for part in _PARTS:
        owner = getattr(search, part) if part else search
        for name, value in vars(owner).items():
            if name not in _REBUILT.get(part, ()) and _is_plain(value):
                state[f"{part}.{name}"] = _copy(value)
    return state


def restore(search: "cma.CMAEvolutionStrategy", state: dict[str, Any]) -> None:
    """Bring a new strategy of the same size and options to the captured state."""
    for path, value in state.items():
        part, _, name = path.partition(".")
        owner = getattr(search, part) if part else search
        setattr(owner, name, _copy(value))
    search._updateBDfromSM(search.sm)
    search.timer = ElapsedWCTime()  # which `ask` makes only in the first generation


def _is_plain(value: Any) -> bool:
    if isinstance(value, range):
        return True
    if type(value) is list:  # of numbers, or of directions that the next generation tries
        return all(_is_number(item) or isinstance(item, np.ndarray) for item in value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "bif"
    return _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | np.bool_ | np.integer)


def _copy(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | range):
        return [_copy(item) for item in value]
    return value.copy(order="K") if isinstance(value, np.ndarray) else value  # the layout decides how sums are rounded
