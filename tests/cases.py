"""Cases of a test, of which the gate tries some."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def product(*values: Iterable[Any], gate: Callable[..., bool]) -> list[Any]:
    """Parameters of every combination of ``values``; those for which ``gate(*combination)`` is false are slow."""
    return [pytest.param(*case, marks=() if gate(*case) else pytest.mark.slow) for case in itertools.product(*values)]
