"""How a world mirrors: what a robot would observe and do in its mirror image."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reflection:
    """Numbers that change places, signs and origins: number i of the image is ``signs[i] * x[order[i]] + offsets[i]``.

    Args:
        order: a permutation.
        signs: +1 or -1 each; empty: all +1.
        offsets: empty: all 0.
    """

    order: tuple[int, ...]
    signs: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.order)
        if sorted(self.order) != list(range(count)):
            raise ValueError(f"{self.order} is no permutation of 0 to {count - 1}")
        if len(self.signs) not in (0, count) or len(self.offsets) not in (0, count):
            raise ValueError(f"a reflection of {count} numbers takes as many signs and offsets, or none")


@dataclass(frozen=True)
class Mirror:
    """One symmetry of a world.

    Args:
        observations: by group of observations.
        actions: of the numbers of an action; of `Discrete` actions, action i becomes ``order[i]``.
    """

    observations: Mapping[str, Reflection]
    actions: Reflection
