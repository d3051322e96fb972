"""Configurations of Ant and Humanoid. Imports no engine."""

import dataclasses
from typing import ClassVar

from environments.mujoco_gym.config import CameraConfig, ObservationConfig, SimConfig, TaskConfig

Group = dict[str, ObservationConfig]
ANT_CAMERA = CameraConfig(distance=3.4, azimuth=125.0, elevation=-22.0)
HUMANOID_CAMERA = CameraConfig(distance=3.4, azimuth=125.0, elevation=-14.0, height=-0.2)
HUMANOID_SIM = SimConfig(iterations=20, ls_iterations=20)


def _observations(names: tuple[str, ...], scales: dict[str, float]) -> dict[str, Group]:
    return {"policy": {name: ObservationConfig(scale=scales.get(name, 1.0)) for name in names}}


@dataclasses.dataclass(frozen=True, kw_only=True)
class LocomotionConfig(TaskConfig):
    """Run along +x towards a target 1,000 m away, as IsaacGymEnvs' Ant and Humanoid do."""

    above_zero: ClassVar[tuple[str, ...]] = (*TaskConfig.above_zero, "heading_full")
    at_least_zero: ClassVar[tuple[str, ...]] = (*TaskConfig.at_least_zero, "joint_noise", "joint_vel_noise")

    target_distance: float = 1000.0
    """of the target, along x"""
    termination_height: float = 0.31
    """the robot has fallen when its base is lower"""
    upright: float = 0.93
    """cosine of the tilt from which on the robot counts as upright"""
    heading_full: float = 0.8
    """cosine of the angle to the target from which on the heading is paid in full"""
    limit_margin: float = 0.99
    """a joint is at a limit from this share of its range on, which runs from -1 to 1"""
    joint_noise: float = 0.2
    """an episode starts within this of the default pose, rad"""
    joint_vel_noise: float = 0.1
    """and within this of rest, rad/s"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AntConfig(LocomotionConfig):
    """An ant runs towards a target 1,000 m away: 60 observations, 8 torques, 60 Hz."""

    env_id: ClassVar[str] = "AntGymEnv-v0"

    robot: str = "ant"
    observations: dict[str, Group] = dataclasses.field(
        default_factory=lambda: _observations(
            (
                "height",
                "base_lin_vel",
                "base_ang_vel",
                "yaw",
                "roll",
                "angle_to_target",
                "up",
                "heading",
                "joint_pos",
                "joint_vel",
                "foot_forces",
                "actions",
            ),
            {"joint_vel": 0.2, "foot_forces": 0.1},
        )
    )
    rewards: dict[str, float] = dataclasses.field(
        default_factory=lambda: {
            "progress": 1.0,
            "alive": 0.5,
            "upright": 0.1,
            "heading": 0.5,
            "action_cost": -0.005,
            "electricity": -0.05,
            "joint_limits": -0.1,
            "death": -2.0,
        }
    )
    camera: CameraConfig = ANT_CAMERA


@dataclasses.dataclass(frozen=True, kw_only=True)
class HumanoidConfig(LocomotionConfig):
    """A humanoid runs towards a target 1,000 m away: 108 observations, 21 torques, 60 Hz."""

    env_id: ClassVar[str] = "HumanoidGymEnv-v0"

    robot: str = "humanoid"
    termination_height: float = 0.8
    observations: dict[str, Group] = dataclasses.field(
        default_factory=lambda: _observations(
            (
                "height",
                "base_lin_vel",
                "base_ang_vel",
                "yaw",
                "roll",
                "angle_to_target",
                "up",
                "heading",
                "joint_pos",
                "joint_vel",
                "joint_torques",
                "foot_forces",
                "actions",
            ),
            {"base_ang_vel": 0.25, "joint_vel": 0.1, "joint_torques": 0.01, "foot_forces": 0.01},
        )
    )
    rewards: dict[str, float] = dataclasses.field(
        default_factory=lambda: {
            "progress": 1.0,
            "alive": 2.0,
            "upright": 0.1,
            "heading": 0.5,
            "action_cost": -0.01,
            "electricity": -0.05,
            "joint_limits": -0.25,
            "death": -1.0,
        }
    )
    limit_margin: float = 0.98
    sim: SimConfig = HUMANOID_SIM
    camera: CameraConfig = HUMANOID_CAMERA
