"""Goals: seen, told, reached, ahead; what a cube's way to them pays."""

import math

import numpy as np
import pytest
import torch

from environments.mujoco_gym.maths import (
    angle_of,
    angles_of,
    inverse,
    normalised,
    product,
    quat_of_angles,
    turned,
    turning_of,
)
from environments.mujoco_gym.tasks.hands.in_hand import turn_between
from tests.environments.mujoco_gym.tasks.hands.cubes import QUIET, REORIENT, about, put, rewards
from tests.environments.mujoco_gym.worlds import make


def test_the_turn_to_the_goal_is_seen():
    world = make(REORIENT, 1, **QUIET)
    put(world, turn=about(2, 0.5))
    world.goal[:] = torch.tensor([about(2, 0.5 + math.pi / 2)])
    rows = world.compute_observations()["policy"]["turn_to_goal"][0].tolist()
    assert rows == pytest.approx([1, 0, 0, 0, 0, 1], abs=1e-6)  # of a quarter turn about z
    vector = world.compute_observations()["policy"]["turn_vector"][0].tolist()
    assert vector == pytest.approx([0, 0, math.pi / 2], abs=1e-5)
    assert world.angle_to_goal.item() == pytest.approx(math.pi / 2, abs=1e-5)
    put(world)
    error = world.compute_observations()["policy"]["cube_pos"][0].tolist()
    assert error == pytest.approx([0, 0, 0], abs=1e-6)


def test_a_goal_that_a_person_set_stays_and_is_reached_once():
    world = make(REORIENT, 2, **QUIET)
    world.set_command((0.0, 0.0, 90.0))
    assert torch.allclose(world.goal, torch.tensor([about(2, math.pi / 2)] * 2))
    assert torch.allclose(world.exact("mocap_quat")[:, 0].float(), world.goal), "it is shown at once"
    np.testing.assert_allclose(world.commands(), [[0, 0, 90]] * 2, atol=1e-3)
    put(world, turn=about(2, math.pi / 2))
    paid = [world.step(torch.zeros(2, 22)).terms[world.term_names().index("success")].tolist() for _ in range(2)]
    assert paid[0] == pytest.approx([100, 100])
    assert paid[1] == [0, 0]
    assert world.goals.tolist() == [1, 1]
    world.set_command((0.0, 0.0, 90.0))  # told again, it is reached again
    put(world, turn=about(2, math.pi / 2))
    world.step(torch.zeros(2, 22))
    assert world.goals.tolist() == [2, 2]
    world.reset()
    np.testing.assert_allclose(world.commands(), [[0, 0, 90]] * 2, atol=1e-3)
    assert world.goals.tolist() == [0, 0]
    world.set_command(None)
    world.reset()
    drawn = world.commands()
    assert np.abs(drawn[0] - drawn[1]).max() > 1


def test_angles_say_a_turn_and_a_turn_its_angles():
    """Roll, then pitch, then yaw, about fixed axes; also where roll and yaw are one axis."""
    turns = quat_of_angles(torch.tensor([[0.3, -0.4, 2.0], [0.3, math.pi / 2, -1.0]]))
    for turn, (roll, pitch, yaw) in zip(turns, ((0.3, -0.4, 2.0), (0.3, math.pi / 2, -1.0)), strict=True):
        about_x, about_y, about_z = (torch.tensor([about(axis, a)]) for axis, a in enumerate((roll, pitch, yaw)))
        torch.testing.assert_close(turn, product(about_z, product(about_y, about_x))[0])
    back = angles_of(turns)
    torch.testing.assert_close(back[0], torch.tensor([0.3, -0.4, 2.0]))
    assert back[1, 0] == 0
    drawn = normalised(torch.from_numpy(np.random.default_rng(0).normal(size=(200, 4))).float())
    again = quat_of_angles(angles_of(torch.cat([turns, drawn])))
    assert angle_of(product(again, inverse(torch.cat([turns, drawn])))).max() < 1e-3


