"""What holds for every MuJoCo world: independence of neighbours and threads, exact snapshots, failures, bad input."""

import dataclasses

import numpy as np
import pytest
import torch

from environments.mujoco_gym.config import Stage, TaskConfig
from environments.mujoco_gym.tasks.locomotion_config import AntConfig
from environments.registry import find_env, registered_env
from srl3.errors import UserError
from tests.environments.mujoco_gym.worlds import actions, make, play

WORLDS = [name for name, entry in registered_env.items() if issubclass(entry.load_config(), TaskConfig)]
BUSY = {
    "randomize": {
        "friction": {"range": [0.5, 1.5], "names": ".*"},
        "mass": {"range": [0.9, 1.1], "when": "reset"},
        "damping": {"range": [0.8, 1.2], "when": "interval", "seconds": [0.1, 0.2]},
        "push": {"seconds": [0.1, 0.3]},
    },
    "actions": {"delay": 1, "moving_average": 0.7},
    "max_steps": 12,
}
"""much that is random, in short episodes"""
WITHOUT_PUSH = ["DexHandBaseGymEnv-v0"]
"""worlds whose robot is fixed and that have no object"""


def busy(env_id):
    """`BUSY` as far as a world has it."""
    changes = BUSY["randomize"]
    kept = {name: change for name, change in changes.items() if name != "push" or env_id not in WITHOUT_PUSH}
    return {**BUSY, "randomize": kept}


def assert_same(one, other):
    for first, second in zip(one, other, strict=True):
        for name in first:
            assert torch.equal(first[name], second[name]), name


@pytest.mark.parametrize("env_id", WORLDS)
@pytest.mark.parametrize("settings_of", [lambda _: {}, busy], ids=["plain", "busy"])
def test_robot_i_behaves_as_the_single_robot_of_its_seed(env_id, settings_of):
    settings = settings_of(env_id)
    many = play(make(env_id, 19, seed=3, **settings), 25)
    for row in (0, 7, 18):
        alone = play(make(env_id, 1, seed=3 + row, **settings), 25, seed=row)
        assert_same([{name: values[row : row + 1] for name, values in step.items()} for step in many], alone)


@pytest.mark.parametrize("env_id", WORLDS)
def test_the_number_of_threads_changes_nothing(env_id):
    assert_same(*(play(make(env_id, 16, **{"sim.threads": threads}), 10) for threads in (1, 2)))


@pytest.mark.parametrize("env_id", WORLDS)
def test_what_a_step_gives_can_be_learned_from_and_changed(env_id):
    world = make(env_id, 3)
    actions = torch.zeros(3, *world.action_space.shape)
    for _ in range(2):
        step = world.step(actions)
        weight = torch.ones(3, requires_grad=True)
        (weight * step.reward * world.observe().sum(1)).sum().backward()
        assert weight.grad is not None
        step.reward.mul_(2)
        step.terms.zero_()
        for flags in (step.terminated, step.truncated, step.success, *step.endings.values()):
            flags.logical_not_()
        world.reset(torch.tensor([1]))
    assert world.elapsed.tolist() == [2, 0, 2]


@pytest.mark.parametrize("env_id", WORLDS)
def test_a_snapshot_in_mid_episode_is_exact(env_id):
    settings = {**busy(env_id), "max_steps": 1000}
    world = make(env_id, 5, **settings)
    play(world, 7)
    state = world.resume_state()
    expected = play(world, 12, first=7)
    other = make(env_id, 5, seed=99, **settings)
    play(other, 3)
    other.restore_state(state)
    assert_same(play(other, 12, first=7), expected)


