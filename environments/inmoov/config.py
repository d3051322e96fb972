"""Parameters of the InMoov worlds (plain data, no engine)."""

import dataclasses
from typing import ClassVar

from environments.config import GROUND_TRUTH, JOINTS, JOINTS_POSITION, PIXELS, Modes, SRLConfig
from srl3.errors import UserError

Range = tuple[float, float]
Point = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InmoovConfig(SRLConfig):
    """What both worlds share. World frame: x forwards from the robot, y to its left, z up, metres."""

    modes: ClassVar[Modes] = Modes(joints=True, multi_view=True, states=(PIXELS, GROUND_TRUTH, JOINTS, JOINTS_POSITION))

    # how actions move the robot

    delta_v: float = 0.03
    """Displacement of the hand's goal by a discrete action, metres."""
    delta_v_continuous: float = 0.03
    """Displacement of the hand's goal by a continuous action of 1, metres."""
    delta_v_joints: float = 0.1
    """Greatest displacement of a joint's goal by a joint action of 1, radians; slow joints move as far as they get."""
    max_lead: float = 0.08
    """The hand's goal is never farther than this from the hand, metres."""
    physics_steps_per_action: int = 8
    """Physics steps in one action, in which the motors go after their goals: a fifth of a second."""
    n_random_actions_at_init: int = 5
    """Random moves at the start of every episode."""
    workspace_x: Range = (0.15, 0.65)
    """Limits of the hand's goal, metres."""
    workspace_y: Range = (-0.60, 0.20)
    """Limits of the hand's goal, metres."""
    workspace_z: Range = (0.85, 1.55)
    """Limits of the hand's goal, metres."""

    # the robot

    start_right_arm: tuple[float, float, float, float, float] = (0.15, 0.0, 0.0, -1.2, -1.571)
    """Angles at the start of shoulder_side, shoulder_up, bicep_rotate, bicep and hand, radians; also the rest pose that
    the inverse kinematics prefers."""
    start_left_arm: tuple[float, float, float, float, float] = (0.15, 0.0, 0.0, -0.25, -1.571)
    """Angles of the left arm at the start, radians."""
    start_head: tuple[float, float, float] = (0.40, -0.25, 0.1)
    """Angles at the start of head_updown, head_leftright and eyes_updown, radians: it looks at its right hand."""
    open_finger: float = 0.15
    """How far every joint of an open hand's fingers is bent, radians."""
    closed_finger: float = 0.75
    """How far every joint of a closing hand's fingers bends, radians."""
    max_force: float = 100.0
    """Greatest torque of a motor, newton metres (the model stores 1000 for every joint)."""
    finger_force: float = 2.0
    """Greatest torque of a finger's motor, newton metres."""
    position_gain: float = 0.3
    """Gain of a motor on its position error."""
    velocity_gain: float = 1.0
    """Gain of a motor on its velocity error."""
    ik_damping: float = 0.03
    """Damping of the inverse kinematics, metres."""
    ik_null_gain: float = 0.02
    """Share of the way to the rest pose that the null space goes in one iteration."""
    ik_iterations: int = 3
    """Greatest number of iterations of the inverse kinematics in one action."""
    lock_idle_joints: bool = True
    """Weld the joints that no action of the mode moves at their start, instead of holding them by motors (slower)."""

    # the physics

    timestep: float = 1 / 40
    """Seconds of simulation per physics step."""
    gravity: float = -9.8
    """Acceleration along z, metres per second squared."""
    solver_iterations: int = 30
    """Iterations of Bullet's constraint solver."""
    settle_steps: int = 80
    """Physics steps in which the robot comes to rest, once, when the scene is built."""

    # the cameras

    head_field_of_view: float = 80.0
    """Field of view of the camera between the eyes (the second one of ``multi_view``), degrees."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name.endswith(("_x", "_y", "_z")) and value[0] > value[1]:
                raise UserError(f"{field.name} of {self.env_id} must be low, high, not {list(value)}.")
            if field.name in _POSITIVE and value <= 0:
                raise UserError(f"{field.name} of {self.env_id} must be above 0, not {value}.")
            if field.name in _NOT_NEGATIVE and value < 0:
                raise UserError(f"{field.name} of {self.env_id} must not be negative, not {value}.")
        if not 0 < self.head_field_of_view < 180:
            raise UserError(
                f"head_field_of_view of {self.env_id} must be between 0 and 180, not {self.head_field_of_view}."
            )

    @property
    def workspace(self) -> tuple[Range, Range, Range]:
        """Limits of the hand's goal along x, y and z."""
        return self.workspace_x, self.workspace_y, self.workspace_z

    @property
    def moves_fingers(self) -> bool:
        """Whether an action opens and closes the right hand."""
        return False


