"""Turning a cube in the hand: it is held, formulas at states with values worked out by hand."""

import math

import numpy as np
import pytest
import torch

from environments.mujoco_gym.maths import (
    faces_of,
    last_rows,
    product,
    rotate,
    turned,
    turning_of,
)
from environments.mujoco_gym.tasks.hands.oracles import hold_action
from srl3.errors import UserError
from tests.environments.mujoco_gym.tasks.hands.cubes import QUIET, REORIENT, ROTATE, about, put, rewards
from tests.environments.mujoco_gym.worlds import make


@pytest.mark.parametrize(("env_id", "policy", "critic"), [(REORIENT, 87, 135), (ROTATE, 83, 131)])
def test_sizes_and_rate(env_id, policy, critic):
    world = make(env_id, 2)
    assert world.observation_spaces["policy"].shape == (policy,)
    assert world.observation_spaces["critic"].shape == (critic,)
    assert world.action_space.shape == (22,)
    assert world.control_dt == pytest.approx(0.05)
    assert [term.name for term in world.action_terms()] == list(world.robot.joints)
    terms = world.action_terms()
    if env_id == ROTATE:
        assert {term.unit for term in terms} == {"rad"}
        assert terms[-1].scale == pytest.approx(0.6)
        assert [term.offset for term in terms] == pytest.approx(list(world.robot.default_pose))
        return
    assert {term.unit for term in terms} == {"rad/s"}
    assert terms[0].scale == pytest.approx(2.0)
    assert terms[-1].scale == pytest.approx(3.0)


@pytest.mark.parametrize("env_id", [REORIENT, ROTATE])
def test_a_hand_that_stays_still_holds_the_cube(env_id):
    world = make(env_id, 16)
    dropped = torch.zeros(16, dtype=torch.bool)
    for _ in range(80):
        dropped |= world.step(torch.from_numpy(hold_action(world))).terminated
    assert dropped.sum() <= 1
    assert (world.cube_error[~dropped].norm(dim=1) < 0.06).all()
    assert world.object_lin_vel[~dropped].abs().max() < 0.05


def test_targets_move_with_the_actions_and_stay_within_the_joints_limits():
    world = make(REORIENT, 1, **QUIET)
    first = world.target.clone()
    assert torch.equal(first, world.joint_pos)
    action = torch.zeros(1, 22)
    action[0, 0], action[0, 5] = 1.0, -0.5
    world.step(action)
    moved = world.target - first
    assert moved[0, 0].item() == pytest.approx(2.0 * 0.05)
    assert moved[0, 5].item() == pytest.approx(-0.5 * 3 * 0.05)
    assert moved[0, 1:5].abs().max() == 0
    for _ in range(20):
        world.step(torch.ones(1, 22))
    assert torch.equal(world.target[0], world.joint_high)
    assert torch.equal(world.exact("ctrl")[0].float(), world.joint_high)


def test_actions_can_be_the_targets_themselves():
    world = make(REORIENT, 1, control="position", **QUIET)
    world.step(torch.cat([-torch.ones(1, 11), torch.ones(1, 11)], 1))
    assert torch.allclose(world.target[0, :11], world.joint_low[:11])
    assert torch.allclose(world.target[0, 11:], world.joint_high[11:])
    assert world.action_terms()[3].unit == "rad"


def test_actions_can_be_offsets_from_the_default_pose():
    world = make(ROTATE, 1, offset_scale=0.2, **{"actions.moving_average": 1.0}, **QUIET)
    world.step(torch.full((1, 22), 0.5))
    within = (world.default_joint_pos + 0.1).clamp(world.joint_low, world.joint_high)
    assert torch.allclose(world.target[0], within)
    world.step(torch.zeros(1, 22))
    assert torch.allclose(world.target[0], world.default_joint_pos)


def test_turning_targets_follow_a_moving_average_of_the_actions():
    world = make(ROTATE, 1, **QUIET)
    pose = world.default_joint_pos
    for share in (0.2, 0.36):
        world.step(torch.full((1, 22), 0.5))
        within = (pose + share * 0.5 * 0.6).clamp(world.joint_low, world.joint_high)
        assert torch.allclose(world.target[0], within, atol=1e-6)


