"""Postures of the hand: the twelve coupled controls as joint angles, a palm that holds, a grasp from above."""

from collections.abc import Mapping

import numpy as np

from environments.mujoco_gym.robots.hand import COUPLED, FINGER_JOINTS, FINGERS, joint_kind

CONTROLS = tuple(COUPLED)
"""the twelve controls, in the order of `coupling`'s columns"""

HOLDING: dict[str, float] = {
    "thumb_rotation": 1.2,
    "thumb_angle": 0.2,
    "thumb_flexion": 0.3,
    **{f"{finger}_knuckle": 0.55 for finger in FINGERS},
    **{f"{finger}_curl": 0.6 for finger in FINGERS},
}
"""a bowl: a cube that is put on the upturned palm stays there"""

AROUND_CUBE: dict[str, float] = {
    "thumb_opp": 0.77,
    "thumb_cmc": -0.35,
    "thumb_mcp": 1.09,
    "thumb_ip": 1.03,
    "index_abd": 0.26,
    "index_mcp": 0.41,
    "index_pip": 1.02,
    "index_dip": 0.32,
    "middle_abd": 0.06,
    "middle_mcp": 0.25,
    "middle_pip": 1.50,
    "middle_dip": 0.13,
    "ring_abd": -0.12,
    "ring_mcp": 0.29,
    "ring_pip": 1.20,
    "ring_dip": 0.29,
    "little_abd": 0.35,
    "little_mcp": 0.57,
    "little_pip": 1.28,
    "little_dip": 0.17,
}
"""joints, not controls: the fingertips around a cube of 7 cm on the palm, a few millimetres from its sides, the thumb's
and the little finger's opposite each other; found by inverse kinematics"""
TOWARD_FINGERS = -0.35
"""of the wrist's flexion that lets the palm fall a little toward the fingers, so that a cube stays near them, rad"""

REACHING: dict[str, float] = {
    "thumb_rotation": 0.93,
    "thumb_angle": -0.27,
    "thumb_flexion": 0.0,
    **{f"{finger}_knuckle": 0.03 for finger in FINGERS},
    **{f"{finger}_curl": 0.32 for finger in FINGERS},
}
"""open over an object, the thumb opposite the fingers"""

GRASPING: dict[str, float] = {
    "thumb_rotation": 0.93,
    "thumb_angle": 0.4,
    "thumb_flexion": 1.1,
    **{f"{finger}_knuckle": 0.5 for finger in FINGERS},
    **{f"{finger}_curl": 1.3 for finger in FINGERS},
}
"""closed around a box of 5 cm"""

GRASP_FROM = (-0.114, -0.04, 0.053, 0.0, -0.2, 0.0)
"""the moving base's joints when the hand closes: x and y from the object's, height, yaw, pitch, roll (m, rad)"""
HIGH_ABOVE = 0.22
"""height of the base before and after, metres"""


def coupling() -> np.ndarray:
    """``(20, 12) float64``: targets of the finger joints are this times the controls, cut to the joints' ranges."""
    matrix = np.zeros((len(FINGER_JOINTS), len(CONTROLS)))
    for column, followed in enumerate(COUPLED.values()):
        for joint, share in followed.items():
            matrix[FINGER_JOINTS.index(joint), column] = share
    return matrix


def finger_targets(posture: Mapping[str, float]) -> np.ndarray:
    """``(20,) float64``: the finger joints' angles in a posture, rad; controls that it leaves out are 0."""
    controls = np.array([posture.get(name, 0.0) for name in CONTROLS])
    kinds = [joint_kind(name) for name in FINGER_JOINTS]
    return np.clip(coupling() @ controls, [kind.low for kind in kinds], [kind.high for kind in kinds])
