"""A scripted policy for every Kuka world, which sees the arm's goal and the buttons. It never moves joints directly."""

import math

import numpy as np

from environments.bullet import pybullet as p
from environments.kuka_gym.kuka_button_gym_env import DIRECTIONS, KukaButtonGymEnv
from environments.kuka_gym.kuka_moving_button_gym_env import KukaMovingButtonGymEnv
from environments.kuka_gym.scene import Point

FLANGE_LINK = 6
ALIGNED = 0.03
"""At the height of the target the gripper may be this far beside it, metres; farther up, farther by ``SLOPE``."""
SLOPE = 0.1
PASSING = 0.08
"""How far above a button's target the hand crosses the table, metres."""
PRESSING = -0.1
"""Where, above a button's target, the hand aims when it pushes: the cap stops it, metres."""
WAITING = -0.04
"""How far above a moving button's target the hand waits for it, so that the cap bumps into it, metres."""
CLEAR = 0.15
"""The hand goes down to wait when the moving button is farther than this, metres."""


def scripted_action(env: KukaButtonGymEnv) -> "int | np.ndarray":
    """The action that brings the arm's goal nearer to where the hand should go next.

    Works with discrete and continuous actions; with ``force_down`` the hand is never sent up.
    """
    x, y, z = _wanted(env)
    goal_x, goal_y, goal_z = env._arm.effector_goal
    errors = [x - goal_x, y - goal_y, z - goal_z]
    if env.config.force_down:
        errors[2] = min(errors[2], 0.0)
    if env.config.is_discrete:
        return int(np.argmax(np.array(DIRECTIONS) @ errors))
    return np.clip(np.array(errors) / env.config.delta_v_continuous, -1, 1).astype(np.float32)


def _wanted(env: KukaButtonGymEnv) -> Point:
    """Where the hand's goal should be, metres."""
    x, y, z = env._gripper
    flange = p.getLinkState(env._arm.body, FLANGE_LINK, 0, 1, env._scene.client)[4]
    target_x, target_y, target_z = env._target
    moving = isinstance(env, KukaMovingButtonGymEnv)
    above_x, above_y = target_x, 0.0 if moving else target_y
    hand_x, hand_y, hand_z = above_x + flange[0] - x, above_y + flange[1] - y, target_z + flange[2] - z
    aligned = math.dist((x, y), (above_x, above_y)) <= ALIGNED + SLOPE * max(z - target_z, 0.0)
    low = z < target_z + PASSING / 2
    if moving:
        down = aligned and (low or abs(target_y) > CLEAR)
        return hand_x, hand_y, hand_z + (WAITING if down else PASSING)
    if aligned:
        return hand_x, hand_y, hand_z + PRESSING
    if low and not env.config.force_down:
        goal_x, goal_y, _ = env._arm.effector_goal
        return goal_x, goal_y, hand_z + PASSING
    return hand_x, hand_y, hand_z + PASSING
