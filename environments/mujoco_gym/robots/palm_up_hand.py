"""The hand on a wrist, its palm up, its fingers around a cube that lies there: 22 joints, 22 actions."""

from functools import partial

from environments.mujoco_gym.robots.hand import FINGER_JOINTS, TIPS, hand_spec, joint_names
from environments.mujoco_gym.robots.hand_postures import AROUND_CUBE, TOWARD_FINGERS
from environments.mujoco_gym.robots.robot import Robot

ROBOT = Robot(
    spec=partial(hand_spec, "wrist"),
    joints=joint_names("wrist"),
    default_pose=(TOWARD_FINGERS, 0.0, *(AROUND_CUBE[joint] for joint in FINGER_JOINTS)),
    fingertips=tuple(f"{finger}_tip" for finger in TIPS),
    looked_at="palm",
)
