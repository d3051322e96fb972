"""The hand on a wrist, its palm up and level, its fingers around what lies there: 22 joints, 22 actions."""

from functools import partial

from environments.mujoco_gym.robots.hand import TIPS, hand_spec, joint_names
from environments.mujoco_gym.robots.hand_postures import CRADLING, LEVEL, finger_targets
from environments.mujoco_gym.robots.robot import Robot

ROBOT = Robot(
    spec=partial(hand_spec, "wrist"),
    joints=joint_names("wrist"),
    default_pose=(LEVEL, 0.0, *finger_targets(CRADLING).tolist()),
    fingertips=tuple(f"{finger}_tip" for finger in TIPS),
    looked_at="palm",
)
