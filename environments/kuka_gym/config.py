"""Parameters of the Kuka worlds (plain data, no engine)."""

import dataclasses
from typing import ClassVar

from environments.config import GROUND_TRUTH, JOINTS, JOINTS_POSITION, PIXELS, Modes, SRLConfig
from srl3.errors import UserError

Range = tuple[float, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class KukaButtonConfig(SRLConfig):
    """A Kuka arm pushes one button that stands on a table. World frame: x away from the arm, z up."""

    env_id: ClassVar[str] = "KukaButtonGymEnv-v0"
    modes: ClassVar[Modes] = Modes(joints=True, multi_view=True, states=(PIXELS, GROUND_TRUTH, JOINTS, JOINTS_POSITION))

    max_steps: int = 1000
    """Steps after which an episode is truncated."""

    # the task

    button_pos: tuple[float, float, float] = (0.5, 0.0, -0.2)
    """Where the button's foot stands, metres; its z is kept by a random target too."""
    random_target_x: Range = (0.35, 0.65)
    """Range of the button's x when the target is random, metres."""
    random_target_y: Range = (-0.3, 0.3)
    """Range of the button's y when the target is random, metres."""
    button_distance_height: float = 0.28
    """The target is this far above the button's foot: about where the gripper is when its fingertips touch the cap."""
    button_force: float = 50.0
    """Force that pushes the cap back up, newtons."""
    max_distance: float = 0.8
    """A gripper farther than this from the target is outside and earns -1, metres."""
    n_contacts_to_end: int = 5
    """Steps of contact with the button, in all, that solve an episode."""
    max_steps_outside: int = 5000
    """Consecutive steps outside (or on the table) that fail an episode."""
    success_reward: float = 50.0
    """Dense reward of a continuous episode's last step when the button was pushed."""
    failure_reward: float = -250.0
    """Dense reward of a continuous episode's last step when it failed."""

    # how actions move the arm

    force_down: bool = True
    """Actions never raise the hand: discrete action 5 lowers it like 4, a continuous dz counts as -|dz|."""
    delta_v: float = 0.03
    """Displacement of the hand's goal by a discrete action, metres."""
    noise_std: float = 0.01
    """Standard deviation of the noise on ``delta_v``, metres."""
    delta_v_continuous: float = 0.0035
    """Displacement of the hand's goal by a continuous action of 1, metres."""
    noise_std_continuous: float = 0.0001
    """Standard deviation of the noise on ``delta_v_continuous``, metres."""
    delta_v_joints: float = 0.1
    """Displacement of a joint's goal by a joint action of 1, radians."""
    noise_std_joints: float = 0.002
    """Standard deviation of the noise on ``delta_v_joints``, radians."""
    n_random_actions_at_init: int = 5
    """Random moves at the start of every episode."""

    # the arm

    start_effector_pos: tuple[float, float, float] = (0.537, 0.0, 0.5)
    """First goal of the hand (the flange of the last joint), metres."""
    small_workspace_x: Range = (0.50, 0.65)
    """Limits of the hand's goal when the target is fixed, metres."""
    small_workspace_y: Range = (-0.17, 0.22)
    """Limits of the hand's goal when the target is fixed, metres."""
    large_workspace_x: Range = (0.35, 0.65)
    """Limits of the hand's goal when the target is random, metres."""
    large_workspace_y: Range = (-0.30, 0.30)
    """Limits of the hand's goal when the target is random, metres."""
    workspace_z: Range = (0.0, 0.5)
    """Limits of the hand's goal, metres."""
    max_force: float = 200.0
    """Greatest torque of a joint's motor, newton metres."""
    max_velocity: float = 0.35
    """Greatest speed of a joint, radians per second."""
    position_gain: float = 0.3
    """Gain of a motor on its position error."""
    velocity_gain: float = 1.0
    """Gain of a motor on its velocity error."""

    # the physics

    timestep: float = 1 / 240
    """Seconds of simulation per step."""
    gravity: float = -10.0
    """Acceleration along z, metres per second squared."""
    solver_iterations: int = 150
    """Iterations of Bullet's constraint solver."""
    settle_steps: int = 500
    """Physics steps in which the arm comes to rest, once, when the scene is built."""

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

    @property
    def workspace(self) -> tuple[Range, Range, Range]:
        """Limits of the hand's goal along x, y and z."""
        if self.random_target:
            return self.large_workspace_x, self.large_workspace_y, self.workspace_z
        return self.small_workspace_x, self.small_workspace_y, self.workspace_z


_POSITIVE = (
    "max_distance",
    "n_contacts_to_end",
    "max_steps_outside",
    "max_force",
    "max_velocity",
    "timestep",
    "solver_iterations",
)
_NOT_NEGATIVE = (
    "button_force",
    "noise_std",
    "noise_std_continuous",
    "noise_std_joints",
    "n_random_actions_at_init",
    "position_gain",
    "velocity_gain",
    "settle_steps",
)
