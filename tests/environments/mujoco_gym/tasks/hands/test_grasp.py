"""Grasping by touch: a scripted grasp succeeds, the stages, formulas at states with values worked out by hand."""

import math

import pytest
import torch

from environments.mujoco_gym.robots.hand_postures import CONTROLS, GRASP_FROM, REACHING
from environments.mujoco_gym.tasks.hands.oracles import grasp_action
from srl3.errors import UserError
from tests.environments.mujoco_gym.worlds import make

GRASP = "DexHandGraspGymEnv-v0"
SHORT = {"pregrasp_seconds": 2.0, "lift_hold_seconds": 0.4}
EXACT = {"box_noise": 0.0}


def put(world, controls=None, box=(0.0, 0.0, 0.025)):
    """The hand ready to grasp from, but for these controls; the box at ``box``, m."""
    values = torch.zeros(world.num_envs, 18)
    values[:, :6] = torch.tensor(GRASP_FROM)
    values[:, 6:] = torch.tensor([REACHING.get(name, 0.0) for name in CONTROLS])
    for name, value in (controls or {}).items():
        values[:, world.number(name)] = value
    world.set_robot(world.joint_targets(values))
    poses = torch.tensor([[*box, 1.0, 0.0, 0.0, 0.0]]).repeat(world.num_envs, 1)
    world.put_object(poses[:, :3], poses[:, 3:])
    world.backend.forward(world.rows)
    world.state_changed()


def rewards(world):
    return {name: values[0].item() for name, values in world.compute_task_rewards().items()}


def felt(world, forces):
    """The fingertips feel these forces, N, until the next step."""
    world.backend.read("sensordata")[:, world._touch] = torch.tensor(forces)
    world.state_changed()


def test_sizes():
    world = make(GRASP, 2)
    assert world.observation_spaces["policy"].shape == (158,)
    assert world.observation_spaces["critic"].shape == (178,)
    names = {term.name for term in world.observation_terms() if term.group == "policy"}
    assert not any(name.startswith("box") for name in names)  # blind
    assert world.control_dt * world.config.max_steps == pytest.approx(10)


def test_some_episodes_can_begin_with_the_hand_open_over_the_box():
    world = make(GRASP, 40, start_over_box=0.5)
    over = world.phase == 1
    assert 8 < int(over.sum()) < 32
    assert world.over_box[over].all()
    assert not world.grasped.any()
    base = world.control_pos[over, :3] - torch.nn.functional.pad(world.object_pos[over, :2], (0, 1))
    assert torch.allclose(base, torch.tensor(GRASP_FROM[:3]), atol=0.0101)
    assert (world.control_pos[over, :2] - world.object_pos[over, :2]).std(0).min() > 0.003
    assert torch.equal(world.target[over], world.control_pos[over])
    assert (make(GRASP, 40).phase == 0).all()


def test_a_scripted_grasp_lifts_the_box_and_succeeds():
    world = make(GRASP, 12, **SHORT)
    endings, over = {}, torch.zeros(12, dtype=torch.bool)
    successes, bonus = torch.zeros(12, dtype=torch.bool), torch.zeros(12)
    stages = set()
    for _ in range(300):
        step = world.step(torch.from_numpy(grasp_action(world)))
        for name, ended in step.endings.items():
            endings[name] = endings.get(name, 0) + int((ended & ~over).sum())
        successes |= step.success & ~over
        bonus += torch.where(over, 0.0, step.terms[world.term_names().index("success")])
        over |= step.terminated
        stages |= set(world.phase.tolist())
        if over.all():
            break
    assert endings["lifted"] == 12, endings
    assert successes.all()
    assert bonus.tolist() == [2000.0] * 12
    assert stages == {0, 1, 2}


def test_a_hand_that_does_nothing_is_not_over_the_box():
    world = make(GRASP, 3, **SHORT)
    for number in range(100):
        step = world.step(torch.zeros(3, 18))
        assert step.terminated.all() == (number == 99)
    assert step.endings["not_over_box"].all()
    assert step.terms[world.term_names().index("failure")].tolist() == [-200.0] * 3


def test_over_the_box_is_near_and_low():
    world = make(GRASP, 1, **EXACT)
    put(world)
    assert world.over_box.tolist() == [True]
    put(world, {"base_x": GRASP_FROM[0] + 0.045})
    assert world.over_box.tolist() == [False]
    put(world, {"base_z": 0.1})
    assert world.over_box.tolist() == [False]


def test_terms_of_the_first_stage():
    world = make(GRASP, 1, **EXACT)
    put(world, {"base_z": 0.153, "thumb_rotation": 0.43}, box=(0.3, 0.4, 0.025))
    terms = rewards(world)
    assert terms["pregrasp_height"] == pytest.approx(math.exp(-5 * 0.1), rel=1e-4)
    assert terms["thumb_rotation"] == pytest.approx(math.exp(-0.5), rel=1e-4)
    assert terms["pregrasp_stability"] == pytest.approx(1)
    tips = world.fingertip_positions[0]
    middle = (tips[0] + tips[1:].mean(0)) / 2
    distance = math.hypot(0.3 - middle[0].item(), 0.4 - middle[1].item())
    assert terms["pregrasp_centre"] == pytest.approx(math.exp(-5 * distance), rel=1e-4)
    height = tips[1:, 2].mean().item()
    assert terms["finger_height"] == pytest.approx(math.exp(-10 * abs(height - 0.07)), rel=1e-4)
    others = ["thumb_contact", "grasp", "proximity", "base_stability", "lift", "maintain", "duration", "failure"]
    assert [terms[name] for name in others] == [0] * 8


