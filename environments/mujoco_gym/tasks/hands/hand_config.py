"""What the configurations of all tasks of the hand share. Imports no engine."""

import dataclasses
from typing import ClassVar, Literal

from environments.mujoco_gym.config import ObservationConfig, TaskConfig

Groups = dict[str, dict[str, ObservationConfig]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class HandConfig(TaskConfig):
    """A hand whose joints follow targets. Lengths in metres, angles in radians, times in seconds, forces in newtons."""

    env_id: ClassVar[str] = "HandGymEnv"
    above_zero: ClassVar[tuple[str, ...]] = (
        *TaskConfig.above_zero,
        *("offset_scale", "finger_speed", "base_speed", "base_turn_speed", "contact_force"),
    )
    acts_by: ClassVar[tuple[str, ...]] = (
        *TaskConfig.acts_by,
        *("control", "offset_scale", "finger_speed", "base_speed", "base_turn_speed"),
    )

    control: Literal["position_delta", "position", "position_offset"] = "position_delta"
    """``position_delta``: an action of 1 moves a target at full speed; ``position``: actions are the targets, -1 and 1
    the limits of a control; ``position_offset``: they are the targets' offsets from the default pose"""
    offset_scale: float = 0.5
    """of an action of 1 in ``position_offset``, rad (m for slides)"""
    finger_speed: float = 1.0
    """of a finger's target in ``position_delta``, rad/s"""
    base_speed: float = 0.5
    """of a target of the base's slides, m/s"""
    base_turn_speed: float = 1.5
    """of a target of the base's hinges, or of the wrist, rad/s"""
    contact_force: float = 1.0
    """a fingertip touches something from this force on, N"""