def test_a_reached_goal_pays_once_and_turns_on():
    world = make(REORIENT, 2, **QUIET)
    put(world)
    world.goal[:] = torch.tensor([about(0, 0.0), about(0, 1.0)])
    before = world.goal.clone()
    names, step = world.term_names(), world.step(torch.zeros(2, 22))
    assert step.terms[names.index("success")].tolist() == pytest.approx([100, 0])
    assert step.success.tolist() == [True, False]
    assert world.goals.tolist() == [1, 0]
    turn = world.goal_turn[0].clone()
    assert ((turn >= 0.1) & (turn <= 0.5)).all()
    world.step(torch.zeros(2, 22))
    step_turn = angle_of(product(world.goal, before * torch.tensor([1.0, -1, -1, -1])))
    assert step_turn[0].item() == pytest.approx(turn.norm().item(), rel=1e-3)
    assert step_turn[1].item() == pytest.approx(0, abs=1e-3)
    assert torch.allclose(world.goal_turn[0], 0.8 * turn)
    shown = world.exact("mocap_quat")[:, 0].float()
    assert torch.allclose(shown, world.goal)


def test_a_goal_that_turns_on_slowly_is_reached_once():
    world = make(REORIENT, 1, success_angle=0.6, goal_turn_range=(0.05, 0.05), **QUIET)
    put(world)
    world.goal[:] = world.constant(about(0, 0.0))
    reached = []
    for _ in range(9):  # it turns by 0.09, 0.16, 0.21 … and 0.43 at last
        put(world)
        world.update()
        reached.append(world.reached.item())
    assert reached == [True] + 8 * [False]
    assert world.angle_to_goal.item() < 0.6
    put(world, turn=about(1, 2.0))
    world.update()
    put(world)
    world.update()
    assert world.reached.item()
    assert world.goals.item() == 2


def test_the_first_goal_can_be_near():
    world = make(REORIENT, 60, first_goal_angle=0.5)
    assert world.angle_to_goal.max() <= 0.5 + 1e-4
    assert world.angle_to_goal.max() > 0.3
    anywhere = make(REORIENT, 60)
    assert anywhere.angle_to_goal.max() > 2.5
    assert anywhere.angle_to_goal.min() > 0.1


def test_coming_nearer_to_the_goal_can_be_paid_and_its_own_turning_is_not():
    world = make(REORIENT, 1, **QUIET)
    put(world, turn=about(2, 0.2))
    world.goal[:], world.goal_turn[:] = world.constant(about(2, 1.0)), world.constant([0.0, 0.0, 0.3])
    world._note_goal()
    assert world.last_angle.item() == pytest.approx(0.8, abs=1e-4)
    put(world, turn=about(2, 0.3))
    world.update()  # in 0.05 s
    assert rewards(world)["turning"] == pytest.approx(0.1 / 0.05, abs=1e-3)
    assert world.angle_to_goal.item() == pytest.approx(1.0, abs=1e-4)  # the goal went on by 0.3
    put(world, turn=about(2, 0.25))
    world.goal_turn.zero_()
    world.update()
    assert rewards(world)["turning"] == pytest.approx(-0.05 / 0.05, abs=1e-3)


def test_on_another_route_its_next_leg_is_shown_and_paid():
    world = make(REORIENT, 1, goal_route="spin_and_roll", **QUIET)
    put(world, turn=about(0, 0.0))
    world.goal[:] = world.constant(about(0, 2.0))
    world._note_goal()
    leg = world.way_to_goal[0, 1].item()
    assert world.way_to_goal[0].tolist() == pytest.approx([0, math.copysign(math.pi / 2, leg), 0], abs=1e-3)
    terms = world.compute_observations()["critic"]
    assert torch.equal(terms["turn_vector"], world.way_to_goal)
    rows = [0, math.cos(2.0), -math.sin(2.0), 0, math.sin(2.0), math.cos(2.0)]
    assert terms["turn_to_goal"][0].tolist() == pytest.approx(rows, abs=1e-3)
    put(world, turn=about(1, math.copysign(0.1, leg)))
    world.update()
    assert rewards(world)["turning"] == pytest.approx(0.1 / 0.05, abs=1e-2)
    assert world.angle_to_goal.item() > 2.0  # though the goal is no nearer
    put(world, turn=about(0, 1.85))
    world.update()
    assert world.way_to_goal[0].tolist() == pytest.approx([0.15, 0, 0], abs=1e-3)
    assert not world.reached.any()
    put(world, turn=about(0, 1.95))
    world.update()
    assert world.goals.tolist() == [1]
    ahead = make(REORIENT, 1, goal_route="spin_and_roll", goal_ahead_range=(0.8, 0.8), goal_axes=((1, 0, 0),), **QUIET)
    ahead.lead_about(ahead.constant([[1.0, 0.0, 0.0]]))
    assert ahead.way_to_goal[0].tolist() == pytest.approx([0.8, 0, 0], abs=1e-3)  # there it is about its axis