def test_terms_of_the_second_stage():
    world = make(GRASP, 1, **EXACT)
    put(world)
    world.phase[:] = 1
    felt(world, [1.0, 0.0, 0.5, 0.3, 0.05])
    terms = rewards(world)
    assert terms["thumb_contact"] == 1
    assert terms["finger_contact"] == pytest.approx(0.5)
    assert terms["grasp"] == 1
    distance = (world.fingertip_positions[0] - world.object_pos[0]).norm(dim=1).mean().item()
    assert terms["proximity"] == pytest.approx(math.exp(-10 * distance), rel=1e-4)
    assert terms["base_stability"] == pytest.approx(1)
    assert terms["pregrasp_centre"] == terms["lift"] == 0
    felt(world, [0.0, 1.0, 1.0, 1.0, 1.0])
    assert rewards(world)["grasp"] == 0


def test_terms_of_the_third_stage():
    world = make(GRASP, 1, **EXACT)
    put(world, box=(0.0, 0.0, 0.1125))
    world.phase[:], world.lifted[:] = 2, 25
    felt(world, [1.0, 1.0, 0.0, 0.0, 0.0])
    terms = rewards(world)
    assert terms["lift"] == pytest.approx(0.5)  # half of the way from 0.025 to 0.2
    assert terms["maintain"] == 1
    assert terms["duration"] == pytest.approx(0.25)
    assert world.progress().tolist() == pytest.approx([0.25])


def test_fingertips_in_the_box_cost_by_their_depth():
    world = make(GRASP, 1, **EXACT)
    put(world, box=(0.0, 0.0, 0.4))
    assert world.penetration.tolist() == [0]
    tip = world.fingertip_positions[0, 0].tolist()
    radius = world._tip_radii[0].item()
    put(world, box=(tip[0] + 0.025 + radius - 0.006, tip[1], tip[2]))  # its face 6 mm inside of the thumb's tip
    assert world.penetration.item() == pytest.approx(0.006 - 0.004, abs=1e-5)


def test_stages_pass_in_time_and_fail_after_it():
    world = make(GRASP, 4, **EXACT)
    put(world)
    world.age[:] = torch.tensor([199, 199, 10, 149])
    world.phase[:] = torch.tensor([0, 0, 1, 1])
    world.touched[:] = torch.tensor([0, 0, 24, 0])
    felt(world, [1.0, 1.0, 0.0, 0.0, 0.0])
    world.backend.read("sensordata")[3, world._touch] = 0
    qpos = world.backend.read("qpos")
    qpos[1, world._object[0].start] += 0.5  # the second robot's box is elsewhere
    world.state_changed()
    world.update()
    assert world.phase.tolist() == [1, 0, 2, 1]
    assert world.done.tolist() == [[True, False], [False, False], [False, True], [False, False]]
    assert world.missed.tolist() == [[False, False], [True, False], [False, False], [False, True]]
    assert world.age.tolist() == [0, 200, 0, 150]
    terms = world.compute_task_rewards()
    assert terms["pregrasp_done"].tolist() == [1, 0, 0, 0]
    assert terms["contact_done"].tolist() == [0, 0, 1, 0]
    assert terms["failure"].tolist() == [0, 1, 0, 1]


def test_a_lost_box_and_one_that_is_held_high():
    world = make(GRASP, 2, **EXACT)
    put(world, box=(0.0, 0.0, 0.3))
    world.phase[:] = 2
    world.lost[:] = torch.tensor([15, 0])
    world.lifted[:] = torch.tensor([0, 99])
    felt(world, [1.0, 1.0, 0.0, 0.0, 0.0])
    world.backend.read("sensordata")[0, world._touch] = 0
    world.state_changed()
    world.update()
    assert world.compute_terminations()["grasp_lost"].tolist() == [True, False]
    assert world.compute_terminations()["lifted"].tolist() == [False, True]
    assert world.compute_success().tolist() == [False, True]
    assert world.compute_task_rewards()["failure"].tolist() == [1, 0]


def test_time_that_runs_out_is_a_failure():
    world = make(GRASP, 1, max_steps=3)
    rewards = [world.step(torch.zeros(1, 18)) for _ in range(3)]
    failure = world.term_names().index("failure")
    assert [step.terms[failure].item() for step in rewards] == [0, 0, -200]
    assert [step.truncated.item() for step in rewards] == [False, False, True]


@pytest.mark.parametrize(
    ("env_kwargs", "words"),
    [
        ({"start_yaw_range": [1.0, -1.0]}, "start_yaw_range of .* must rise"),
        ({"box_mass": 0}, "box_mass of .* above 0"),
        ({"penetration_free": -1.0}, "penetration_free of .* at least 0"),
        ({"observations.policy.box_pos.noise": 0.1}, "critic|box_pos"),
    ],
)
def test_mistakes_are_named(env_kwargs, words):
    with pytest.raises(UserError, match=words):
        make(GRASP, 1, **env_kwargs)
