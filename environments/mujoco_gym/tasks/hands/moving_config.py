"""Configurations of the two tasks of the hand on a moving base. Imports no engine."""

import dataclasses
from typing import ClassVar

from environments.mujoco_gym.config import CameraConfig, ObservationConfig, Range, SimConfig
from environments.mujoco_gym.tasks.hands.hand_config import Groups, HandConfig

SIM = SimConfig(timestep=0.01, decimation=2, integrator="implicitfast", iterations=8, ls_iterations=8)
CAMERA = CameraConfig(distance=0.8, azimuth=125.0, elevation=-20.0, height=-0.06)
GRASP_CAMERA = CameraConfig(distance=0.85, azimuth=130.0, elevation=-24.0, height=-0.13)
HAND_TERMS = (
    "base_pos",
    "base_vel",
    "finger_pos",
    "finger_vel",
    "hand_pose",
    "touch",
    "actions",
    "base_targets",
    "finger_targets",
)
"""what both tasks observe of the hand"""
SCALES = {"base_vel": 0.5, "finger_vel": 0.2, "touch_forces": 0.1, "box_lin_vel": 0.5, "box_ang_vel": 0.1}
BASE_SEEN = (*HAND_TERMS, "tips_world", "pads_world", "tips_palm", "pads_palm")
GRASP_SEEN = (*HAND_TERMS, "tips_palm", "pads_palm", "stage", "stage_seconds", "stage_progress", "grasp")
GRASP_CRITIC = (*GRASP_SEEN, "box_pos", "box_turn", "box_lin_vel", "box_ang_vel", "touch_forces")


def _observations(names: tuple[str, ...]) -> dict[str, ObservationConfig]:
    return {name: ObservationConfig(scale=SCALES.get(name, 1.0)) for name in names}