def test_noise_delay_and_history_are_part_of_a_snapshot():
    settings = {
        "observations": {
            "policy": {
                "joint_pos": {"noise": 0.1, "history": 3},
                "joint_vel": {"noise": 0.1, "noise_kind": "gaussian", "delay": 2},
            }
        }
    }
    world = make("AntGymEnv-v0", 4, **settings)
    assert world.observation_space.shape == (60 + 2 * 8,)
    play(world, 5)
    state = world.resume_state()
    expected = play(world, 5, first=5)
    other = make("AntGymEnv-v0", 4, seed=5, **settings)
    other.restore_state(state)
    assert_same(play(other, 5, first=5), expected)


def test_a_delayed_term_and_a_history_show_the_past():
    plain = make("AntGymEnv-v0", 2)
    late = make("AntGymEnv-v0", 2, **{"observations.policy.joint_vel.delay": 2, "observations.policy.yaw.history": 3})
    first = {name: (term.start, term.stop) for name, term in ((t.name, t) for t in plain.observation_terms())}
    second = {name: (term.start, term.stop) for name, term in ((t.name, t) for t in late.observation_terms())}
    seen, seen_late = [plain.observe()], [late.observe()]
    for step in range(4):
        plain.step(actions(plain, step))
        late.step(actions(late, step))
        seen.append(plain.observe())
        seen_late.append(late.observe())
    velocity = slice(*first["joint_vel"])
    assert torch.equal(seen_late[4][:, slice(*second["joint_vel"])], seen[2][:, velocity])
    assert torch.equal(seen_late[1][:, slice(*second["joint_vel"])], seen[0][:, velocity])
    yaws = torch.cat([seen[step][:, slice(*first["yaw"])] for step in (2, 3, 4)], 1)
    assert torch.equal(seen_late[4][:, slice(*second["yaw"])], yaws)


def test_an_action_can_be_late_and_averaged():
    world = make("AntGymEnv-v0", 1, **{"actions.delay": 1, "actions.moving_average": 0.25})
    ones = torch.ones(1, 8)
    world.step(ones)
    assert world.actions.applied.eq(0).all()
    world.step(-ones)
    assert torch.equal(world.actions.applied, 0.25 * ones)
    world.step(ones)
    assert torch.allclose(world.actions.applied, (0.75 * 0.25 - 0.25) * ones)


def test_a_state_that_becomes_nan_ends_its_episode_only(tmp_path):
    path = tmp_path / "dump.npz"
    world = make("AntGymEnv-v0", 3, nan_dump=str(path))
    world.backend.exact("qvel")[1, 0] = float("nan")
    step = world.step(torch.zeros(3, 8))
    assert step.endings["non_finite"].tolist() == [False, True, False]
    assert step.terminated.tolist() == [False, True, False]
    assert step.reward.isfinite().all()
    assert world.observe().isfinite().all()
    assert step.reward[1] == 0
    assert world.failures.count == 1
    with np.load(path) as dump:
        assert dump["rows"].tolist() == [1]
        assert np.isnan(dump["state"]).any()
        assert dump["actions"].shape == (1, 8)
    world.reset(step.terminated)
    step = world.step(torch.zeros(3, 8))
    assert not step.endings["non_finite"].any()


# randomisation


def varied(world, field):
    return world.backend.vary(field).numpy()


