"""Numbers that a world's configuration may not hold, of every world."""

import dataclasses
import math
from typing import Any

import pytest
import torch

from environments.mujoco_gym.checks import _ranges
from environments.mujoco_gym.config import TaskConfig
from environments.mujoco_gym.task import Task
from environments.mujoco_gym.tasks.locomotion import AntTask
from environments.mujoco_gym.tasks.locomotion_config import AntConfig
from environments.registry import find_env, registered_env
from srl3.errors import UserError
from tests.environments.mujoco_gym.worlds import make

WORLDS = [name for name, entry in registered_env.items() if issubclass(entry.load_config(), TaskConfig)]
SCALED = ("friction", "mass", "object_mass", "gains", "damping", "armature", "friction_loss", "object_size")


def bad(config, name, number):
    """``number`` in the place of a number, or of each of several."""
    value = config.flat()[name]
    return [number] * len(value) if isinstance(value, list | tuple) else number


@pytest.mark.parametrize("env_id", WORLDS)
def test_limits_hold_for_every_number_that_has_some(env_id):
    config_class = find_env(env_id).load_config()
    config = config_class()
    checked = {
        "above_zero": (0, r"must be above 0, not"),
        "at_least_zero": (-1, r"must be at least 0, not"),
        "shares": (2, r"must be from 0 to 1, not"),
    }
    for kind, (number, words) in checked.items():
        for name in getattr(config_class, kind):
            with pytest.raises(UserError, match=f"{name} of {env_id} {words}"):
                config_class.from_kwargs({name: bad(config, name, number)})


@pytest.mark.parametrize("env_id", WORLDS)
def test_ranges_rise(env_id):
    config_class = find_env(env_id).load_config()
    config = config_class()
    names = [name for name, _ in _ranges(config, "")]
    assert [name for name in names if name.endswith("_range")] == [
        field.name
        for field in dataclasses.fields(config)
        if field.name.endswith("_range") and isinstance(getattr(config, field.name), tuple)
    ]
    for name in names:
        with pytest.raises(UserError, match=rf"{name} of {env_id} must rise, not \(0\.5, 0\.25\)"):
            config_class.from_kwargs({name: [0.5, 0.25]})


def test_ranges_of_commands_and_clips_are_among_them():
    config = find_env("VelocityFlatGymEnv-v0").load_config()()
    assert {"command.lin_vel_x", "command.ang_vel_z"} <= {name for name, _ in _ranges(config, "")}
    clipped = type(config).from_kwargs({"observations.policy.joint_vel.clip": [-1, 1]})
    assert "observations.policy.joint_vel.clip" in {name for name, _ in _ranges(clipped, "")}


@pytest.mark.parametrize("what", SCALED)
def test_nothing_physical_becomes_negative(what):
    config_class = find_env("AntGymEnv-v0").load_config()
    with pytest.raises(UserError, match=rf"randomize\.{what} of AntGymEnv-v0: .* not \(-2\.0, -1\.0\)|but is \(-2\.0"):
        config_class.from_kwargs({f"randomize.{what}.range": [-2, -1]})
    if what not in ("mass", "object_mass", "object_size"):
        assert config_class.from_kwargs({f"randomize.{what}.range": [0, 1]})


def test_what_is_added_may_be_negative():
    config_class = find_env("AntGymEnv-v0").load_config()
    assert config_class.from_kwargs({"randomize.com": {"operation": "add", "range": [-0.1, 0.1]}})
    assert config_class.from_kwargs({"randomize.gravity.range": [-1, 1]})


@pytest.mark.parametrize(
    ("name", "value"), [("episode_length_s", 0), ("episode_length_s", -1.0), ("randomize.push.horizontal", -1)]
)
def test_lengths_and_pushes(name, value):
    config_class = find_env("AntGymEnv-v0").load_config()
    with pytest.raises(UserError, match=name.rpartition(".")[2]):
        config_class.from_kwargs({name: value})
    assert config_class.from_kwargs({"episode_length_s": 2.0}).max_steps == 120


def test_two_numbers_of_another_kind_may_fall():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Own(find_env("AntGymEnv-v0").load_config()):
        above_zero = (*TaskConfig.above_zero, "speed")
        goal_xy: tuple[float, float] = (3.0, -1.0)
        speed: float | None = None

    assert Own().goal_xy == (3.0, -1.0)
    with pytest.raises(UserError, match="speed of AntGymEnv-v0 must be above 0"):
        Own(speed=-1.0)


