"""Parameters of Omnirobot's world. Imports no engine."""

import dataclasses
import math
from enum import Enum
from functools import cached_property
from typing import ClassVar

from environments.config import Modes, SRLConfig
from srl3.errors import UserError


class Task(Enum):
    """What the robot is to do; each but the first by the parameter that is its value."""

    REACH = "none"
    """go to the target; the world's task without one of the others"""
    REACH_RANDOM = "simple_continual_target"
    """go to a random target"""
    CIRCLE = "circular_continual_move"
    """go round the centre on a circle"""
    SQUARE = "square_continual_move"
    """go round the centre on a square"""
    EIGHT = "eight_continual_move"
    """go along a lemniscate"""
    CHASE = "chasing_continual_move"
    """keep near a target that goes round"""
    ESCAPE = "escape_continual_move"
    """keep away from a target that comes after the robot"""


PATHS = (Task.CIRCLE, Task.SQUARE, Task.EIGHT)
"""Tasks around the centre of the arena, whatever the target."""
REACHING = (Task.REACH, Task.REACH_RANDOM)
MOVING_TARGET = (Task.CHASE, Task.ESCAPE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OmnirobotConfig(SRLConfig):
    """A robot drives to a target or along a curve. World frame: x right, y up, the origin in the middle, metres.

    At most one of the six task parameters is true (see `Task` and `environments.omnirobot_gym.tasks` for the rewards).
    The target is drawn anew in every episode with ``random_target``, and always for the simple, the chasing and the
    escape task; otherwise it is ``target``. In the tasks around the centre it has no part but to show, by its shape and
    colour, which task it is. ``shape_reward`` is for reaching a target only. ``relative_pos`` has no part in the
    escape task, whose ground truth is always the robot's position, then the target's.

    The noise is that of the S-RL Toolbox's simulator; each part is off at 0.
    """

    env_id: ClassVar[str] = "OmnirobotEnv-v0"
    modes: ClassVar[Modes] = Modes()

    simple_continual_target: bool = False
    """Task: go to a random target (red square)."""
    circular_continual_move: bool = False
    """Task: go round the centre on a circle of ``radius`` (blue square)."""
    square_continual_move: bool = False
    """Task: go round the centre on a square with sides of 2 ``radius`` (green square)."""
    eight_continual_move: bool = False
    """Task: go along the lemniscate with foci at (± ``radius``, 0) (green square)."""
    chasing_continual_move: bool = False
    """Task: keep at a distance from ``chase_near`` to ``chase_far`` of a target that goes round (yellow T)."""
    escape_continual_move: bool = False
    """Task: keep ``escape_distance`` away from a target that comes after the robot (yellow T)."""

    max_steps: int = 250
    bound: float = 0.85
    """The robot's centre stays within this distance of the arena's middle, along each axis."""
    step_length: float = 0.1
    """Length of a discrete move, and of the longest continuous one."""
    start_half_width: float = 0.7
    """An episode starts uniformly within this distance of the middle, along each axis."""
    target: tuple[float, float] = (0.0, 0.0)
    """The target's position where it is not random."""
    target_half_width: float = 0.7
    """A random target is uniform within this distance of the middle, along each axis."""
    reach: float = 0.2
    """The target is reached below this distance of it."""
    contacts_to_end: int = 0
    """Steps at the target, in all, that end an episode of reaching as a success; 0: it goes on to ``max_steps``.

    (The S-RL Toolbox's ``short_episodes`` are 15, and ``max_steps`` 75 on the circle.)
    """
    radius: float = 0.6125
    """Size of the circle, the square and the lemniscate."""
    reward_scale: float = 10.0
    """λ in the rewards of the tasks around the centre."""
    history: int = 10
    """Those rewards grow with the displacement over this many moves."""
    target_step: float = 0.05
    """Length of the target's moves, in the chasing and the escape task."""
    chase_period: int = 70
    """Moves in which the chased target goes round once."""
    chase_near: float = 0.3
    """The chasing robot must be farther than this from its target."""
    chase_far: float = 0.4
    """The chasing robot must be nearer than this to its target."""
    escape_distance: float = 0.4
    """The escaping robot must be this far from its target."""
    escape_overshoot: float = 1.0
    """The hunting target's moves are longer by a random part, 0 to this, of ``target_step``."""

    position_noise: float = 0.01
    """Standard deviation, along each axis, of where a commanded move ends. It does not add up over moves."""
    yaw_noise: float = math.radians(2.5)
    """Standard deviation of the heading after a commanded move, radians; it is only seen."""
    marker_size_noise: float = 0.05
    """Standard deviation of the size of the robot's and the target's marker, relative to 1, by episode."""
    marker_pixel_noise: float = 2.0
    """Standard deviation of the noise on the markers' pixels, in grey levels of 255."""
    luminosity_noise: float = 0.03
    """Standard deviation of the gain on the brightness of every picture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        tasks = self.tasks_given
        if len(tasks) > 1:
            names = " and ".join(task.value for task in tasks)
            raise UserError(f"{names} are different tasks of {self.env_id}; give one of them.")
        if self.shape_reward and self.task not in REACHING:
            raise UserError(f"{self.env_id} has a dense reward for reaching a target only, not for {self.task.value}.")
        for name in ("bound", "step_length", "reach", "radius", "reward_scale", "target_step", "chase_far"):
            if getattr(self, name) <= 0:
                raise UserError(f"{name} of {self.env_id} must be above 0, not {getattr(self, name):g}.")
        for name in ("history", "chase_period"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} of {self.env_id} must be at least 1, not {getattr(self, name)}.")
        not_negative = ("start_half_width", "target_half_width", "chase_near", "escape_distance", "escape_overshoot")
        noises = ("position_noise", "yaw_noise", "marker_size_noise", "marker_pixel_noise", "luminosity_noise")
        for name in (*not_negative, *noises, "contacts_to_end"):
            if getattr(self, name) < 0:
                raise UserError(f"{name} of {self.env_id} must not be below 0, not {getattr(self, name):g}.")
        for name in ("start_half_width", "target_half_width"):
            if getattr(self, name) >= self.bound:
                raise UserError(f"{name} of {self.env_id} must be below bound ({self.bound:g}).")
        if max(map(abs, self.target)) > self.bound:
            raise UserError(f"target of {self.env_id} must lie in the arena, -{self.bound:g} to {self.bound:g}.")
        if self.chase_near >= self.chase_far:
            raise UserError(f"chase_near of {self.env_id} must be below chase_far ({self.chase_far:g}).")
        if self.contacts_to_end and self.task not in REACHING:
            raise UserError(f"contacts_to_end of {self.env_id} is for reaching a target only, not {self.task.value}.")

    @property
    def tasks_given(self) -> tuple[Task, ...]:
        """The tasks whose parameters are true."""
        return tuple(task for task in Task if task is not Task.REACH and getattr(self, task.value))

    @cached_property
    def task(self) -> Task:
        """The task."""
        return next(iter(self.tasks_given), Task.REACH)

    @property
    def draws_target(self) -> bool:
        """Whether every episode has a target of its own."""
        return self.random_target or self.task in (Task.REACH_RANDOM, *MOVING_TARGET)
