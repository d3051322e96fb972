"""Omnirobot's scripted policy for the escape task: it looks ahead, and runs where it is caught latest.

Every plan is a few straight legs. All are played out against a hunting target that moves as far as it does on average,
and the first move of the best plan is made. (With ``escape_overshoot`` at 1 the hunter is nearly as fast as a robot
with discrete moves, which can't escape it for long; the reward is what can be earned all the same.)
"""

import itertools
from functools import cache

import numpy as np

from environments.omnirobot_gym.omnirobot_env import DIRECTIONS, OmnirobotWorld

Legs = tuple[tuple[int, ...], ...]

DISCRETE_LEGS: Legs = ((1, 9, 14), (3, 7, 14), (6, 6, 12), (10, 7, 7), (3, 14, 7))
CONTINUOUS_LEGS: Legs = ((1, 9), (3, 7), (5, 5))
"""Moves of the legs of a plan."""
DISCOUNT = 0.95
SAFETY = 0.02
"""Distance that a plan keeps from ``escape_distance``, because of the noise, metres."""
SPARE, SPARE_WEIGHT = 0.1, 3.0
"""Distance beyond ``escape_distance`` is worth something up to ``SPARE`` metres, this much for each."""
BUMP_COST, FIRST_BUMP_COST = 1.0, 3.0


def escape_moves(world: OmnirobotWorld) -> np.ndarray:
    """``(N, 2) float64``: the best first moves, as parts of ``step_length``."""
    config = world.config
    plans = _plans(config.is_discrete)
    shape = (world.num_envs, len(plans))
    robots = np.broadcast_to(world.command[:, None], (*shape, 2))
    targets = np.broadcast_to(world.target[:, None], (*shape, 2))
    speed = config.target_step * (1 + config.escape_overshoot / 2)
    score, weight = np.zeros(shape), 1.0
    for index in range(plans.shape[1]):
        moves = config.step_length * plans[:, index]
        ends = robots + moves
        seen = ends if index else world.position[:, None] + moves
        outside = np.abs(seen) >= config.bound
        bump = outside[..., 0] | outside[..., 1]
        robots = np.where(bump[..., None], robots, ends)
        offset = robots - targets
        spare = np.sqrt((offset**2).sum(axis=2)) - config.escape_distance
        gain = (
            np.where(spare < 0, -2.0, 0.0)
            + (spare >= (SAFETY if index else 0))
            + SPARE_WEIGHT * np.minimum(spare, SPARE)
        )
        score += weight * (gain - (BUMP_COST if index else FIRST_BUMP_COST) * bump)
        weight *= DISCOUNT
        far = np.abs(offset)
        along_y = far[..., 1] > far[..., 0]
        targets = targets + speed * np.sign(offset) * np.stack([~along_y, along_y], axis=2)
    return plans[score.argmax(axis=1), 0]


@cache
def _plans(discrete: bool) -> np.ndarray:
    """``(plans, moves, 2)``: the plans' moves, as parts of ``step_length``."""
    if discrete:
        directions, legs = DIRECTIONS, DISCRETE_LEGS
    else:
        angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        directions, legs = np.stack([np.cos(angles), np.sin(angles)], axis=1), CONTINUOUS_LEGS
    return np.stack(
        [
            np.repeat(directions[list(turns)], lengths, axis=0)
            for turns in itertools.product(range(len(directions)), repeat=len(legs[0]))
            for lengths in legs
        ]
    )
