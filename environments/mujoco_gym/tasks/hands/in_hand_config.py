"""Configurations of the two tasks that turn a cube in the hand. Imports no engine."""

import dataclasses
import math
from typing import ClassVar, Literal

from environments.mujoco_gym.config import (
    ActionConfig,
    CameraConfig,
    ObservationConfig,
    Randomization,
    RandomizeConfig,
    Range,
    SimConfig,
)
from environments.mujoco_gym.tasks.hands.hand_config import Groups, HandConfig
from srl3.errors import UserError

SIM = SimConfig(timestep=0.0125, decimation=4, integrator="implicitfast", iterations=8, ls_iterations=8)
CAMERA = CameraConfig(distance=0.4, azimuth=150.0, elevation=-35.0, height=0.045)
SMOOTH = ActionConfig(moving_average=0.2)
PAID_SPEEDS: Range = (-10.0, 3.0)
"""of a cube, rad/s: a jump pays little, and turning back costs what it undoes"""
LEAP_RANDOMIZATION = RandomizeConfig(
    friction=Randomization(operation="set", range=(0.5, 1.0), names=".*_distal"),
    object_mass=Randomization(range=(0.8, 1.2), names="cube"),
    com=Randomization(operation="add", range=(-0.005, 0.005), names="cube"),
    friction_loss=Randomization(range=(0.5, 2.0)),
    armature=Randomization(range=(1.0, 1.05)),
    mass=Randomization(range=(0.9, 1.1), names="palm|(thumb|index|middle|ring|little)_.*"),
    gains=Randomization(range=(0.8, 1.2)),
    damping=Randomization(range=(0.8, 1.2)),
)
"""what LeapCubeReorient randomises, with its ranges; the cube's mass and inertia together"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class InHandConfig(HandConfig):
    """A cube on the upturned palm, at 20 Hz. The palm's frame has x toward the fingers and z out of the palm."""

    fixed_parts: ClassVar[tuple[str, ...]] = (*HandConfig.fixed_parts, "cube_size", "cube_mass", "hold_place")
    above_zero: ClassVar[tuple[str, ...]] = (
        *HandConfig.above_zero,
        "cube_size",
        "cube_mass",
        "position_margin",
    )

    robot: str = "palm_up_hand"
    sim: SimConfig = SIM
    camera: CameraConfig = CAMERA
    base_turn_speed: float = 2.0
    domain_randomization: bool = False
    """randomise what LeapCubeReorient does, where ``randomize`` says nothing else"""
    contact_force: float = 0.1
    cube_size: float = 0.07
    """side of the cube"""
    cube_mass: float = 0.08
    """kilograms"""
    hold_place: tuple[float, float, float] = (0.08, 0.0, 0.049)
    """where the cube is to be kept, in the palm's frame"""
    start_height: float = 0.003
    """an episode starts with the cube so far above that place, along the palm's normal"""
    start_noise: float = 0.005
    """half width of the cube's first position about it, along each axis"""
    joint_noise: float = 0.05
    """standard deviation of the joints' first positions about the default pose, rad"""
    drop_height: float = 0.10
    """the cube is dropped when its middle is lower, above the floor"""
    position_free: float = 0.02
    """distance of the cube from its place that is paid in full"""
    position_margin: float = 0.05
    """and how far beyond the pay has fallen to ``value_at_margin``"""
    value_at_margin: float = 0.1
    """pay at a margin, of 1"""

    def __post_init__(self) -> None:
        if self.domain_randomization:
            given = {field.name: getattr(self.randomize, field.name) for field in dataclasses.fields(self.randomize)}
            chosen = {name: change for name, change in given.items() if change is not None}
            object.__setattr__(self, "randomize", dataclasses.replace(LEAP_RANDOMIZATION, **chosen))
        super().__post_init__()


def _reorient_observations() -> Groups:
    policy = {
        "joint_pos": ObservationConfig(noise=0.05),
        "joint_error": ObservationConfig(),
        "cube_pos": ObservationConfig(noise=0.02, scale=10.0),
        "cube_faces": ObservationConfig(noise=0.1, noise_kind="gaussian"),
        "turn_to_goal": ObservationConfig(noise=0.1, noise_kind="gaussian"),
        "turn_vector": ObservationConfig(noise=0.1, noise_kind="gaussian"),
        "actions": ObservationConfig(),
    }
    critic = {name: dataclasses.replace(term, noise=0.0) for name, term in policy.items()}
    critic |= _seen_by_critic()
    return {"policy": policy, "critic": critic}


def _rotate_observations() -> Groups:
    policy = {
        "joint_pos": ObservationConfig(noise=0.05),
        "joint_error": ObservationConfig(),
        "cube_pos": ObservationConfig(noise=0.01, scale=10.0),
        "cube_faces": ObservationConfig(noise=0.1, noise_kind="gaussian"),
        "touch": ObservationConfig(),
        "actions": ObservationConfig(),
    }
    critic = {name: dataclasses.replace(term, noise=0.0) for name, term in policy.items()}
    critic |= _seen_by_critic()
    return {"policy": policy, "critic": critic}


