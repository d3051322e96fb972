"""Ranges over which a hyperparameter search may draw, as plain data."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LogFloat:
    """A number in ``[low, high]``, uniform in its logarithm: for rates and scales; ``0 < low < high``."""

    low: float
    high: float


@dataclass(frozen=True)
class UniformFloat:
    """A number in ``[low, high]``."""

    low: float
    high: float


@dataclass(frozen=True)
class LogInt:
    """A whole number in ``[low, high]``, both included, uniform in its logarithm; ``1 <= low < high``."""

    low: int
    high: int


@dataclass(frozen=True)
class UniformInt:
    """A whole number in ``[low, high]``, both included."""

    low: int
    high: int


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]


SearchRange = LogFloat | UniformFloat | LogInt | UniformInt | Choice
