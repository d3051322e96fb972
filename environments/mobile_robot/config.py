"""Parameters of the mobile robot's world. Imports no engine."""

import dataclasses
from typing import ClassVar

from environments.config import Modes, SRLConfig
from srl3.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class MobileRobotConfig(SRLConfig):
    """A robot drives to a target in a square arena. World frame: x right, y up, the origin lower left, metres.

    ``multi_view`` adds the robot's on-board camera as a second view (the S-RL Toolbox called that ``fpv``).
    """

    env_id: ClassVar[str] = "MobileRobotGymEnv-v0"
    modes: ClassVar[Modes] = Modes(multi_view=True)

    max_steps: int = 250
    arena_size: float = 4.0
    """Side of the arena."""
    step_length: float = 0.1
    """Length of a discrete move, and of a continuous one of 1 along an axis."""
    noise_std: float = 0.0
    """Standard deviation of the Gaussian noise on the length of every move."""
    start_half_width: float = 4 / 3
    """An episode starts uniformly within this distance of the centre, along each axis."""
    target: tuple[float, float] = (3.6, 3.0)
    """The target's position where it is not random."""
    target_margin: float = 0.4
    """A random target is uniform over the arena, at least this far from its walls."""
    reach: float = 0.4
    """The target is reached within this distance of it."""
    robot_length: float = 0.65
    """Size of the robot along x, for the walls."""
    robot_width: float = 0.2
    """Size of the robot along y, for the walls."""
    wall_margin: float = 0.1
    """Space that is always left between the robot and a wall."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("arena_size", "step_length", "reach", "robot_length", "robot_width"):
            if getattr(self, name) <= 0:
                raise UserError(f"{name} of {self.env_id} must be above 0, not {getattr(self, name):g}.")
        for name in ("noise_std", "start_half_width", "target_margin", "wall_margin"):
            if getattr(self, name) < 0:
                raise UserError(f"{name} of {self.env_id} must not be below 0, not {getattr(self, name):g}.")
        half_side = self.arena_size / 2
        room = half_side - max(self.x_margin, self.y_margin)
        if room <= 0:
            raise UserError(f"arena_size of {self.env_id} must be above {self.arena_size - 2 * room:g} for this robot.")
        if self.start_half_width > room:
            raise UserError(
                f"start_half_width of {self.env_id} must be at most {room:g} in an arena of {self.arena_size:g} m, "
                f"not {self.start_half_width:g}."
            )
        if self.target_margin > half_side:
            raise UserError(
                f"target_margin of {self.env_id} must be at most {half_side:g}, not {self.target_margin:g}."
            )
        self._check_in_arena("target", self.target)

    def _check_in_arena(self, name: str, place: tuple[float, ...]) -> None:
        if not all(0 <= value <= self.arena_size for value in place):
            raise UserError(f"{name} of {self.env_id} must lie in the arena, 0 to {self.arena_size:g}.")

    @property
    def x_margin(self) -> float:
        """How near the robot's centre comes to the walls at the sides (x)."""
        return self.wall_margin + self.robot_length / 2

    @property
    def y_margin(self) -> float:
        """How near the robot's centre comes to the lower and upper wall (y)."""
        return self.wall_margin + self.robot_width / 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class MobileRobot2TargetConfig(MobileRobotConfig):
    """A robot drives to two targets, ``target`` first, then ``second_target``. ``random_target`` draws both.

    ``max_steps`` is 250 here too: the S-RL Toolbox names 1500 for this world, but never applied it.
    """

    env_id: ClassVar[str] = "MobileRobot2TargetGymEnv-v0"
    modes: ClassVar[Modes] = Modes(continuous=False, multi_view=True)

    second_target: tuple[float, float] = (0.4, 3.0)
    """The second target's position where it is not random."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_in_arena("second_target", self.second_target)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MobileRobot1DConfig(MobileRobotConfig):
    """A robot moves along x only, and its target lies ahead of it or behind it."""

    env_id: ClassVar[str] = "MobileRobot1DGymEnv-v0"
    modes: ClassVar[Modes] = Modes(continuous=False, multi_view=True)

    target: tuple[float, float] = (3.6, 2.0)
    """The target's position where it is not random; the robot is always at half the arena's side in y."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target[1] != self.arena_size / 2:
            raise UserError(f"target of {self.env_id} must have y = {self.arena_size / 2:g}, where the robot moves.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class MobileRobotLineTargetConfig(MobileRobotConfig):
    """A robot drives to a line across the arena: a band on the floor, in front of which it is to stand."""

    env_id: ClassVar[str] = "MobileRobotLineTargetGymEnv-v0"
    modes: ClassVar[Modes] = Modes()

    target: tuple[float, float] = (3.6, 2.0)
    """The middle of the band where it is not random; it reaches from wall to wall."""
    reach: float = 0.1
    """The target is reached within this distance, along x, of the place in front of the band."""
    line_offset: float = 0.2
    """That place is this much before the middle of the band, along x."""
    line_width: float = 0.5
    """Width of the band."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.line_width <= 0:
            raise UserError(f"line_width of {self.env_id} must be above 0, not {self.line_width:g}.")
        if self.target[1] != self.arena_size / 2:
            raise UserError(f"target of {self.env_id} must have y = {self.arena_size / 2:g}, the middle of the band.")
        low, high = self.line_range
        if low > high:
            raise UserError(f"target_margin and line_offset of {self.env_id} leave no room for a random line.")

    @property
    def line_range(self) -> tuple[float, float]:
        """Range of a random line's x: within the margins, and such that the robot can stand in front of it."""
        reachable_low = self.x_margin + self.line_offset
        reachable_high = self.arena_size - self.x_margin + self.line_offset
        low, high = self.target_margin, self.arena_size - self.target_margin
        return max(low, reachable_low), min(high, reachable_high)
