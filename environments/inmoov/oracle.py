"""Scripted policies that solve the InMoov worlds from positions of hand and target, with every kind of action."""

import numpy as np

from environments.inmoov.inmoov_button_gym_env import InmoovButtonGymEnv
from environments.inmoov.inmoov_gym_env import CLOSE_HAND, InmoovGymEnv
from environments.inmoov.model.kinematics import N_SOLVED, ArmKinematics
from environments.inmoov.robot import CONTROL_JOINTS, RIGHT_ARM

AT_THE_FRUIT = 0.03
"""So near to the fruit the hand closes, metres."""
JOINT_STEPS = 20
"""Iterations of the inverse kinematics for joint actions."""


def reach_action(env: InmoovGymEnv) -> int | np.ndarray:
    """Straight to the fruit, along the longest error with discrete actions; there, close the hand."""
    error = env.target_pos() - env.hand_pos()
    if env.config.action_joints:
        return _joint_action(env, env.target_pos())
    if not env.config.is_discrete:
        return np.clip(error / env.config.delta_v_continuous, -1, 1).astype(np.float32)
    if np.linalg.norm(error) < AT_THE_FRUIT:
        return CLOSE_HAND
    return _longest(error)


def press_action(env: InmoovButtonGymEnv) -> int | np.ndarray:
    """Come above the button, the more exactly the lower, then down."""
    error = env.target_pos() - env.hand_pos()
    sideways, above = float(np.abs(error[:2]).max()), max(-float(error[2]), 0.0)
    aligned = sideways <= 0.02 + 0.15 * above
    if env.config.action_joints:
        return _joint_action(env, env.target_pos() - (0, 0, 0.03 if aligned else -0.05))
    if not env.config.is_discrete:
        return np.clip([*(error[:2] / env.config.delta_v_continuous), -float(aligned)], -1, 1).astype(np.float32)
    return 4 if aligned else _longest(error * (1, 1, 0))


def _longest(error: np.ndarray) -> int:
    axis = int(np.argmax(np.abs(error)))
    return 2 * axis + int(error[axis] > 0)


def _joint_action(env: InmoovGymEnv | InmoovButtonGymEnv, goal: np.ndarray) -> np.ndarray:
    """Towards angles of the right arm that bring the hand to ``goal``; the other joints stay."""
    robot = env.robot
    arm = [CONTROL_JOINTS.index(name) for name in RIGHT_ARM]
    kinematics = ArmKinematics("right")
    angles = robot.joint_goals[arm].tolist()
    bounds = [(joint.low, joint.high) for joint in kinematics.joints[:N_SOLVED]]
    x, y, z = goal.tolist()
    solved = kinematics.step_towards(angles, (x, y, z), env.config.start_right_arm, bounds, JOINT_STEPS)
    action = np.zeros(len(CONTROL_JOINTS))
    action[arm] = np.subtract(solved, angles) / robot.joint_steps[arm]
    return np.clip(action, -1, 1).astype(np.float32)