def test_mass_is_scaled_with_inertia_and_from_the_model_each_time():
    world = make("AntGymEnv-v0", 6, **{"randomize.mass": {"range": [0.5, 1.5], "when": "reset", "names": "torso"}})
    model = world.backend.model
    body = model.body("torso").id
    for _ in range(3):
        factor = varied(world, "body_mass")[:, body] / model.body_mass[body]
        assert ((factor >= 0.5) & (factor <= 1.5)).all()
        assert len(set(factor.tolist())) == 6
        np.testing.assert_allclose(varied(world, "body_inertia")[:, body], factor[:, None] * model.body_inertia[body])
        world.reset()
    others = [index for index in range(model.nbody) if index != body]
    np.testing.assert_array_equal(varied(world, "body_mass")[:, others], np.tile(model.body_mass[others], (6, 1)))


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("friction", {"range": [0.5, 0.9]}, "geom_friction"),
        ("com", {"operation": "add", "range": [-0.01, 0.01], "names": "torso"}, "body_ipos"),
        ("gains", {"range": [0.5, 0.9]}, "actuator_gainprm"),
        ("damping", {"range": [0.5, 0.9], "names": "hip.*"}, "dof_damping"),
        ("armature", {"range": [0.5, 0.9], "distribution": "log_uniform"}, "dof_armature"),
        ("friction_loss", {"operation": "set", "range": [0.1, 0.2]}, "dof_frictionloss"),
        ("gravity", {"operation": "add", "distribution": "gaussian", "range": [0.0, 0.1]}, "opt.gravity"),
        ("object_size", {"range": [0.9, 0.95], "names": ".*_ankle_geom"}, "geom_size"),
    ],
)
def test_each_change_reaches_its_field_and_the_motion(name, change, field):
    world, plain = make("AntGymEnv-v0", 3, **{f"randomize.{name}": change}), make("AntGymEnv-v0", 3)
    values = varied(world, field).reshape(3, -1)
    assert (values[0] != values[1]).any()
    assert len({tuple(row) for row in values.tolist()}) == 3
    for step in range(30):
        given = actions(world, step)
        world.step(given)
        plain.step(given)
    assert not torch.equal(world.observe(), plain.observe())


def test_pushes_happen_at_intervals():
    world = make("AntGymEnv-v0", 4, **{"randomize.push": {"seconds": [0.1, 0.2], "horizontal": 5.0}})
    plain = make("AntGymEnv-v0", 4)
    jumps = torch.zeros(4)
    for _ in range(20):
        before = world.base_lin_vel_world.clone()
        world.step(torch.zeros(4, 8))
        plain.step(torch.zeros(4, 8))
        jumps += ((world.base_lin_vel_world - before)[:, :2].norm(dim=1) > 1).float()
    assert (jumps >= 1).all()
    assert (jumps <= 4).all()


def test_a_curriculum_changes_values_after_so_many_steps():
    world = make("AntGymEnv-v0", 2, curriculum=(Stage(after=3, values={"rewards.alive": 7.0}),))
    alive = [world.step(torch.zeros(2, 8)).terms[1].tolist() for _ in range(5)]
    assert alive == [[0.5, 0.5]] * 3 + [[7.0, 7.0]] * 2
    assert world.stage == 1
    assert [world.stay_at(steps) for steps in (2, 3, 0)] == [0, 1, 0]
    for _ in range(5):
        assert world.step(torch.zeros(2, 8)).terms[1].tolist() == [0.5, 0.5]


def test_what_a_configuration_is_within_its_curriculum():
    stages = [
        {"after": 3, "values": {"rewards.alive": 7.0, "rewards.progress": 2.0}},
        {"after": 5, "values": {"rewards.alive": 9.0}},
        {"after": 8, "values": {"max_steps": 50}},
    ]
    config = AntConfig.from_kwargs({"curriculum": stages})
    assert [config.stage_began(steps) for steps in (0, 2, 3, 7, 100)] == [0, 0, 3, 5, 8]
    assert config.as_trained(2).rewards == config.rewards
    reached = config.as_trained(6, further=True)
    assert (reached.rewards["alive"], reached.rewards["progress"], reached.max_steps) == (9, 2, config.max_steps)
    assert [stage.after for stage in reached.curriculum] == [2]
    assert config.as_trained(6) == dataclasses.replace(reached, curriculum=())
    assert (
        config.as_trained(8).as_dict()
        == AntConfig.from_kwargs({"rewards.alive": 9.0, "rewards.progress": 2.0, "max_steps": 50}).as_dict()
    )
    assert config.holding(["rewards.alive"]).as_trained(6).rewards == {**config.rewards, "progress": 2.0}
    plain = AntConfig()
    assert plain.as_trained(100) == plain == plain.holding(["max_steps"])
    assert plain.stage_began(100) == 0


