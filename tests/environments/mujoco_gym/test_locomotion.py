"""Ant and Humanoid: formulas at states with values worked out by hand, episodes, adapters."""

import math

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_sb3

import environments  # noqa: F401
from environments.batched import make_batched_vec_env, make_vector_env
from environments.batched.tensors import WorldTensors
from tests.environments.mujoco_gym.worlds import make, play

BOTH = ["AntGymEnv-v0", "HumanoidGymEnv-v0"]


def at(world, base, joint_pos=None, base_vel=None, joint_vel=None):
    """Put all robots in a state, and have the terms computed from it."""
    rows = world.num_envs
    world.set_robot(
        joint_pos=joint_pos,
        joint_vel=joint_vel,
        base=torch.tensor([base], dtype=torch.float32).repeat(rows, 1),
        base_vel=None if base_vel is None else torch.tensor([base_vel], dtype=torch.float32).repeat(rows, 1),
    )
    world.backend.forward(world.rows)
    world.state_changed()


def observed(world):
    return {name: values[0].tolist() for name, values in world.compute_observations()["policy"].items()}


def rewards(world):
    return {name: values[0].item() for name, values in world.compute_task_rewards().items()}


@pytest.mark.parametrize(("env_id", "size", "motors"), [("AntGymEnv-v0", 60, 8), ("HumanoidGymEnv-v0", 108, 21)])
def test_sizes_and_rate(env_id, size, motors):
    world = make(env_id, 1)
    assert world.observation_space.shape == (size,)
    assert world.action_space.shape == (motors,)
    assert world.control_dt == pytest.approx(1 / 60)
    assert world.observation_terms()[-1].stop == size
    assert len(world.action_terms()) == motors


def test_the_ant_is_the_originals():
    model = make("AntGymEnv-v0", 1).backend.model
    assert model.actuator_gear[:, 0].tolist() == [15.0] * 8
    assert model.dof_damping[6:].tolist() == [0.1] * 8
    assert model.dof_armature[6:].tolist() == [0.01] * 8
    ankles = np.degrees([model.joint(f"ankle_{leg}").range for leg in (1, 2)])
    np.testing.assert_allclose(ankles, [[30, 100], [-100, -30]])
    np.testing.assert_allclose(np.degrees(model.joint("hip_3").range), [-40, 40])


def test_the_humanoid_has_the_originals_motors():
    world = make("HumanoidGymEnv-v0", 1)
    gears = dict(zip(world.robot.joints, world.gears.tolist(), strict=True))
    assert gears["abdomen_x"] == 67.5
    assert gears["right_hip_y"] == 135
    assert gears["left_knee"] == 90
    assert gears["left_ankle_x"] == 22.5
    assert max(gears.values()) == 135


@pytest.mark.parametrize("env_id", BOTH)
def test_observations_of_a_turned_and_moving_robot(env_id):
    world = make(env_id, 1)
    quarter = math.sqrt(0.5)  # turned left by a quarter, at (3, -4, 1.5), moving along +x at 2 m/s
    at(world, [3, -4, 1.5, quarter, 0, 0, quarter], base_vel=[2, 0, 0, 0.1, 0.2, 0.3])
    terms = observed(world)
    assert terms["height"] == pytest.approx([1.5])
    assert terms["base_lin_vel"] == pytest.approx([0, -2, 0], abs=1e-6)
    assert terms["base_ang_vel"] == pytest.approx([0.1, 0.2, 0.3])
    assert terms["yaw"] == pytest.approx([math.pi / 2], abs=1e-6)
    assert terms["roll"] == pytest.approx([0], abs=1e-6)
    assert terms["angle_to_target"] == pytest.approx([math.atan2(4, 997) - math.pi / 2], abs=1e-6)
    assert terms["up"] == pytest.approx([1])
    assert terms["heading"] == pytest.approx([4 / math.hypot(997, 4)], abs=1e-6)
    assert world.projected_gravity[0].tolist() == pytest.approx([0, 0, -1], abs=1e-6)