def test_a_goal_can_stay_ahead_of_the_cube():
    world = make(REORIENT, 2, goal_ahead_range=(0.8, 0.8), goal_axis_spread=5.0, axis_seconds=0.2, **QUIET)
    assert world.angle_to_goal.tolist() == pytest.approx([0.8, 0.8], abs=1e-4)
    world.goal_axis[:] = world.constant([0.0, 0.0, 1.0])
    put(world, turn=about(2, 0.0))
    world.goal[:] = world.constant(about(2, 0.8))
    world._note_goal()
    put(world, turn=about(2, 0.1))
    world.update()
    assert rewards(world)["turning"] == pytest.approx(0.1 / 0.05, abs=1e-3)
    assert turning_of(turn_between(world.object_quat, world.goal))[0].tolist() == pytest.approx([0, 0, 0.8], abs=1e-4)
    assert world.goals.tolist() == [0, 0]
    world.elapsed[:] = 3  # the next step is the fourth: after 0.2 s the axis changes
    world.update()
    assert torch.linalg.norm(world.goal_axis, dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert not torch.equal(world.goal_axis[0], world.constant([0.0, 0.0, 1.0]))
    assert not torch.equal(world.goal_axis[0], world.goal_axis[1])
    near = make(REORIENT, 50, goal_ahead_range=(0.8, 0.8), goal_axes=((0.0, 2.0, 0.0),), goal_axis_spread=0.1).goal_axis
    assert near[:, 1].min() > 0.8
    both = make(REORIENT, 50, goal_ahead_range=(0.8, 0.8), goal_axes=((0, 2, 0), (0, 0, -1)), goal_axis_spread=0.0)
    assert {tuple(axis) for axis in both.goal_axis.tolist()} == {(0, 1, 0), (0, 0, -1)}
    some = make(REORIENT, 50, goal_ahead_range=(0.2, 3.0), goal_axis_spread=5.0)
    assert torch.allclose(some.angle_to_goal, some.goal_lead, atol=1e-3)
    assert some.goal_lead.min() < 0.6
    assert some.goal_lead.max() > 2.6
    anywhere = some.goal_axis
    assert (anywhere.amin(0) < -0.5).all()
    assert (anywhere.amax(0) > 0.5).all()


def test_a_cube_that_rocks_or_wobbles_before_a_goal_ahead_earns_nothing():
    world = make(REORIENT, 1, goal_ahead_range=(0.8, 0.8), **QUIET)
    world.goal_axis[:] = world.constant([0.0, 0.0, 1.0])
    put(world, turn=about(2, 0.0))
    world.goal[:] = world.constant(about(2, 0.8))
    world._note_goal()

    def paid(*turn: float) -> float:
        put(world, turn=turned(torch.tensor([turn]))[0].tolist())
        world.update()
        return rewards(world)["turning"] * world.control_dt

    assert [paid(0, 0, 0.1), paid(0, 0, 0), paid(0, 0, 0.1)] == pytest.approx([0.1, -0.1, 0.1], abs=1e-4)
    assert world.angle_to_goal.item() == pytest.approx(0.8, abs=1e-4)  # it went on by 0.1, and only once
    cone = [paid(0.2 * math.cos(angle), 0.2 * math.sin(angle), 0.1) for angle in np.linspace(0, 4 * math.pi, 60)]
    assert abs(sum(cone) + paid(0, 0, 0.1)) < 0.02  # a tilt that goes round turns the cube about z all the time


def test_an_episode_succeeds_after_so_many_goals():
    world = make(REORIENT, 1, goals_for_success=2, **QUIET)
    world.goals[:] = 1
    assert world.compute_success().tolist() == [False]
    world.goals[:] = 2
    assert world.compute_success().tolist() == [True]


def test_a_curriculum_changes_the_axes_of_goals():
    stages = [{"after": 2, "values": {"goal_axes": [[0, 0, 1], [0, 0, -1]]}}]
    ahead = {"goal_ahead_range": (0.8, 0.8), "goal_axis_spread": 0.0, "axis_seconds": 0.05}
    world = make(REORIENT, 4, curriculum=stages, goal_axes=((1, 0, 0),), **ahead, **QUIET)
    world.reset()
    assert world.goal_axis[:, 0].tolist() == [1.0] * 4
    for _ in range(4):
        world.step(np.zeros((4, 22), np.float32))
    assert (world.goal_axis[:, 2].abs() == 1).all()
