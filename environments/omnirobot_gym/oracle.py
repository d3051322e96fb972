"""What Omnirobot can earn: scripted policies that see the world itself, one for each kind of task.

But for the escape task, they choose, among a number of moves none of which bumps, the one whose end is best (noise left
out). The continuous ones look at 48 directions, at full and at half speed, and at standing still.
"""

import numpy as np

from environments.omnirobot_gym.config import PATHS, Task
from environments.omnirobot_gym.escape_oracle import escape_moves
from environments.omnirobot_gym.omnirobot_env import DIRECTIONS, OmnirobotWorld

PATH_POINTS = 360
AHEAD = 0.15
"""How far ahead on its path the robot aims, metres."""
TURN_WEIGHT = 0.05
"""Cost (square metres) of a path's place whose direction is at right angles to the robot's last move."""


def scripted_action(world: OmnirobotWorld) -> np.ndarray:
    """The action of each of N robots: ``(N,) int64``, or ``(N, 2) float32`` for continuous actions."""
    config = world.config
    if config.task is Task.ESCAPE:
        first = escape_moves(world)
        if config.is_discrete:
            return np.linalg.norm(DIRECTIONS - first[:, None], axis=2).argmin(axis=1)
        return first.astype(np.float32)
    candidates = DIRECTIONS if config.is_discrete else _continuous_candidates()
    moves = config.step_length * candidates
    places = world.command[:, None] + moves
    if config.task in PATHS:
        cost = np.linalg.norm(places - _aim(world)[:, None], axis=2)
    elif config.task is Task.CHASE:
        cost = _chase_cost(world, places)
    else:
        cost = np.linalg.norm(places - world.target[:, None], axis=2)
    ends = world.position[:, None] + moves
    bump = (np.abs(ends) > config.bound - 1e-6).any(axis=2)
    best = np.where(bump, np.inf, cost).argmin(axis=1)
    return best if config.is_discrete else candidates[best].astype(np.float32)


def _continuous_candidates() -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.concatenate([directions, directions / 2, np.zeros((1, 2))])


def path(task: Task, radius: float) -> np.ndarray:
    """``(PATH_POINTS, 2)``: places on a task's path, metres, counter-clockwise (the eight: its right half)."""
    turn = np.linspace(0, 2 * np.pi, PATH_POINTS, endpoint=False)
    cos, sin = np.cos(turn), np.sin(turn)
    if task is Task.CIRCLE:
        return radius * np.stack([cos, sin], axis=1)
    if task is Task.SQUARE:
        return radius * np.stack([cos, sin], axis=1) / np.maximum(np.abs(cos), np.abs(sin))[:, None]
    reach = np.sqrt(2) * radius / (1 + sin**2)
    return np.stack([reach * cos, reach * sin * cos], axis=1)


def _aim(world: OmnirobotWorld) -> np.ndarray:
    """``(N, 2)``: the place on the path to aim at."""
    config = world.config
    points = path(config.task, config.radius)
    following = np.roll(points, -1, axis=0) - points
    lengths = np.linalg.norm(following, axis=1)
    along = following / lengths[:, None]
    squares = ((world.command[:, None] - points) ** 2).sum(axis=2)
    if config.task is Task.EIGHT:
        before = world.recent[np.arange(world.num_envs), (world.applied - 1) % config.history]
        last = (world.position - before) / config.step_length
        squares -= TURN_WEIGHT * last @ along.T
    nearest = squares.argmin(axis=1)
    arcs = np.concatenate([[0.0], np.cumsum(np.tile(lengths, 2))])
    return points[np.searchsorted(arcs, arcs[nearest] + AHEAD) % PATH_POINTS]


def _chase_cost(world: OmnirobotWorld, places: np.ndarray) -> np.ndarray:
    config = world.config
    middle = (config.chase_near + config.chase_far) / 2
    return np.abs(np.linalg.norm(places - world.next_chased_target()[:, None], axis=2) - middle)
