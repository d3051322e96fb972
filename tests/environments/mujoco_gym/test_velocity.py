"""The quadruped: it stands and trots; formulas at states with values worked out by hand; the ground."""

import math

import mujoco
import numpy as np
import pytest
import torch

from environments.mujoco_gym.config import TerrainConfig
from environments.mujoco_gym.tasks.velocity_oracle import trot_action
from environments.mujoco_gym.terrain import KINDS, HeightMap, Terrain
from tests.environments.mujoco_gym.worlds import make

FLAT, ROUGH = "VelocityFlatGymEnv-v0", "VelocityRoughGymEnv-v0"
STILL = {"command.standing_share": 1.0, "place_range": 0.0}


def rewards(world):
    return {name: values[0].item() for name, values in world.compute_task_rewards().items()}


@pytest.mark.parametrize(("env_id", "policy", "critic"), [(FLAT, 48, 64), (ROUGH, 235, 251)])
def test_sizes_and_rate(env_id, policy, critic):
    world = make(env_id, 2)
    assert world.observation_spaces["policy"].shape == (policy,)
    assert world.observation_spaces["critic"].shape == (critic,)
    assert world.observe(group="critic").shape == (2, critic)
    assert world.control_dt == pytest.approx(0.02)
    assert world.config.max_steps * world.control_dt == pytest.approx(20)


def test_it_weighs_what_a_go1_weighs():
    model = make(FLAT, 1).backend.model
    assert model.body_subtreemass[1] == pytest.approx(5.204 + 4 * (0.68 + 1.009 + 0.136 + 0.06))


def test_it_stands_on_its_default_pose():
    world = make(FLAT, 4, **STILL)
    for _ in range(150):
        step = world.step(torch.zeros(4, 12))
        assert not step.terminated.any()
    assert world.foot_contact.all()
    assert (world.base_pos[:, 2] > 0.25).all()
    assert (world.projected_gravity[:, 2] < -0.999).all()
    assert world.base_lin_vel.abs().max() < 0.01
    weight = world.backend.model.body_subtreemass[1] * 9.81
    assert world.foot_forces.sum(1).tolist() == pytest.approx([weight] * 4, rel=0.02)


def test_a_trot_written_by_hand_follows_its_command():
    world = make(FLAT, 6, **{"command.lin_vel_x": [0.6, 0.6], "command.lin_vel_y": [0, 0], "command.ang_vel_z": [0, 0]})
    world.keeps_heading[:] = False
    world.command[:] = torch.tensor([0.6, 0.0, 0.0])
    world.next_command[:] = 10**6
    speeds = []
    for _ in range(150):
        step = world.step(torch.from_numpy(trot_action(world)))
        assert not step.terminated.any()
        speeds.append(world.base_lin_vel[:, 0].clone())
    assert torch.stack(speeds[50:]).mean().item() == pytest.approx(0.6, abs=0.15)
    assert world.air_time.max() > 0


@pytest.mark.parametrize("aside", [-0.5, 0.5])
def test_the_trot_goes_ahead_and_aside_as_told(aside: float):
    world = make(FLAT, 6, **STILL)
    world.set_command([0.3, aside, 0.0])
    velocities = []
    for _ in range(200):
        assert not world.step(torch.from_numpy(trot_action(world))).terminated.any()
        velocities.append(world.base_lin_vel[:, :2].clone())
    assert torch.stack(velocities[50:]).mean((0, 1)).tolist() == pytest.approx([0.3, aside], abs=0.18)


def test_the_trot_tracks_better_than_a_robot_that_stands():
    tracked = []
    for policy in (trot_action, lambda world: np.zeros((world.num_envs, 12), np.float32)):
        world = make(FLAT, 12)
        for _ in range(250):
            world.step(torch.from_numpy(policy(world)))
        tracked.append(world.episode_terms[world.term_names().index("track_lin_vel")].mean().item())
    assert tracked[0] > 1.2 * tracked[1]


def test_tracking_is_paid_in_full_at_the_command_and_less_beside_it():
    world = make(FLAT, 1, **STILL)
    world.command[:] = torch.tensor([0.5, 0.0, 0.2])
    world.set_robot(base_vel=torch.tensor([[0.5, 0, 0, 0, 0, 0.2]]))
    world.backend.forward(world.rows)
    world.state_changed()
    terms = rewards(world)
    assert terms["track_lin_vel"] == pytest.approx(1, abs=1e-6)
    assert terms["track_ang_vel"] == pytest.approx(1, abs=1e-6)
    assert terms["upright"] == pytest.approx(1, abs=1e-6)
    assert terms["pose"] == pytest.approx(1, abs=1e-6)
    assert terms["joint_limits"] == 0
    world.set_robot(
        joint_pos=world.default_joint_pos[None] + torch.tensor([[0.3, 0, 0] + [0] * 9]),
        base=torch.tensor([[0, 0, 0.3, math.cos(0.1), math.sin(0.1), 0, 0]]),
        base_vel=torch.tensor([[0.0, 0, 0, 0, 0, 0]]),
    )
    world.actions.newest[:] = 0.5
    world.backend.forward(world.rows)
    world.state_changed()
    terms = rewards(world)
    assert terms["track_lin_vel"] == pytest.approx(math.exp(-0.25 / 0.25))
    assert terms["track_ang_vel"] == pytest.approx(math.exp(-0.04 / 0.5))
    assert terms["upright"] == pytest.approx(math.exp(-(math.sin(0.2) ** 2) / 0.2), rel=1e-5)
    assert terms["pose"] == pytest.approx(math.exp(-1 / 12))
    assert terms["action_rate"] == pytest.approx(12 * 0.25)


