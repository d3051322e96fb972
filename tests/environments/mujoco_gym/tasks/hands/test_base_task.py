"""The base task of DexHand: formulas at states with values worked out by hand, success, failure, controls."""

import math

import pytest
import torch

from environments.mujoco_gym.robots.hand import FINGER_JOINTS
from environments.mujoco_gym.tasks.hands.oracles import raise_action
from tests.environments.mujoco_gym.worlds import make

BASE = "DexHandBaseGymEnv-v0"


def put(world, controls=None, velocity=None):
    """The controls where they are asked to be, by name; the others at 0, and the height at 0.5 m."""
    values = torch.zeros(world.num_envs, 18)
    speeds = torch.zeros(world.num_envs, len(world.robot.joints))
    values[:, 2] = 0.5
    for name, value in (controls or {}).items():
        values[:, world.number(name)] = value
    for joint, speed in (velocity or {}).items():
        speeds[:, world.robot.joints.index(joint)] = speed
    world.set_robot(world.joint_targets(values), speeds)
    world.backend.forward(world.rows)
    world.state_changed()


def rewards(world):
    return {name: values[0].item() for name, values in world.compute_task_rewards().items()}


def test_sizes_and_rate():
    world = make(BASE, 1)
    assert world.observation_space.shape == (224,)
    assert world.action_space.shape == (18,)
    assert world.control_dt == pytest.approx(0.02)
    terms = world.action_terms()
    assert [term.name for term in terms][:7] == [*world.robot.joints[:6], "thumb_rotation"]
    assert [(term.unit, term.scale) for term in terms[2:4]] == [
        ("m/s", pytest.approx(0.5)),
        ("rad/s", pytest.approx(1.5)),
    ]
    assert terms[6].scale == pytest.approx(1.0)
    assert [term.joint for term in terms[2:9]] == [*world.robot.joints[2:6], None, None, None]
    sizes = {term.name: term.size for term in world.observation_terms()}
    assert sum(sizes.values()) == 224
    assert sizes["tips_world"] == sizes["pads_palm"] == 35
    assert all(len(term.elements) in (0, term.size) for term in world.observation_terms())


def test_one_control_moves_its_joints_by_their_shares():
    world = make(BASE, 1)
    controls = torch.zeros(1, 18)
    controls[0, world.number("spread")] = 0.1
    controls[0, world.number("index_curl")] = 1.0
    targets = dict(zip(world.robot.joints, world.joint_targets(controls)[0].tolist(), strict=True))
    moved = {joint: pytest.approx(angle) for joint, angle in targets.items() if angle}
    assert moved == {"index_abd": -0.1, "ring_abd": 0.1, "little_abd": 0.2, "index_pip": 1.0, "index_dip": 0.8}
    assert set(targets) - {*world.robot.joints[:6]} == set(FINGER_JOINTS)


def test_a_still_hand_at_its_height_gets_all_but_the_bonus():
    world = make(BASE, 1)
    put(world, {"thumb_rotation": 0.9, **{f"{f}_knuckle": 0.5 for f in ("index", "middle", "ring", "little")},
                **{f"{f}_curl": 0.5 for f in ("index", "middle", "ring", "little")}})  # fmt: skip
    terms = rewards(world)
    bonus = {"success", "failure", "joint_limit"}
    assert {name: terms[name] for name in terms if name not in bonus} == {
        name: pytest.approx(1, abs=1e-5) for name in terms if name not in bonus
    }
    assert terms["success"] == terms["failure"] == 0
    beyond = (world._soft_low - world.joint_pos).clamp(min=0) + (world.joint_pos - world._soft_high).clamp(min=0)
    assert terms["joint_limit"] == pytest.approx(math.exp(-beyond.sum().item()), rel=1e-5)


