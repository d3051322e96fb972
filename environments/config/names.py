"""Dotted names and nested mappings of the same values: ``{"sim.timestep": 1}`` and ``{"sim": {"timestep": 1}}``."""

from collections.abc import Mapping
from typing import Any


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dictionaries in which no name has a dot; of values given twice, the later one counts.

    Dotted names and nested mappings may be mixed: mappings of the same name are merged.
    """
    nested: dict[str, Any] = {}
    for name, value in values.items():
        first, dot, rest = str(name).partition(".")
        if dot:
            value = nest({rest: value})
        elif isinstance(value, Mapping):
            value = nest(value)
        known = nested.get(first)
        nested[first] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return nested


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names of all values that are no mappings, and of empty mappings."""
    flat: dict[str, Any] = {}
    for name, value in nest(values).items():
        if isinstance(value, dict) and value:
            flat |= {f"{name}.{rest}": item for rest, item in flatten(value).items()}
        else:
            flat[name] = value
    return flat


def _merged(known: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    merged = dict(known)
    for name, value in more.items():
        mine = merged.get(name)
        merged[name] = _merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return merged
