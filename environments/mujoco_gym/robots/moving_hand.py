"""The hand on a base that moves in six degrees, palm down: 18 controls, six of the base and twelve of the fingers."""

from functools import partial

from environments.mujoco_gym.robots.hand import BASE_JOINTS, COUPLED, TIPS, hand_spec, joint_names
from environments.mujoco_gym.robots.hand_postures import HIGH_ABOVE, REACHING, finger_targets
from environments.mujoco_gym.robots.robot import Robot

ROBOT = Robot(
    spec=partial(hand_spec, "six"),
    joints=joint_names("six"),
    default_pose=(0.0, 0.0, HIGH_ABOVE, 0.0, 0.0, 0.0, *finger_targets(REACHING).tolist()),
    fingertips=tuple(f"{finger}_tip" for finger in TIPS),
    looked_at="palm",
    controls={**{joint: {joint: 1.0} for joint in BASE_JOINTS}, **COUPLED},
)
