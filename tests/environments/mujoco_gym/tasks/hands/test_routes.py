"""Ways to an orientation by spins and a roll."""

import math

import pytest
import torch

from environments.mujoco_gym.maths import angle_of, inverse, product, turned
from environments.mujoco_gym.tasks.hands.routes import ABOUT_X, ABOUT_Z, AT_ONCE, SEVERAL_LEGS, spin_and_roll


def way(x=0.0, y=0.0, z=0.0):
    leg, cost = spin_and_roll(turned(torch.tensor([[x, y, z]])))
    return leg[0].tolist(), cost.item()


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("angle", [-3.0, -0.5, 0.1, 2.0])
def test_a_spin_and_a_roll_alone_are_made_at_once(axis, angle):
    leg, cost = way(**{"xyz"[axis]: angle})
    assert leg == pytest.approx([angle if index == axis else 0 for index in range(3)], abs=1e-4)
    assert cost == pytest.approx(abs(angle) * (ABOUT_Z if axis == 2 else 1), abs=1e-4)


def test_a_small_turn_about_x_is_made_at_once_and_a_large_one_between_quarter_rolls():
    leg, cost = way(x=0.3)
    assert leg == pytest.approx([0.3, 0, 0], abs=1e-5)
    assert cost == pytest.approx(0.3 * ABOUT_X, abs=1e-4)
    leg, cost = way(x=2.0)
    assert cost == pytest.approx(math.pi / 2 + ABOUT_Z * 2.0 + math.pi / 2 + SEVERAL_LEGS, abs=1e-4)
    assert [abs(part) for part in leg] == pytest.approx([0, math.pi / 2, 0], abs=1e-4)


def test_a_roll_between_spins_and_a_spin_between_rolls_begin_with_the_first():
    def after(*turns):
        whole = torch.tensor([[1.0, 0, 0, 0]])
        for one in turns:
            whole = product(turned(torch.tensor([one])), whole)
        return spin_and_roll(whole)

    leg, cost = after([0, 0.5, 0.0], [0, 0, 0.9], [0, -0.7, 0.0])
    assert leg[0].tolist() == pytest.approx([0, 0.5, 0], abs=1e-4)
    assert cost.item() == pytest.approx(0.5 + 0.9 * ABOUT_Z + 0.7 + SEVERAL_LEGS, abs=1e-4)
    leg, cost = after([0, 0, 0.4], [0, 2.5, 0], [0, 0, -0.3])
    assert leg[0].tolist() == pytest.approx([0, 0, 0.4], abs=1e-4)
    assert cost.item() == pytest.approx(0.7 * ABOUT_Z + 2.5 + SEVERAL_LEGS, abs=1e-4)


def test_legs_lead_to_any_orientation_at_the_cost_that_was_said():
    generator = torch.Generator().manual_seed(0)
    turn = torch.nn.functional.normalize(torch.randn(200, 4, generator=generator))
    _, cost = spin_and_roll(turn)
    assert cost.max() < ABOUT_Z * 2 * math.pi
    went = torch.zeros(200)
    for _ in range(60):
        leg, left = spin_and_roll(turn)
        assert (left + went <= cost + ABOUT_X * AT_ONCE).all()  # what a leg takes comes off the cost
        step = leg * (0.2 / torch.linalg.norm(leg, dim=1).clamp(min=0.2))[:, None]
        sizes = step.abs()
        went += ABOUT_X * sizes[:, 0] + sizes[:, 1] + ABOUT_Z * sizes[:, 2]
        turn = product(turn, inverse(turned(step)))
    assert angle_of(turn).max() < 1e-3