def test_joints_are_scaled_to_their_ranges():
    world = make("AntGymEnv-v0", 1)
    middle = (world.joint_low + world.joint_high) / 2
    at(world, [0, 0, 1, 1, 0, 0, 0], joint_pos=torch.stack([world.joint_high])[:, :])
    assert world.joint_pos_scaled[0].tolist() == pytest.approx([1.0] * 8, abs=1e-6)
    at(world, [0, 0, 1, 1, 0, 0, 0], joint_pos=middle[None])
    assert world.joint_pos_scaled[0].tolist() == pytest.approx([0.0] * 8, abs=1e-6)


def test_rewards_of_the_ant():
    world = make("AntGymEnv-v0", 1)
    position = world.joint_high.clone()[None]
    position[0, 2:] = 0.5 * (world.joint_low + world.joint_high)[2:]
    at(world, [0, 0, 1, 1, 0, 0, 0], joint_pos=position, joint_vel=torch.full((1, 8), 2.0))
    world.actions.newest[:] = torch.tensor([[0.5, -1, 0, 0, 0, 0, 0, 0]])
    terms = rewards(world)
    assert terms["alive"] == 1
    assert terms["upright"] == 1
    assert terms["heading"] == 1
    assert terms["action_cost"] == pytest.approx(0.25 + 1)
    assert terms["electricity"] == pytest.approx((0.5 + 1) * 2 * 0.2)
    assert terms["joint_limits"] == 2
    assert terms["death"] == 0
    half = math.radians(60) / 2  # heading 60 degrees away: cosine 0.5, of 0.8
    at(world, [0, 0, 1, math.cos(half), 0, 0, math.sin(half)])
    assert rewards(world)["heading"] == pytest.approx(0.5 / 0.8, abs=1e-5)
    half = math.radians(30) / 2  # rolled by 30 degrees: 0.866 is not upright
    at(world, [0, 0, 1, math.cos(half), math.sin(half), 0, 0])
    assert rewards(world)["upright"] == 0


def test_rewards_of_the_humanoid():
    world = make("HumanoidGymEnv-v0", 1)
    middle = (world.joint_low + world.joint_high) / 2
    reach = (world.joint_high - world.joint_low) / 2
    position = middle.clone()
    knee, hip = world.robot.joints.index("right_knee"), world.robot.joints.index("right_hip_y")
    position[knee] = middle[knee] + 0.99 * reach[knee]  # half way from 0.98 to the limit; effort 90 / 135
    position[hip] = middle[hip] - 1.0 * reach[hip]  # at the lower limit; effort 1
    at(world, [0, 0, 1.3, 1, 0, 0, 0], joint_pos=position[None], joint_vel=torch.full((1, 21), 3.0))
    world.actions.newest.zero_()
    world.actions.newest[0, knee] = -0.5
    terms = rewards(world)
    assert terms["joint_limits"] == pytest.approx(0.5 * 90 / 135 + 1, abs=1e-3)
    assert terms["electricity"] == pytest.approx(0.5 * 3 * 0.1 * 90 / 135)
    assert terms["action_cost"] == pytest.approx(0.25)
    assert observed(world)["joint_torques"][knee] == pytest.approx(-45)


@pytest.mark.parametrize(("env_id", "penalty"), [("AntGymEnv-v0", -2.0), ("HumanoidGymEnv-v0", -1.0)])
def test_a_fall_ends_the_episode_and_pays_its_price_alone(env_id, penalty):
    zero = torch.zeros(2, *make(env_id, 1).action_space.shape)
    step = make(env_id, 2, termination_height=100.0).step(zero)
    assert step.terminated.all()
    assert step.endings["fallen"].all()
    assert step.reward.tolist() == [penalty, penalty]
    step = make(env_id, 2).step(zero)
    assert not step.terminated.any()
    assert (step.reward > 0.5).all()