def test_terms_at_other_heights_and_speeds():
    world = make(BASE, 1)
    put(world, {"base_z": 0.3}, {"base_x": 0.15, "base_y": -0.2, "base_yaw": 0.5, "index_mcp": 2.0})
    terms = rewards(world)
    assert terms["height"] == pytest.approx(math.exp(-0.2 / 0.2), rel=1e-5)
    assert terms["hand_velocity"] == pytest.approx(math.exp(-(0.25**2) / 0.25**2), rel=1e-5)
    assert terms["hand_angular_velocity"] == pytest.approx(math.exp(-(0.5**2) / 0.75**2), rel=1e-5)
    assert terms["finger_velocity"] == pytest.approx(math.exp(-(4 / 12) / 1.0), rel=1e-5)
    world.accel[:] = 0
    world.accel[0, 0], world.accel[0, 5], world.accel[0, 8] = 12.5, 37.5, 100.0
    terms = rewards(world)
    assert terms["hand_acceleration"] == pytest.approx(math.exp(-1), rel=1e-5)
    assert terms["hand_angular_acceleration"] == pytest.approx(math.exp(-1), rel=1e-5)
    assert terms["finger_acceleration"] == pytest.approx(math.exp(-(100**2) / 12 / 50**2), rel=1e-5)
    world.same_touches[0, :2] = False
    assert rewards(world)["contact_stability"] == pytest.approx(3 / 5)


def test_low_fingertips_and_a_palm_on_the_ground_cost():
    world = make(BASE, 1)
    put(world, {"base_z": 0.1, "index_knuckle": 1.5})
    lowest = world.fingertip_positions[..., 2].min().item()
    assert lowest < 0.05
    assert rewards(world)["height_safety"] == pytest.approx(math.exp(-(0.05 - lowest) / 0.02), rel=1e-4)
    assert rewards(world)["failure"] == 0
    put(world, {"base_z": 0.02})
    assert rewards(world)["failure"] == 1
    assert world.compute_terminations()["on_ground"].tolist() == [True]


def test_acceleration_is_the_change_of_velocity():
    world = make(BASE, 1)
    before = world.control_vel.clone()
    world.step(torch.ones(1, 18))
    assert torch.allclose(world.accel, (world.control_vel - before) / 0.02)
    assert world.accel.abs().max() > 1


def test_the_hand_succeeds_once_after_a_second_at_its_height():
    world = make(BASE, 2)
    success = world.term_names().index("success")
    bonus, steps = torch.zeros(2), []
    for number in range(110):
        step = world.step(torch.from_numpy(raise_action(world)))
        bonus += step.terms[success]
        steps.append(step.success.clone())
        assert not step.terminated.any(), number
    assert bonus.tolist() == [10.0, 10.0]
    assert steps[-1].all()
    assert not steps[40].any()
    put(world, {"base_z": 0.2})
    assert world.step(torch.zeros(2, 18)).success.all()  # it has succeeded, whatever comes


def test_a_hand_that_stands_still_stays_and_gets_all_but_height_and_bonus():
    world = make(BASE, 8)
    start = world.joint_pos.clone()
    for _ in range(60):
        step = world.step(torch.zeros(8, 18))
        assert not step.terminated.any()
    assert (world.joint_pos - start).abs().max() < 0.02
    weights = world.config.rewards
    for name, values in zip(world.term_names(), step.terms, strict=True):
        if name not in ("height", "success", "failure", "joint_limit"):
            assert values.tolist() == pytest.approx([weights[name]] * 8, rel=1e-3), name


def test_tips_are_told_in_both_frames():
    world = make(BASE, 1)
    put(world, {"base_yaw": math.pi / 2, "base_x": 0.1})
    terms = world.compute_observations()["policy"]
    tips, palm = world.fingertip_positions[0], world.palm_pos[0]
    assert terms["tips_world"].reshape(5, 7)[:, :3].tolist() == tips.tolist()
    offset = tips - palm  # the palm looks down (x ahead, y to the right), and is turned left
    ahead, right, down = offset[:, 1], offset[:, 0], -offset[:, 2]
    in_palm = terms["tips_palm"].reshape(5, 7)[:, :3]
    assert torch.allclose(in_palm, torch.stack([ahead, right, down], 1), atol=1e-5)
    assert terms["hand_pose"][0, :3].tolist() == pytest.approx([0.1, 0, 0.5], abs=1e-6)
    assert terms["pads_palm"].reshape(5, 7)[1, 2] > in_palm[1, 2]  # a finger's pad looks where the palm does