# bad input


@pytest.mark.parametrize(
    ("env_kwargs", "words"),
    [
        ({"rewards.progres": 1.0}, "rewards.progress"),
        ({"sim.timesteps": 0.01}, "sim.timestep"),
        ({"observations.policy.jointpos.noise": 0.1}, "joint_pos"),
        ({"randomize.mass": {"names": "tail"}}, "no body matches 'tail'"),
        ({"randomize.mass": {"names": "("}}, "regular expression"),
        ({"randomize.friction": {"range": [2, 1]}}, "range must rise"),
        ({"robot": "antt"}, "ant"),
        ({"robot": "nothing.py"}, "no such file"),
        ({"sim.impl": "warp"}, "sim.impl"),
        ({"action_repeat": 2}, "sim.decimation"),
        ({"srl_model": "joints"}, "ground_truth"),
        ({"curriculum": [{"after": 1, "values": {"sim.timestep": 0.1}}]}, "can't change sim.timestep"),
        ({"curriculum": [{"after": 1, "values": {"rewards.aliv": 0.1}}]}, "rewards.alive"),
    ],
)
def test_mistakes_are_named(env_kwargs, words):
    with pytest.raises(UserError, match=words.replace("(", r"\(")):
        make("AntGymEnv-v0", 1, **env_kwargs)


def test_a_push_needs_something_to_push():
    with pytest.raises(UserError, match=r"randomize\.push of DexHandBaseGymEnv-v0 needs a robot with a free base"):
        make("DexHandBaseGymEnv-v0", 1, **{"randomize.push": {}})
    world = make("ParaHandRotateZGymEnv-v0", 2, **{"randomize.push": {"seconds": [0.05, 0.05], "horizontal": 9.0}})
    world.step(torch.zeros(2, 22))
    assert (world.object_lin_vel[:, :2].abs().amax(1) > 0.5).all()


def test_more_worlds_than_memory_are_refused_with_the_number_that_fits():
    face = find_env("AntGymEnv-v0").load_class()
    with pytest.raises(UserError, match=r"GiB are free; [\d,]+ fit"):
        face.world_class(face.config_class(), 10**9)


def test_a_nan_action_is_refused_by_name():
    with pytest.raises(ValueError, match="AntGymEnv-v0"):
        make("AntGymEnv-v0", 1).step(torch.full((1, 8), float("nan")))


@pytest.mark.parametrize(
    ("robot", "words"),
    [
        ("ROBOT = 1", "has no ROBOT"),
        ("1 / 0", "ZeroDivisionError"),
        (
            "import dataclasses\nfrom environments.mujoco_gym.robots.ant import ROBOT as ANT\n"
            "ROBOT = dataclasses.replace(ANT, joints=ANT.joints[:-1], default_pose=ANT.default_pose[:-1])",
            "ankle_4, which the robot's file does not name",
        ),
        (
            "import dataclasses, mujoco\nfrom environments.mujoco_gym.robots.ant import ROBOT as ANT\n"
            "def spec():\n    made = ANT.spec()\n    made.geom('floor').type = mujoco.mjtGeom.mjGEOM_MESH\n"
            "    return made\nROBOT = dataclasses.replace(ANT, spec=spec)",
            "does not compile",
        ),
        (
            "import dataclasses, mujoco\nfrom environments.mujoco_gym.robots.ant import ROBOT as ANT\n"
            "ROBOT = dataclasses.replace(ANT, spec=lambda: mujoco.MjSpec.from_string('<mujoco><worldbod/></mujoco>'))",
            "model of robot .*mine.py can't be made: .*worldbod",
        ),
    ],
)
def test_a_robot_file_with_a_mistake_is_refused(tmp_path, robot, words):
    path = tmp_path / "mine.py"
    path.write_text(robot)
    with pytest.raises(UserError, match=words):
        make("AntGymEnv-v0", 1, robot=str(path))