@pytest.mark.parametrize("env_id", BOTH)
def test_progress_is_what_the_distance_shrinks_by(env_id):
    world = make(env_id, 3)
    before = world.exact("qpos")[:, :2].clone()
    step = world.step(torch.zeros(3, *world.action_space.shape))
    after = world.exact("qpos")[:, :2]
    target = torch.tensor([1000.0, 0.0], dtype=torch.float64)
    expected = ((before - target).norm(dim=1) - (after - target).norm(dim=1)) * 60
    assert torch.allclose(step.terms[0].double(), expected, atol=1e-6)


@pytest.mark.parametrize("env_id", BOTH)
def test_an_episode_starts_as_the_originals(env_id):
    world = make(env_id, 200)
    assert world.base_pos[:, :2].eq(0).all()
    assert torch.allclose(world.base_pos[:, 2], torch.tensor(world.robot.height))
    offset = world.joint_pos - world.default_joint_pos
    assert offset.abs().max() <= 0.2 + 1e-6
    assert offset.abs().max() > 0.19
    assert (world.joint_pos >= world.joint_low - 1e-6).all()
    assert (world.joint_pos <= world.joint_high + 1e-6).all()
    assert 0.095 < world.joint_vel.abs().max() <= 0.1
    assert world.base_lin_vel.eq(0).all()


def test_time_runs_out():
    world = make("AntGymEnv-v0", 2, episode_length_s=0.1)
    assert world.config.max_steps == 6
    ends = [step["over"].tolist() for step in play(world, 6)]
    assert ends == [[False, False]] * 5 + [[True, True]]


def test_the_weights_are_those_of_the_configuration():
    plain, heavy = make("AntGymEnv-v0", 1), make("AntGymEnv-v0", 1, **{"rewards.alive": 5.0})
    zero = torch.zeros(1, 8)
    assert heavy.step(zero).reward.item() - plain.step(zero).reward.item() == pytest.approx(4.5, abs=1e-5)


@pytest.mark.parametrize("env_id", BOTH)
def test_the_single_environment_passes_the_checkers(env_id):
    env = gymnasium.make(env_id).unwrapped
    check_env(env, skip_render_check=True)
    check_env_sb3(env)
    env.close()


@pytest.mark.parametrize("env_id", BOTH)
def test_all_adapters_show_the_same_robots(env_id):
    venv, vector = make_batched_vec_env(env_id, 3, max_steps=8), make_vector_env(env_id, 3, max_steps=8)
    tensors = WorldTensors(make(env_id, 3, max_steps=8))
    single = gymnasium.make(env_id, max_steps=8).unwrapped
    venv.seed(5)
    tensors.seed(5)
    first = venv.reset()
    np.testing.assert_array_equal(first, vector.reset(seed=5)[0])
    np.testing.assert_array_equal(first, tensors.reset()["policy"].numpy())
    np.testing.assert_array_equal(first[1], single.reset(seed=6)[0])
    rng = np.random.default_rng(0)
    for _ in range(8):
        given = rng.uniform(-1, 1, (3, *venv.action_space.shape)).astype(np.float32)
        observation, reward, done, infos = venv.step(given)
        other, other_reward, terminated, truncated, _ = vector.step(given)
        step = tensors.step(torch.from_numpy(given))
        np.testing.assert_array_equal(observation, other)
        np.testing.assert_array_equal(observation, step.observations["policy"].numpy())
        np.testing.assert_array_equal(reward, step.reward.numpy())
        np.testing.assert_allclose(reward, other_reward, rtol=1e-6)
        np.testing.assert_array_equal(done, terminated | truncated)
        alone = single.step(given[1])
        if not done[1]:
            np.testing.assert_array_equal(observation[1], alone[0])
    assert done.all()
    assert set(infos[0]["reward_terms"]) == set(venv.world.term_names())
    assert set(step.episodes.endings) == {"fallen", "non_finite"}
    for closing in (venv, vector, tensors, single):
        closing.close()
