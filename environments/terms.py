"""What the numbers of an observation and of an action mean: names, units, places."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from srl3.errors import UserError

POLICY = "policy"
"""The group of observations that a policy acts from."""
CRITIC = "critic"
"""The group of observations that a value function may see besides."""


@dataclasses.dataclass(frozen=True)
class ObservationTerm:
    """Some numbers of an observation that belong together.

    Args:
        name: what they are, for example ``joint_pos``.
        size: how many numbers.
        start: place of the first one in the flattened observation.
        unit: of each number, for example ``m`` or ``rad``; empty for numbers without one.
        frame: coordinate frame, for example ``world`` or ``body``; empty where it does not apply.
        scale: what the quantity was multiplied by before it was put in; one number, or one for each.
        clip: lower and upper limit that the number is kept in, before it is scaled; None without.
        noise: half width (uniform) or standard deviation (Gaussian) of the noise that is added, as `noise_kind` says.
        noise_kind: ``uniform``, ``gaussian`` or empty.
        group: ``policy`` or ``critic``.
        elements: a name for each number, for example joints' names; empty where there are none.
        history: how many steps' values are in it, the oldest first; of an episode's first step all are the same.
        delay: how many steps late a value comes in.
        source: ``actions`` for what the policy itself chose last, ``command`` for what a user asks of it, else empty: a
            measurement.
    """

    name: str
    size: int
    start: int = 0
    unit: str = ""
    frame: str = ""
    scale: float | tuple[float, ...] = 1.0
    clip: tuple[float, float] | None = None
    noise: float | tuple[float, ...] = 0.0
    noise_kind: str = ""
    group: str = POLICY
    elements: tuple[str, ...] = ()
    history: int = 1
    delay: int = 0
    source: str = ""

    @property
    def stop(self) -> int:
        """Place after the last number."""
        return self.start + self.size

    @property
    def slice(self) -> slice:
        """Where the numbers are in the flattened observation."""
        return slice(self.start, self.stop)


@dataclasses.dataclass(frozen=True)
class ActionTerm:
    """One number of an action (or the one number of a discrete one).

    Args:
        name: what it does, for example ``dx`` or a joint's name.
        index: its place in the action.
        unit: of what it sets, after ``scale`` and ``offset``; empty for numbers without one.
        scale: what it is multiplied by.
        offset: what is added to the product.
        low: least value of the action's number.
        high: greatest value.
        joint: the joint that it moves; None where it moves none alone.
        choices: what each value means, for a discrete action; else empty.
        moving_average: share of the newest action in what is applied; the rest is what was applied before.
        delay: how many steps late it is applied.
        default_pos: of the joint, at the start of an episode, radians (metres for a slide).
        joint_limits: least and greatest position of the joint.
        stiffness: of the joint's position controller, N m/rad; None for a motor.
        damping: of the joint's position controller, N m s/rad; None for a motor.
        gear: torque of the joint's motor for a value of 1, N m; None for a position controller.
    """

    name: str
    index: int
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    low: float = -1.0
    high: float = 1.0
    joint: str | None = None
    choices: tuple[str, ...] = ()
    moving_average: float = 1.0
    delay: int = 0
    default_pos: float | None = None
    joint_limits: tuple[float, float] | None = None
    stiffness: float | None = None
    damping: float | None = None
    gear: float | None = None


@dataclasses.dataclass(frozen=True)
class CommandTerm:
    """One number that a person may command robots by.

    Args:
        name: what it commands, for example ``forward``.
        low: least value.
        high: greatest value.
        unit: of the number.
        step: between two values that a person may choose; 0: a hundredth of the range.
    """

    name: str
    low: float
    high: float
    unit: str = ""
    step: float = 0.0

    @property
    def finest(self) -> float:
        """Between two values that a person may choose."""
        return self.step or (self.high - self.low) / 100 or 0.01


def laid_out(terms: Iterable[ObservationTerm]) -> list[ObservationTerm]:
    """The terms one after the other: each starts where the one before it in its group stops."""
    stops: dict[str, int] = {}
    placed = []
    for term in terms:
        start = stops.get(term.group, 0)
        placed.append(dataclasses.replace(term, start=start))
        stops[term.group] = start + term.size
    return placed


def observation_terms_of(space: spaces.Space[Any], group: str = POLICY) -> list[ObservationTerm]:
    """One term for each box of an observation space, where a world says nothing of its own."""
    if isinstance(space, spaces.Dict):
        parts = [(str(name), part) for name, part in space.items()]
    else:
        parts = [("observation", space)]
    terms = []
    for name, part in parts:
        picture = isinstance(part, spaces.Box) and part.dtype == np.uint8 and len(part.shape) == 3
        size = spaces.flatdim(part)
        terms.append(ObservationTerm("pixels" if picture and name == "observation" else name, size, group=group))
    return laid_out(terms)


def action_terms_of(space: spaces.Space[Any]) -> list[ActionTerm]:
    """One term for each number of an action, where a world says nothing of its own."""
    if isinstance(space, spaces.Discrete):
        return [discrete_term([str(space.start + number) for number in range(int(space.n))], int(space.start))]
    if isinstance(space, spaces.MultiDiscrete):
        counts = space.nvec.reshape(-1).tolist()
        starts = space.start.reshape(-1).tolist()
        return [
            ActionTerm(f"action_{index}", index, low=start, high=start + count - 1)
            for index, (start, count) in enumerate(zip(starts, counts, strict=True))
        ]
    if isinstance(space, spaces.MultiBinary):
        return [ActionTerm(f"action_{index}", index, low=0, high=1) for index in range(spaces.flatdim(space))]
    if isinstance(space, spaces.Box):
        lows, highs = space.low.reshape(-1).tolist(), space.high.reshape(-1).tolist()
        return [
            ActionTerm(f"action_{index}", index, low=low, high=high)
            for index, (low, high) in enumerate(zip(lows, highs, strict=True))
        ]
    raise UserError(f"an action space may be Box, Discrete, MultiDiscrete or MultiBinary, not {type(space).__name__}.")


def discrete_term(choices: Sequence[str], start: int = 0) -> ActionTerm:
    """The term of a discrete action whose values, from ``start`` on, mean these."""
    return ActionTerm("action", 0, low=start, high=start + len(choices) - 1, choices=tuple(choices))


def place_terms(axes: Sequence[str], relative: bool, agent: str = "agent_pos") -> list[ObservationTerm]:
    """Where an agent is along these axes, metres: relative to its target, or the agent and then the target."""
    size, elements = len(axes), tuple(axes)
    if relative:
        return [ObservationTerm(f"{agent}_from_target", size, unit="m", frame="world", elements=elements)]
    return [
        ObservationTerm(agent, size, unit="m", frame="world", elements=elements),
        ObservationTerm("target_pos", size, unit="m", frame="world", elements=elements),
    ]