@dataclasses.dataclass(frozen=True, kw_only=True)
class MovingHandConfig(HandConfig):
    """A hand on a base of six degrees, palm down, at 50 Hz: 18 actions."""

    robot: str = "moving_hand"
    sim: SimConfig = SIM
    camera: CameraConfig = CAMERA
    start_place_range: Range = (-0.2, 0.2)
    """of the base at the start of an episode, along x and y"""
    start_height_range: Range = (0.15, 0.35)
    """of its height"""
    start_yaw_range: Range = (-0.785, 0.785)
    """of its turn about the vertical, rad"""
    start_thumb_range: Range = (0.0, 1.57)
    """of the thumb's rotation, rad"""
    start_finger_range: Range = (0.0, 0.52)
    """of the other controls of the fingers, rad; the spread is 0"""
    lowest_height: float = 0.03
    """the palm is on the ground, and the episode over, when its root is lower"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DexHandBaseConfig(MovingHandConfig):
    """Raise a five-finger hand to a height and keep it there, smoothly and within its limits.

    All reward terms but ``success`` and ``failure`` are between 0 and 1: exponentials of what is to be small, each over
    the scale that is configured for it.
    """

    env_id: ClassVar[str] = "DexHandBaseGymEnv-v0"
    fixed_parts: ClassVar[tuple[str, ...]] = (*MovingHandConfig.fixed_parts, "soft_limits")
    above_zero: ClassVar[tuple[str, ...]] = (
        *HandConfig.above_zero,
        *("height_scale", "safety_scale", "finger_vel_scale", "hand_vel_scale", "hand_ang_vel_scale"),
        *("finger_accel_scale", "hand_accel_scale", "hand_ang_accel_scale", "limit_scale"),
        *("height_tolerance", "hold_seconds"),
    )

    max_steps: int = 300
    observations: Groups = dataclasses.field(default_factory=lambda: {"policy": _observations(BASE_SEEN)})
    rewards: dict[str, float] = dataclasses.field(
        default_factory=lambda: {
            "height": 1.0,
            "alive": 0.1,
            "height_safety": 1.0,
            "finger_velocity": 0.1,
            "hand_velocity": 0.1,
            "hand_angular_velocity": 0.1,
            "joint_limit": 0.5,
            "finger_acceleration": 0.05,
            "hand_acceleration": 0.05,
            "hand_angular_acceleration": 0.05,
            "contact_stability": 0.2,
            "success": 10.0,
            "failure": -5.0,
        }
    )
    target_height: float = 0.5
    """of the palm's root"""
    height_scale: float = 0.2
    """distance from it at which ``height`` is 1/e"""
    safe_height: float = 0.05
    """of the lowest fingertip, from which on ``height_safety`` is 1"""
    safety_scale: float = 0.02
    finger_vel_scale: float = 1.0
    """root mean square of the finger joints' speeds, rad/s"""
    hand_vel_scale: float = 0.25
    """speed of the base, m/s"""
    hand_ang_vel_scale: float = 0.75
    """of the base's hinges, rad/s"""
    finger_accel_scale: float = 50.0
    """root mean square, rad/s²"""
    hand_accel_scale: float = 12.5
    """m/s²"""
    hand_ang_accel_scale: float = 37.5
    """rad/s²"""
    soft_limits: float = 0.9
    """share of a joint's range that is free"""
    limit_scale: float = 1.0
    """sum of what joints are beyond it, rad"""
    height_tolerance: float = 0.03
    """the hand has succeeded once it was so near to its height …"""
    hold_seconds: float = 1.0
    """… for so long; the episode goes on"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DexGraspConfig(MovingHandConfig):
    """Grasp a box by touch with a five-finger hand and lift it, in three stages: go over it, close the fingers, lift.

    What a policy observes says nothing of the box but what the fingertips feel; a value function sees it.
    """

    env_id: ClassVar[str] = "DexHandGraspGymEnv-v0"
    fixed_parts: ClassVar[tuple[str, ...]] = (*MovingHandConfig.fixed_parts, "box_size")
    above_zero: ClassVar[tuple[str, ...]] = (
        *HandConfig.above_zero,
        *("box_size", "box_mass", "pregrasp_seconds", "contact_seconds", "contact_hold_seconds", "lift_hold_seconds"),
    )
    at_least_zero: ClassVar[tuple[str, ...]] = (
        *MovingHandConfig.at_least_zero,
        *("box_noise", "start_over_box_noise", "grasp_lost_seconds", "penetration_free"),
    )
    shares: ClassVar[tuple[str, ...]] = ("start_over_box",)

    max_steps: int = 500
    camera: CameraConfig = GRASP_CAMERA
    contact_force: float = 0.1
    observations: Groups = dataclasses.field(
        default_factory=lambda: {"policy": _observations(GRASP_SEEN), "critic": _observations(GRASP_CRITIC)}
    )
    rewards: dict[str, float] = dataclasses.field(
        default_factory=lambda: {
            "pregrasp_height": 0.3,
            "pregrasp_centre": 1.0,
            "pregrasp_stability": 0.2,
            "finger_height": 0.4,
            "thumb_rotation": 0.3,
            "thumb_contact": 1.5,
            "finger_contact": 1.0,
            "grasp": 5.0,
            "proximity": 2.5,
            "base_stability": 2.0,
            "lift": 10.0,
            "maintain": 10.0,
            "duration": 2.0,
            "pregrasp_done": 500.0,
            "contact_done": 1000.0,
            "penetration": -10_000.0,
            "success": 2000.0,
            "failure": -200.0,
        }
    )
    """the first five count in the first stage, the next five in the second, the next three in the third; those that are
    ``done`` and ``success`` once; ``penetration`` by the metre"""
    box_size: float = 0.05
    """side of the box"""
    box_mass: float = 0.1
    """kilograms"""
    box_noise: float = 0.02
    """half width of the box's place, along x and y"""
    start_over_box: float = 0.0
    """share of the episodes that begin in the second stage, the hand open over the box; a curriculum may lower it"""
    start_over_box_noise: float = 0.01
    """half width of the hand's place in these, along x and y, m"""
    pregrasp_seconds: float = 4.0
    """length of the first stage, at whose end the hand must be over the box"""
    pregrasp_distance: float = 0.03
    """of the middle between thumb and fingers from the box, in the plane, at most"""
    pregrasp_highest: float = 0.08
    """of the palm's root, at most"""
    pregrasp_height: float = 0.053
    """of the palm's root that is paid in full"""
    finger_height: float = 0.07
    """of the fingertips but the thumb's that is paid in full in the first stage"""
    thumb_rotation: float = 0.93
    """of the thumb's rotation that is paid in full in the first stage, rad: it faces the fingers"""
    contact_seconds: float = 3.0
    """length of the second stage, at most"""
    contact_hold_seconds: float = 0.5
    """thumb and another finger must touch so long without a break, to end it"""
    grasp_lost_seconds: float = 0.3
    """fewer than two fingertips touch so long in the third stage: the box is lost"""
    lift_height: float = 0.2
    """the box is lifted when its middle is higher"""
    lift_hold_seconds: float = 2.0
    """it must be held there so long"""
    highest: float = 0.8
    """the episode is over when the box is higher"""
    penetration_free: float = 0.004
    """how deep a fingertip may be in the box before it costs"""
