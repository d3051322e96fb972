"""Ways from one orientation to another: straight, or by spins about the vertical and one roll about the palm's y.

A hand with its palm up spins a cube about the vertical and rolls it over its fingers, forward and back; about x, along
the fingers, it can hardly turn it. What is to be turned about x is spun by a quarter, rolled, and spun back.
"""

import math

import torch

from environments.mujoco_gym.maths import atan2, turning_of

ABOUT_X = 6.0
"""what a radian about x costs, in radians about y or z"""
SEVERAL_LEGS = 0.1
"""what a way of several legs costs besides, rad"""
AT_ONCE = 0.1
"""rad: a spin that is shorter is made with what follows"""


def spin_and_roll(turn: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The first leg of the cheapest way that makes a turn, and what that way costs.

    Three ways are known: the turn at once, at `ABOUT_X` for each radian of it about x; and, at `SEVERAL_LEGS` more,
    the two that spin by a, roll by b and spin by c, of the Euler angles z-y-z, ``turn = spin(c) roll(b) spin(a)``,
    with b at least 0 or at most 0.

    Args:
        turn: ``(K, 4)``, in the world's frame.

    Returns:
        ``(K, 3)``: the first leg, an axis in the world as long as its angle; and ``(K,)``: the cost of all, rad.
    """
    w, x, y, z = turn.unbind(1)
    half_sum, half_difference = atan2(z, w), atan2(x, y)
    roll = 2 * atan2(torch.sqrt(x * x + y * y), torch.sqrt(w * w + z * z))
    spins = half_sum + half_difference, half_sum - half_difference
    straight = turning_of(turn)
    sizes = straight.abs()
    costs, legs = [ABOUT_X * sizes[:, 0] + sizes[:, 1] + sizes[:, 2]], [straight]
    nothing = torch.zeros_like(roll)
    for forward, offset in ((roll, 0.0), (-roll, math.pi)):
        first, last = (_within_half_a_turn(spin + offset) for spin in spins)
        costs.append(SEVERAL_LEGS + first.abs() + roll + last.abs())
        rolls = first.abs() < AT_ONCE
        legs.append(torch.stack([nothing, torch.where(rolls, forward, nothing), torch.where(rolls, nothing, first)], 1))
    cost, which = torch.stack(costs).min(0)
    return torch.stack(legs)[which, torch.arange(len(which), device=which.device)], cost


def _within_half_a_turn(angle: torch.Tensor) -> torch.Tensor:
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
