"""From speed and memory at a few sizes to what is recommended. Imports nothing heavy."""

import dataclasses
import math
from collections.abc import Sequence

from srl3.errors import UserError

ENOUGH = 0.9
"""share of the greatest speed that is enough: more environments would only learn from older samples"""
SAMPLES = 32_768
"""of a rollout, where that can be: 10,000 to 100,000 learn steadily"""
FEWEST_STEPS, MOST_STEPS = 16, 2048
"""of each environment in a rollout"""
MINIBATCH = 8192
"""samples, with states; pixels have fewer"""
MINIBATCH_OF_PIXELS = 1024
MEASURED_STEPS = 16
"""of each environment in a rollout that is measured"""


@dataclasses.dataclass(frozen=True)
class Size:
    """One size as it was measured."""

    n_envs: int
    n_steps: int
    steps_per_second: float
    """of training: rollouts and updates"""
    memory: float
    """MiB; of the GPU where the training is there"""


@dataclasses.dataclass(frozen=True)
class Advice:
    """What is recommended."""

    n_envs: int
    n_steps: int
    nminibatches: int
    memory: float
    """that it will take, by what was measured, MiB"""


def advise(sizes: Sequence[Size], budget: float, *, images: bool) -> Advice:
    """The fewest environments that are fast enough, and a rollout to learn steadily from.

    Args:
        sizes: as measured, at the same ``n_steps``; at least two.
        budget: memory that may be taken, MiB.
        images: whether pixels are observed.

    Raises:
        UserError: when not even the smallest size fits.
    """
    fitting = check_memory(sizes, budget)
    best = max(size.steps_per_second for size in fitting)
    chosen = min((size for size in fitting if size.steps_per_second >= ENOUGH * best), key=lambda size: size.n_envs)
    n_steps = _power_of_two(min(MOST_STEPS, max(FEWEST_STEPS, SAMPLES // chosen.n_envs)))
    each = _per_sample(sizes)
    while n_steps > FEWEST_STEPS and _memory(chosen, n_steps, each) > budget:
        n_steps //= 2
    samples = chosen.n_envs * n_steps
    return Advice(
        chosen.n_envs,
        n_steps,
        minibatches(samples, MINIBATCH_OF_PIXELS if images else MINIBATCH),
        _memory(chosen, n_steps, each),
    )


def check_memory(sizes: Sequence[Size], budget: float) -> list[Size]:
    """The sizes that fit into ``budget`` MiB.

    Raises:
        UserError: when not even the smallest one does.
    """
    fitting = [size for size in sizes if size.memory <= budget]
    if not fitting:
        smallest = min(sizes, key=lambda size: size.n_envs)
        raise UserError(
            f"{smallest.n_envs} environments take {smallest.memory:.0f} MiB already, and {budget:.0f} MiB are allowed; "
            "use a smaller world or network, or raise --memory."
        )
    return fitting


def _per_sample(sizes: Sequence[Size]) -> float:
    """MiB that a sample of a rollout takes, at most: as if all that grows with the size were rollout."""
    first, last = min(sizes, key=lambda size: size.n_envs), max(sizes, key=lambda size: size.n_envs)
    grown = last.n_envs * last.n_steps - first.n_envs * first.n_steps
    return max(0.0, last.memory - first.memory) / grown if grown else 0.0


def _memory(size: Size, n_steps: int, each: float) -> float:
    return size.memory + each * size.n_envs * max(0, n_steps - size.n_steps)


def minibatches(samples: int, largest: int = MINIBATCH) -> int:
    """A power of two that divides the samples, four or more where they allow it."""
    wanted = max(4, math.ceil(samples / largest))
    number = _power_of_two(wanted)
    number = number if number >= wanted else 2 * number
    while number > 1 and samples % number:
        number //= 2
    return number


def _power_of_two(number: int) -> int:
    """The greatest one that is not above ``number``."""
    return 1 << (number.bit_length() - 1)