def _seen_by_critic() -> dict[str, ObservationConfig]:
    return {
        "joint_vel": ObservationConfig(scale=0.2),
        "fingertips": ObservationConfig(scale=10.0),
        "cube_lin_vel": ObservationConfig(),
        "cube_ang_vel": ObservationConfig(scale=0.2),
        "touch_forces": ObservationConfig(scale=0.2),
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReorientConfig(InHandConfig):
    """Turn a cube on the palm to a shown orientation, goal after goal, with rewards and resets of LeapCubeReorient."""

    env_id: ClassVar[str] = "ParaHandReorientGymEnv-v0"
    above_zero: ClassVar[tuple[str, ...]] = (
        *InHandConfig.above_zero,
        "success_angle",
        "axis_seconds",
        "goals_for_success",
    )
    at_least_zero: ClassVar[tuple[str, ...]] = (
        *InHandConfig.at_least_zero,
        *("goal_axis_spread", "first_goal_angle", "goal_ahead_range"),
    )

    max_steps: int = 1000
    finger_speed: float = 3.0
    """Leap's is 10: with that, exploring drops the cube at once"""
    observations: Groups = dataclasses.field(default_factory=_reorient_observations)
    rewards: dict[str, float] = dataclasses.field(
        default_factory=lambda: {
            "orientation": 5.0,
            "turning": 0.0,
            "position": 0.5,
            "success": 100.0,
            "dropped": -100.0,
            "hand_pose": -0.5,
            "action_rate": -0.001,
            "energy": -0.001,
        }
    )
    """weights by the second; ``success`` is paid per goal, ``turning`` per radian that the cube comes nearer to it"""
    success_angle: float = 0.1
    """a goal is reached when the cube is nearer to it than this, rad"""
    orientation_free: float = 0.2
    """angle to the goal that is paid in full"""
    first_goal_angle: float = math.pi
    """the first goal is at most so far from the cube's first orientation; pi: anywhere. A curriculum may raise it"""
    goal_axes: tuple[tuple[float, float, float], ...] = ((1.0, 1.0, 1.0),)
    """about one of them, in the world, the first goal is turned from the cube, or one that stays ahead"""
    goal_axis_spread: float = 4.0
    """how much they vary: normal numbers so large are added to each part of it; from 3 on they point anywhere"""
    goal_route: Literal["straight", "spin_and_roll"] = "straight"
    """what the policy is shown and paid for: the shortest turn to the goal, or the next leg of a way that spins the
    cube about the vertical and rolls it over the fingers, which is easier with the palm up"""
    goal_turn_range: Range = (0.1, 0.5)
    """of a reached goal in its first step, about each axis, rad"""
    goal_turn_decay: float = 0.8
    """what is left of a goal's turning from step to step"""
    goal_ahead_range: Range = (0.0, 0.0)
    """above 0 a goal is never reached, but stays so far ahead of the cube, rad, about an axis that changes: the first
    stage of a curriculum, in which turning is learned"""
    axis_seconds: float = 5.0
    """after which that axis, and how far ahead a goal is, are drawn anew"""
    paid_speed_range: Range = PAID_SPEEDS
    """speeds toward the goal beyond which ``turning`` pays and charges nothing more, rad/s"""
    goals_for_success: int = 1
    """an episode succeeds once so many goals were reached"""
    shown_at: tuple[float, float, float] = (0.03, 0.14, 0.22)
    """where the wanted orientation is shown"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.goal_axes or not all(1e-6 < math.hypot(*axis) < 1e6 for axis in self.goal_axes):
            raise UserError(
                f"each of goal_axes of {self.env_id} must point somewhere, for example [[1, 1, 1]], not be 0 (or huge)."
            )
        if self.goal_ahead_range[1] > math.pi:
            raise UserError(
                f"goal_ahead_range of {self.env_id} must be at most pi: farther ahead than half a turn is behind."
            )
        if self.first_goal_angle > math.pi:
            raise UserError(
                f"first_goal_angle of {self.env_id} must be at most pi, which is anywhere, not "
                f"{self.first_goal_angle:g}."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RotateZConfig(InHandConfig):
    """Keep a cube on the palm turning about the vertical, to the left."""

    env_id: ClassVar[str] = "ParaHandRotateZGymEnv-v0"

    max_steps: int = 500
    control: Literal["position_delta", "position", "position_offset"] = "position_offset"
    offset_scale: float = 0.6
    actions: ActionConfig = SMOOTH
    observations: Groups = dataclasses.field(default_factory=_rotate_observations)
    rewards: dict[str, float] = dataclasses.field(
        default_factory=lambda: {
            "turning": 1.0,
            "position": 0.5,
            "dropped": -60.0,
            "hand_pose": -0.02,
            "action_rate": -0.001,
            "energy": -0.001,
        }
    )
    """weights by the second"""
    paid_speed_range: Range = PAID_SPEEDS
    """speeds about the vertical beyond which nothing more is paid or charged, rad/s. Turning back must cost what it
    undoes: with -1.5 and 1.5 a policy turned the cube slowly and let it jump back"""
    success_speed: float = 0.6
    """an episode succeeds when the cube has turned so fast on average, and was not dropped, rad/s"""
