"""What numbers of a configuration may be: above zero, shares, ranges that rise, sizes that an engine takes."""

import dataclasses
import functools
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from environments.config.base import LARGEST
from srl3.errors import UserError

Range = typing.Annotated[tuple[float, float], "rises"]
"""two numbers of which the second is not below the first"""


def check_numbers(
    env_id: str,
    values: Mapping[str, Any],
    above_zero: Iterable[str],
    at_least_zero: Iterable[str],
    shares: Iterable[str],
) -> None:
    """Hold parameters against what they may be; of several numbers in one each.

    Args:
        env_id: for the message.
        values: by dotted name.
        above_zero: dotted names.
        at_least_zero: dotted names.
        shares: dotted names of numbers from 0 to 1.

    Raises:
        UserError: at the first that may not be.
    """
    for names, allowed, words in (
        (above_zero, lambda number: number > 0, "above 0"),
        (at_least_zero, lambda number: number >= 0, "at least 0"),
        (shares, lambda number: 0 <= number <= 1, "from 0 to 1"),
    ):
        for name in names:
            value = values[name]
            if value is not None and not all(map(allowed, value if isinstance(value, tuple | list) else (value,))):
                raise UserError(f"{name} of {env_id} must be {words}, not {value}.")


def check_ranges(env_id: str, config: Any) -> None:
    """Refuse a range whose end is below its beginning; those of ``randomize`` may be something else.

    Raises:
        UserError: with its dotted name.
    """
    for name, (low, high) in _ranges(config, ""):
        if high < low and not name.startswith("randomize."):
            raise UserError(f"{name} of {env_id} must rise, not {(low, high)}.")


def _ranges(part: Any, prefix: str) -> Iterator[tuple[str, Range]]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            yield from _ranges(value, f"{prefix}{name}.")
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        for name, kind in _kinds(type(part)).items():
            value = getattr(part, name)
            if value is not None and Range in (kind, *typing.get_args(kind)):
                yield f"{prefix}{name}", value
            else:
                yield from _ranges(value, f"{prefix}{name}.")


@functools.cache
def _kinds(cls: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields, by name, with what they are marked by."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def check_sizes(env_id: str, config: Any, within: str = "") -> None:
    """Refuse whole numbers that no engine takes, those of parts included.

    Raises:
        UserError: with the dotted name.
    """
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), f"{within}{field.name}"
        if dataclasses.is_dataclass(value):
            check_sizes(env_id, value, f"{name}.")
        elif isinstance(value, int) and abs(value) > LARGEST:
            raise UserError(f"{name} of {env_id} must be at most {LARGEST:,}, not {value:,}.")
