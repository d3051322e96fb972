"""Ways from one orientation to another: straight, or by turns of which each is about the vertical or the palm's y.

A hand with its palm up spins a cube about the vertical and rolls it over its fingers, forward and back, which is
quicker; about x, along the fingers, it can hardly turn it. What is to be turned about x is spun by a quarter, rolled
and spun back, or rolled, spun and rolled back.
"""

import math

import torch

from environments.mujoco_gym.maths import atan2, turning_of

ABOUT_X = 6.0
"""what a radian about x costs, in radians about y"""
ABOUT_Z = 1.5
"""and one about z"""
SEVERAL_LEGS = 0.1
"""what a way of several legs costs besides, rad"""
AT_ONCE = 0.1
"""rad: a first leg that is shorter is made with what follows"""


def spin_and_roll(turn: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The first leg of the cheapest way that makes a turn, and what that way costs.

    Five ways are known: the turn at once; and, at `SEVERAL_LEGS` more, those of the Euler angles z-y-z, which spin,
    roll and spin, and y-z-y, which roll, spin and roll, each with a middle leg of at least 0 or at most 0.

    Args:
        turn: ``(K, 4)``, in the world's frame.

    Returns:
        ``(K, 3)``: the first leg, an axis in the world as long as its angle; and ``(K,)``: the cost of all, rad.
    """
    w, x, y, z = turn.unbind(1)
    straight = turning_of(turn)
    prices = straight.new_tensor([ABOUT_X, 1.0, ABOUT_Z])
    costs, legs = [straight.abs() @ prices], [straight]
    # half a turn about the middle between y and z takes the one to the other, and x to -x
    for outer, middle, (a, b, c) in ((2, 1, (x, y, z)), (1, 2, (-x, z, y))):
        for angles in _euler_angles(w, a, b, c):
            sizes = angles.abs()
            costs.append(SEVERAL_LEGS + prices[outer] * (sizes[0] + sizes[2]) + prices[middle] * sizes[1])
            leg = torch.zeros_like(straight)
            begun = sizes[0] < AT_ONCE
            leg[:, outer] = torch.where(begun, 0.0, angles[0])
            leg[:, middle] = torch.where(begun, angles[1], 0.0)
            legs.append(leg)
    cost, which = torch.stack(costs).min(0)
    return torch.stack(legs)[which, torch.arange(len(which), device=which.device)], cost


def _euler_angles(w: torch.Tensor, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> list[torch.Tensor]:
    """Two times ``(3, K)``: angles of which the turn is made about z, then y, then z, with the middle one at least 0,
    and at most 0."""
    half_sum, half_difference = atan2(z, w), atan2(x, y)
    middle = 2 * atan2(torch.sqrt(x * x + y * y), torch.sqrt(w * w + z * z))
    first, last = half_sum + half_difference, half_sum - half_difference
    return [
        torch.stack([_within_half_a_turn(first + offset), sign * middle, _within_half_a_turn(last + offset)])
        for sign, offset in ((1.0, 0.0), (-1.0, math.pi))
    ]


def _within_half_a_turn(angle: torch.Tensor) -> torch.Tensor:
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