def test_rewards_of_a_cube_in_its_place_and_beside_it():
    world = make(REORIENT, 1, **QUIET)
    put(world)
    world.goal[:] = torch.tensor([about(2, 0.15)])
    terms = rewards(world)
    assert terms["position"] == 1
    assert terms["orientation"] == 1  # 0.15 rad off, and 0.2 are free
    assert terms["hand_pose"] == terms["dropped"] == terms["success"] == terms["action_rate"] == 0
    joints = world.default_joint_pos[None].clone()
    joints[0, 6] += 0.2
    joints[0, 9] -= 0.1
    put(world, offset=(0.0, 0.04, 0.03), joints=joints)  # 5 cm off: 3 beyond what is free, of a margin of 5
    world.goal[:] = torch.tensor([about(0, 1.2)])
    terms = rewards(world)
    assert terms["position"] == pytest.approx(1 - 0.9 * 0.03 / 0.05, rel=1e-4)
    assert terms["orientation"] == pytest.approx(1 - 0.9 * (1.2 - 0.2) / math.pi, rel=1e-4)
    assert terms["hand_pose"] == pytest.approx(0.2**2 + 0.1**2, rel=1e-4)
    put(world, offset=(0.3, 0.0, 0.0))
    assert rewards(world)["position"] == 0


def test_the_cost_of_actions_is_of_their_first_and_second_differences():
    world = make(REORIENT, 1, **QUIET)
    ones = torch.ones(1, 22)
    costs = []
    for size in (0.1, 0.3, 0.2):
        step = world.step(size * ones)
        costs.append(step.terms[world.term_names().index("action_rate"), 0].item())
    # 0.1; then 0.2 and 0.2 - 0.1; then -0.1 and -0.1 - 0.2
    squares = [0.1**2 + 0.1**2, 0.2**2 + 0.1**2, 0.1**2 + 0.3**2]
    assert costs == pytest.approx([-0.001 * 0.05 * 22 * square for square in squares], rel=1e-4)


def test_energy_is_speed_times_torque():
    world = make(REORIENT, 1, **QUIET)
    for _ in range(3):
        world.step(torch.rand(1, 22) - 0.5)
    world.backend.forward(world.rows)
    world.state_changed()
    torques = [world.backend.data(0)[1].actuator(joint).force[0] for joint in world.robot.joints]
    assert torques == pytest.approx(world.joint_torques[0].tolist(), abs=1e-6)
    expected = (world.joint_vel[0] * world.joint_torques[0]).abs().sum().item()
    assert rewards(world)["energy"] == pytest.approx(expected, rel=1e-5)


def test_a_cube_under_the_palm_is_dropped():
    world = make(REORIENT, 1, **QUIET)
    for drop, dropped in ((0.03, False), (0.06, True)):
        put(world, offset=(0.1, 0.0, -drop))
        assert world.compute_terminations()["dropped"].tolist() == [dropped]
        assert rewards(world)["dropped"] == float(dropped)


# rotating


def test_turning_is_paid_by_its_speed_about_the_vertical_within_limits():
    world = make(ROTATE, 1, **QUIET)
    quarter = torch.tensor([about(0, math.pi / 2)])  # the cube's y axis is up
    turns = ((2, 0.04, 0.8), (2, 0.25, 3.0), (2, -0.25, -5.0), (2, -0.7, -10.0), (0, 0.04, 0.0), (1, 0.04, 0.0))
    for axis, angle, paid in turns:
        world.last_quat[:] = quarter
        put(world, turn=product(torch.tensor([about(axis, angle)]), quarter)[0].tolist())  # in a step of 0.05 s
        world.update()
        assert rewards(world)["turning"] == pytest.approx(paid, abs=1e-4)
    world.update()
    assert rewards(world)["turning"] == pytest.approx(0, abs=1e-4)


def test_a_cube_that_shakes_has_not_turned():
    world = make(ROTATE, 1, **QUIET)
    put(world)
    world.begin(None)
    for angle in (0.4, 0.1, 0.5, 0.0):
        put(world, turn=about(2, angle))
        world.update()
    assert world.turned_by.item() == pytest.approx(0, abs=1e-5)


def test_an_episode_succeeds_by_its_mean_speed():
    world = make(ROTATE, 3, **QUIET)
    world.seconds[:] = 10.0
    world.turned_by[:] = torch.tensor([5.9, 6.1, -7.0])
    assert world.compute_success().tolist() == [False, True, False]
    start = world.turned_by.clone()
    world.step(torch.zeros(3, 22))
    assert torch.allclose(world.turned_by - start, world.turning_speed * 0.05, atol=1e-6)
    assert world.seconds.tolist() == pytest.approx([10.05] * 3)