@pytest.mark.parametrize(
    ("env_id", "env_kwargs", "says"),
    [
        ("AntGymEnv-v0", {"max_steps": 10**22}, "max_steps of AntGymEnv-v0 must be at most 2,147,483,647"),
        ("AntGymEnv-v0", {"sim.decimation": 10**12}, r"sim\.decimation of AntGymEnv-v0 must be at most 2,147,483,647"),
        ("AntGymEnv-v0", {"observations.policy.joint_vel.history": 10**8}, "delay and history at most 10,000 steps"),
        ("AntGymEnv-v0", {"actions.delay": 10**9}, "2 worlds of AntGymEnv-v0 take about .* GiB, and .* are free"),
        ("VelocityRoughGymEnv-v0", {"terrain.cell": 0.001}, "3,888,126,001 cells, and 20,000,000 are the most"),
        ("AntGymEnv-v0", {"nan_dump": "/no/folder/x.npz"}, "the folder of /no/folder/x.npz does not exist"),
        (
            "AntGymEnv-v0",
            {"randomize.mass.distribution": "gaussian", "randomize.mass.range": [1.0, -1.0]},
            "range is a mean and a standard deviation, at least 0",
        ),
        ("VelocityFlatGymEnv-v0", {"robot": "ant"}, r"repeated name 'floor'.*the robot's file must not have it"),
        ("DexHandGraspGymEnv-v0", {"robot": "palm_up_hand"}, "unknown control of the task's hand 'thumb_rotation'"),
    ],
)
def test_what_no_world_can_be_is_said_before_there_is_one(env_id: str, env_kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        make(env_id, 2, **env_kwargs)


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("mass", {"distribution": "gaussian", "range": [0.1, 5.0]}, "body_mass"),
        ("friction", {"distribution": "gaussian", "range": [0.0, 5.0]}, "geom_friction"),
        ("damping", {"operation": "add", "distribution": "gaussian", "range": [0.0, 5.0]}, "dof_damping"),
        ("armature", {"distribution": "gaussian", "range": [0.0, 5.0]}, "dof_armature"),
    ],
)
def test_draws_below_zero_are_held(name: str, change: dict[str, Any], field: str) -> None:
    world = make("AntGymEnv-v0", 64, **{f"randomize.{name}": {**change, "when": "reset"}})
    values = world.backend.vary(field)
    base = torch.from_numpy(getattr(world.backend.model, field).copy())
    assert (values >= 0).all()
    assert (values[:, base > 0] > 0).any()
    if name == "mass":
        assert (values[:, base > 0] > 0).all()


def test_a_control_that_is_no_number_ends_an_episode() -> None:
    world = make("AntGymEnv-v0", 3)
    world.control = lambda actions: torch.where(torch.arange(3)[:, None] == 1, math.nan, actions)  # type: ignore
    assert world.step(torch.zeros(3, 8)).endings["non_finite"].tolist() == [False, True, False]


class Unfinished(Task):
    """A task of a user's that has no terms yet."""


def test_a_task_that_lacks_a_method_is_named() -> None:
    with pytest.raises(UserError, match=r"Unfinished lacks compute_observations, .*compute_terminations; write"):
        Unfinished(AntConfig(), 1)


class Forgetful(AntTask):
    task_arrays = (*AntTask.task_arrays, "speed")


def test_an_array_that_setup_does_not_make_is_named() -> None:
    with pytest.raises(UserError, match=r"task_arrays of AntGymEnv-v0 names speed, .*make it in setup"):
        Forgetful(AntConfig(), 2)


def test_a_smaller_object_is_smaller_on_all_sides() -> None:
    world = make("AntGymEnv-v0", 2, **{"randomize.object_size": {"range": [0.5, 0.5], "names": "aux_1_geom"}})
    geom = world.backend.model.geom("aux_1_geom").id
    for field in ("geom_size", "geom_aabb"):
        base = torch.from_numpy(getattr(world.backend.model, field)[geom].copy())
        varied = world.backend.vary(field)[0, geom].reshape(base.shape)
        changed = (base != 0).nonzero()[:, 0][:3]
        assert torch.allclose(varied[changed], base[changed] * 0.5)
