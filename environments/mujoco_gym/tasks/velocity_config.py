"""Configurations of the quadruped that follows commanded velocities. Imports no engine."""

import dataclasses
from typing import ClassVar

from environments.mujoco_gym.config import (
    ActionConfig,
    CameraConfig,
    ObservationConfig,
    Range,
    SimConfig,
    TaskConfig,
    TerrainConfig,
)

Groups = dict[str, dict[str, ObservationConfig]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommandConfig:
    """Velocities that the robot is to have, in its body's frame; drawn anew every few seconds."""

    lin_vel_x: Range = (-1.0, 1.0)
    """m/s"""
    lin_vel_y: Range = (-1.0, 1.0)
    """m/s"""
    ang_vel_z: Range = (-0.5, 0.5)
    """rad/s; also what a heading is kept with, at most"""
    heading_share: float = 0.3
    """of the commands that are a heading, which the robot turns to"""
    heading_stiffness: float = 0.5
    """rad/s for 1 rad off the heading"""
    standing_share: float = 0.1
    """of the commands that are to stand"""
    forward_share: float = 0.2
    """of the commands that are to walk straight ahead"""
    seconds: Range = (3.0, 8.0)
    """until another command"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GaitConfig:
    """What the reward terms of the gait are measured by."""

    lin_vel_variance: float = 0.25
    """of the error in linear velocity, (m/s)²"""
    ang_vel_variance: float = 0.5
    """of the error in angular velocity, (rad/s)²"""
    upright_variance: float = 0.2
    """of the horizontal part of the direction of gravity"""
    pose_std_standing: float = 0.05
    """rad from the default pose"""
    pose_std_moving: tuple[float, float, float] = (0.3, 0.3, 0.6)
    """of hips, thighs and calves, rad"""
    soft_limits: float = 0.9
    """share of a joint's range that is free"""
    foot_height: float = 0.1
    """of a foot in its swing above the ground, m"""
    moving: float = 0.05
    """a command is to move if it is larger, m/s and rad/s together"""
    contact_force: float = 1.0
    """a foot is on the ground from this force on, N"""


def _observations(scan: bool) -> Groups:
    policy = {
        "base_lin_vel": ObservationConfig(noise=0.5),
        "base_ang_vel": ObservationConfig(noise=0.2),
        "projected_gravity": ObservationConfig(noise=0.05),
        "joint_pos": ObservationConfig(noise=0.01),
        "joint_vel": ObservationConfig(noise=1.5, scale=0.1),
        "actions": ObservationConfig(),
        "command": ObservationConfig(),
    }
    critic = {name: dataclasses.replace(term, noise=0.0) for name, term in policy.items()}
    critic |= {name: ObservationConfig() for name in ("foot_height", "foot_air_time", "foot_contact")}
    critic["foot_forces"] = ObservationConfig(scale=0.02)
    if scan:
        policy["height_scan"] = ObservationConfig(noise=0.1, scale=0.2, clip=(-5.0, 5.0))
        critic["height_scan"] = ObservationConfig(scale=0.2, clip=(-5.0, 5.0))
    return {"policy": policy, "critic": critic}


SIM = SimConfig(timestep=0.005, decimation=4, integrator="implicitfast", iterations=4, ls_iterations=6)
ACTIONS = ActionConfig(clip=3.0)
TERRAIN = TerrainConfig()
CAMERA = CameraConfig(distance=1.9, azimuth=130.0, elevation=-18.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class VelocityFlatConfig(TaskConfig):
    """A quadruped follows commanded velocities on a plane, at 50 Hz, in episodes of 20 seconds."""

    env_id: ClassVar[str] = "VelocityFlatGymEnv-v0"
    fixed_parts: ClassVar[tuple[str, ...]] = (*TaskConfig.fixed_parts, "gait.pose_std_moving")
    above_zero: ClassVar[tuple[str, ...]] = (
        *TaskConfig.above_zero,
        *("gait.lin_vel_variance", "gait.ang_vel_variance", "gait.upright_variance", "gait.soft_limits"),
        *("gait.pose_std_standing", "gait.pose_std_moving", "gait.foot_height", "largest_tilt"),
    )
    at_least_zero: ClassVar[tuple[str, ...]] = (
        *TaskConfig.at_least_zero,
        *("command.seconds", "gait.moving", "gait.contact_force", "place_range"),
    )
    shares: ClassVar[tuple[str, ...]] = ("command.heading_share", "command.standing_share", "command.forward_share")

    robot: str = "quadruped"
    max_steps: int = 1000
    sim: SimConfig = SIM
    actions: ActionConfig = ACTIONS
    camera: CameraConfig = CAMERA
    command: CommandConfig = CommandConfig()
    gait: GaitConfig = GaitConfig()
    observations: Groups = dataclasses.field(default_factory=lambda: _observations(scan=False))
    rewards: dict[str, float] = dataclasses.field(
        default_factory=lambda: {
            "track_lin_vel": 2.0,
            "track_ang_vel": 2.0,
            "upright": 1.0,
            "pose": 1.0,
            "joint_limits": -1.0,
            "action_rate": -0.1,
            "foot_clearance": -2.0,
            "swing_height": -0.25,
            "foot_slip": -0.1,
            "soft_landing": -1e-5,
        }
    )
    largest_tilt: float = 1.2217
    """the episode ends when the base is tilted more, rad"""
    place_range: float = 0.5
    """an episode starts within this of its place, along x and y"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VelocityRoughConfig(VelocityFlatConfig):
    """A quadruped follows commanded velocities on slopes, stairs and rubble, with a scan of the heights around it."""

    env_id: ClassVar[str] = "VelocityRoughGymEnv-v0"
    fixed_parts: ClassVar[tuple[str, ...]] = (
        *VelocityFlatConfig.fixed_parts,
        *("terrain", "scan_length", "scan_width", "scan_step"),
    )
    above_zero: ClassVar[tuple[str, ...]] = (
        *VelocityFlatConfig.above_zero,
        *("terrain.levels", "terrain.tile", "terrain.cell", "terrain.stair_depth", "terrain.first_levels"),
        *("scan_length", "scan_width", "scan_step"),
    )
    at_least_zero: ClassVar[tuple[str, ...]] = (
        *VelocityFlatConfig.at_least_zero,
        *("terrain.border", "terrain.platform", "terrain.slope", "terrain.stair_height", "terrain.rubble"),
    )

    terrain: TerrainConfig = TERRAIN
    scan_length: float = 1.6
    """of the scanned ground, ahead and behind together"""
    scan_width: float = 1.0
    scan_step: float = 0.1
    observations: Groups = dataclasses.field(default_factory=lambda: _observations(scan=True))