def test_rows_say_a_turn():
    quat = torch.nn.functional.normalize(torch.randn(20, 4), dim=1)
    rows = last_rows(quat).reshape(20, 2, 3)
    vectors = torch.randn(20, 3)
    expected = rotate(quat, vectors)[:, 1:]
    assert torch.allclose((rows * vectors[:, None]).sum(2), expected, atol=1e-5)


def test_a_turn_is_its_vector():
    vectors = torch.nn.functional.normalize(torch.randn(20, 3), dim=1) * torch.linspace(0, 3.1, 20)[:, None]
    assert torch.allclose(turning_of(turned(vectors)), vectors, atol=1e-4)
    assert torch.allclose(turning_of(-turned(vectors)), vectors, atol=1e-4)
    assert turning_of(torch.tensor([[1.0, 0, 0, 0]])).tolist() == [[0, 0, 0]]


def test_faces_are_those_of_a_cube_of_one_colour():
    flat = faces_of(torch.tensor([about(2, 0.3)]))[0].tolist()
    assert flat == pytest.approx([2 * math.cos(1.2), 2 * math.sin(1.2), 0, 0, 0, 0, 0, 0, 1], abs=1e-6)
    quat = torch.nn.functional.normalize(torch.randn(20, 4), dim=1)
    for axis in range(3):
        same = product(quat, torch.tensor([about(axis, math.pi / 2)]).repeat(20, 1))
        assert torch.allclose(faces_of(same), faces_of(quat), atol=1e-5)
    other = product(quat, torch.tensor([about(1, math.pi / 4)]).repeat(20, 1))
    assert ((faces_of(other) - faces_of(quat)).norm(dim=1) > 0.3).all()
    assert faces_of(quat).norm(dim=1).max() < 3


# randomisation and mistakes


def test_domain_randomisation_is_a_mode():
    plain = make(ROTATE, 4)
    varied = make(ROTATE, 4, domain_randomization=True, **{"randomize.damping": {"range": [2, 2]}})
    assert not plain.backend._varied
    body = varied.backend.model.body("cube").id
    factors = varied.backend.vary("body_mass")[:, body] / varied.config.cube_mass
    assert ((factors > 0.8) & (factors < 1.2)).all()
    assert len(set(factors.tolist())) == 4
    damping = np.asarray(varied.backend.vary("dof_damping"))[:, :22] / varied.backend.model.dof_damping[:22]
    assert (damping == 2).all()  # what is given wins
    assert varied.config.from_kwargs(varied.config.as_dict()) == varied.config


@pytest.mark.parametrize(
    ("env_kwargs", "words"),
    [
        ({"control": "torque"}, "position_delta"),
        ({"cube_size": 0.0}, "cube_size of .* above 0"),
        ({"cube_siz": 0.1}, "cube_size"),
        ({"goal_turn_range": [0.5, 0.1]}, "goal_turn_range of .* must rise"),
        ({"goal_axes": [[1, 0, 0], [0, 0, 0]]}, "each of goal_axes of .* must point somewhere"),
        ({"goal_axis_spread": -1.0}, "goal_axis_spread of .* must be at least 0"),
        ({"goal_axes": [[1e30, 0, 0]]}, "each of goal_axes of .* must point somewhere"),
        ({"goal_ahead_range": [0.5, 5.0]}, "goal_ahead_range of .* must be at most pi"),
        ({"curriculum": [{"after": 4, "values": {"goal_axes": []}}]}, "each of goal_axes of .* must point somewhere"),
        ({"goal_ahead_range": [-1.0, 1.0]}, "goal_ahead_range of .* must be at least 0"),
        ({"first_goal_angle": 4.0}, "first_goal_angle of .* must be at most pi, which is anywhere, not 4"),
        ({"axis_seconds": 0.0}, "axis_seconds of .* above 0"),
        ({"rewards.orientaton": 1.0}, "rewards.orientation"),
        ({"robot": "ant"}, "needs a robot with fingertips, which ant lacks"),
    ],
)
def test_mistakes_are_named(env_kwargs, words):
    with pytest.raises(UserError, match=words):
        make(REORIENT, 1, **env_kwargs)