@dataclasses.dataclass(frozen=True, kw_only=True)
class InmoovReachConfig(InmoovConfig):
    """The right hand of the humanoid InMoov reaches for the ripe fruit of a plant."""

    env_id: ClassVar[str] = "InmoovGymEnv-v0"

    max_steps: int = 100
    """Steps after which an episode is truncated: 20 seconds."""
    fruit_pos: Point = (0.50, -0.05, 1.18)
    """Where the ripe fruit hangs, metres; its z is kept by a random target too."""
    random_target_x: Range = (0.45, 0.54)
    """Range of the fruit's x when the target is random, metres."""
    random_target_y: Range = (-0.45, 0.05)
    """Range of the fruit's y when the target is random, metres."""
    reach_distance: float = 0.1
    """A hand nearer than this to the fruit has reached it, metres."""

    @property
    def moves_fingers(self) -> bool:
        return self.is_discrete


@dataclasses.dataclass(frozen=True, kw_only=True)
class InmoovButtonConfig(InmoovConfig):
    """The right fist of InMoov pushes a button that stands on a table, by the rules of the Kuka worlds."""

    env_id: ClassVar[str] = "InmoovButtonGymEnv-v0"

    max_steps: int = 200
    """Steps after which an episode is truncated: 40 seconds."""
    start_right_arm: tuple[float, float, float, float, float] = (0.5, 0.6, 0.0, -1.35, -3.14)
    """Angles at the start of shoulder_side, shoulder_up, bicep_rotate, bicep and hand, radians (palm downwards); also
    the rest pose that the inverse kinematics prefers."""
    workspace_x: Range = (0.35, 0.60)
    workspace_y: Range = (-0.45, 0.10)
    workspace_z: Range = (0.95, 1.45)
    table_pos: Point = (0.55, -0.15, 0.0)
    """Where the middle of the table stands, metres."""
    button_pos: Point = (0.45, -0.05, 0.92)
    """Where the button's foot stands, metres; its z, the table's top, is kept by a random target too."""
    random_target_x: Range = (0.42, 0.52)
    """Range of the button's x when the target is random, metres."""
    random_target_y: Range = (-0.40, 0.0)
    """Range of the button's y when the target is random, metres."""
    button_distance_height: float = 0.18
    """The target is this far above the button's foot: about where the hand is when the fist touches the cap."""
    button_force: float = 50.0
    """Force that pushes the cap back up, newtons."""
    max_distance: float = 0.8
    """A hand farther than this from the target is outside and earns -1, metres."""
    n_contacts_to_end: int = 5
    """Steps of contact with the button, in all, that solve an episode."""
    max_steps_outside: int = 5000
    """Consecutive steps outside (or on the table) that fail an episode."""
    success_reward: float = 50.0
    """Dense reward of a continuous episode's last step when the button was pushed."""
    failure_reward: float = -250.0
    """Dense reward of a continuous episode's last step when it failed."""
    force_down: bool = True
    """Actions never raise the hand: discrete action 5 lowers it like 4, a continuous dz counts as -|dz|."""


_POSITIVE = (
    "max_lead",
    "physics_steps_per_action",
    "max_force",
    "finger_force",
    "ik_damping",
    "ik_iterations",
    "timestep",
    "solver_iterations",
    "reach_distance",
    "max_distance",
    "n_contacts_to_end",
    "max_steps_outside",
)
_NOT_NEGATIVE = (
    "n_random_actions_at_init",
    "position_gain",
    "velocity_gain",
    "ik_null_gain",
    "settle_steps",
    "open_finger",
    "closed_finger",
    "button_force",
)
