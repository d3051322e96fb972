"""What the mobile robots can earn: a greedy policy that sees the ground truth and never chooses a bumping move."""

import numpy as np

from environments.mobile_robot.config import MobileRobotLineTargetConfig
from environments.mobile_robot.mobile_robot_env import DIRECTIONS, MobileRobotWorld


def greedy_action(world: MobileRobotWorld) -> np.ndarray:
    """The move that brings each robot nearest to its target among those that don't bump (noise left out).

    The continuous policy heads straight for the target, for the nearest place where a robot can be where the target
    lies beyond the wall's margin. Within reach of it, robots go on to that place too. With a line as the target, it is
    the nearest place in front of the line.

    Args:
        world: N mobile robots, of any of the four worlds.

    Returns:
        ``(N,) int64``, or ``(N, 2) float32`` for continuous actions.
    """
    target = world.target
    if isinstance(world.config, MobileRobotLineTargetConfig):
        target = np.stack([target[:, 0] - world.config.line_offset, world.position[:, 1]], axis=1)
    if world.config.is_discrete:
        places = world.position[:, None] + DIRECTIONS[: 2 * world.axes] * world.config.step_length
        bump = ((places < world.low) | (places > world.high)).any(axis=2)
        distance = np.linalg.norm(places - target[:, None], axis=2)
        return np.where(bump, np.inf, distance).argmin(axis=1)
    goal = np.clip(target, world.low, world.high)
    action = (goal - world.position) / world.config.step_length
    # the largest component becomes 1, so that the robot keeps to the straight line at full speed
    action /= np.maximum(1.0, np.abs(action).max(axis=1, keepdims=True))
    rounded = action.astype(np.float32)
    place = world.position + rounded.astype(np.float64) * world.config.step_length
    # single precision may round a place on the margin to beyond it
    rounded[(place < world.low) | (place > world.high)] = 0
    return rounded