def test_rewards_are_by_the_second():
    world = make(FLAT, 1, **STILL)
    step = world.step(torch.zeros(1, 12))
    assert step.terms[2, 0].item() == pytest.approx(0.02 * rewards(world)["upright"])


def test_a_robot_that_tilts_too_far_has_fallen():
    world = make(FLAT, 1, **STILL)
    for degrees, fallen in ((65, False), (75, True)):
        half = math.radians(degrees) / 2
        world.set_robot(base=torch.tensor([[0, 0, 0.5, math.cos(half), 0, math.sin(half), 0]]))
        world.backend.forward(world.rows)
        world.state_changed()
        assert world.compute_terminations()["fallen"].tolist() == [fallen]


def test_commands_are_within_their_ranges_and_change():
    world = make(FLAT, 400)
    first = world.command.clone()
    assert first[:, :2].abs().max() <= 1
    assert first[:, 2].abs().max() <= 0.5
    assert 0.05 < (first == 0).all(1).float().mean() < 0.3
    world.next_command[:200] = 1
    world.step(torch.zeros(400, 12))
    assert (world.command[:200, :2] != first[:200, :2]).any(1).float().mean() > 0.7
    assert torch.equal(world.command[200:, :2], first[200:, :2])


# the ground


def test_a_map_has_its_steepest_ground_at_the_highest_level():
    terrain = Terrain(TerrainConfig())
    origins = terrain.origins()
    stairs = KINDS.index("stairs down")
    tops = origins[:, stairs, 2]
    assert (np.diff(tops) > 0).all()
    config = terrain.config
    steps = np.floor((config.tile / 2 - 0.2 - config.platform) / config.stair_depth)
    assert tops[-1] == pytest.approx(steps * config.stair_height, abs=1e-5)
    assert (origins[:, KINDS.index("slope up"), 2] < 0).all()


def test_heights_are_those_that_rays_meet():
    world = make(ROUGH, 1)
    rng = np.random.default_rng(0)
    config = world.config.terrain
    size = config.levels * config.tile
    places = np.round(rng.uniform(0, [size, len(KINDS) * config.tile], (60, 2)) / config.cell) * config.cell
    model, data = world.backend.data(0)
    hits = np.array([
        20 - mujoco.mj_ray(model, data, [x, y, 20], [0, 0, -1], None, 1, world.backend.model.body("trunk").id,
                           np.zeros(1, np.int32)) for x, y in places
    ])  # fmt: skip
    heights = HeightMap(world.terrain, torch.device("cpu")).at(*torch.from_numpy(places).T)
    assert np.mean(np.abs(hits - heights.numpy()) < 0.01) > 0.95


def test_the_scan_turns_with_the_robot():
    world = make(ROUGH, 1)
    origin = torch.from_numpy(world.terrain.origins()[4, KINDS.index("stairs up")])
    scans = []
    for yaw in (0.0, math.pi / 2):
        base = torch.tensor([[*origin.tolist(), math.cos(yaw / 2), 0, 0, math.sin(yaw / 2)]])
        base[0, 0] += 1.5  # on the stairs, which rise along +x
        world.set_robot(base=base)
        world.backend.forward(world.rows)
        world.state_changed()
        scans.append(world.height_scan().reshape(17, 11))
    assert scans[0][0].mean() > scans[0][-1].mean() + 0.2  # the ground is higher ahead
    assert scans[1][:, -1].mean() > scans[1][:, 0].mean() + 0.1  # and to the right, once turned left


def test_levels_rise_for_those_who_cross_their_tile_and_fall_for_those_who_don_t():
    world = make(ROUGH, 3)
    world.level[:] = 2
    world.asked[:] = 10.0
    world.last_place[0] = world.start[0] + torch.tensor([4.0, 0.0])
    world.last_place[1] = world.start[1] + torch.tensor([1.0, 0.0])
    world.last_place[2] = world.start[2] + torch.tensor([2.0, 0.0])
    world.asked[2] = 3.0
    world.reset()
    assert world.level.tolist() == [3, 1, 2]
    assert world.episode_figures(torch.tensor([0, 2]))["terrain_level"].tolist() == [3, 2]
    heights = world.base_pos[:, 2] - torch.from_numpy(world.terrain.heights).max()
    assert heights.isfinite().all()
