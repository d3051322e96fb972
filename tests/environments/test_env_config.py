"""Configurations with parts: dotted names, YAML files, and the sentences about wrong ones."""

import dataclasses
import json
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import yaml

from environments.config import EnvConfig, SRLConfig, flatten, nest, read_env_config
from environments.flags import add_env_flags, env_kwargs_from_flags, overridden
from environments.registry import registered_env
from srl3.errors import UserError
from srl3.flags import Parser

FORMAT_1 = Path(__file__).parents[1] / "data" / "format_1"


class Solver(Enum):
    NEWTON = "newton"
    CG = "cg"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Simulation:
    timestep: float = 0.002
    solver: Solver = Solver.NEWTON
    cone: Literal["pyramidal", "elliptic"] = "pyramidal"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sensor:
    name: str
    noise: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Terrain:
    kind: str = "rough"
    sim: Simulation = Simulation(timestep=0.1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WalkerConfig(EnvConfig):
    env_id: ClassVar[str] = "Walker-v0"

    sim: Simulation = Simulation(timestep=0.004)
    rewards: dict[str, float] = dataclasses.field(default_factory=lambda: {"alive": 1.0, "torque": -0.1})
    extra: dict[str, int] = dataclasses.field(default_factory=dict)
    sensors: tuple[Sensor, ...] = (Sensor(name="gyro"),)
    terrain: Terrain | None = None
    limit: int | str = 3


def test_dotted_names_and_mappings_merge_over_the_defaults() -> None:
    config = WalkerConfig.from_kwargs(
        {"sim": {"solver": "cg"}, "sim.cone": "elliptic", "rewards.alive": 2, "terrain.sim.timestep": 1, "extra.a": 4}
    )
    assert config.sim == Simulation(timestep=0.004, solver=Solver.CG, cone="elliptic")
    assert config.rewards == {"alive": 2.0, "torque": -0.1}
    assert config.terrain == Terrain(sim=Simulation(timestep=1.0))
    assert config.extra == {"a": 4}
    assert WalkerConfig().rewards == {"alive": 1.0, "torque": -0.1}
    assert WalkerConfig.from_kwargs({"sensors": [{"name": "foot", "noise": 1}]}).sensors == (
        Sensor(name="foot", noise=1.0),
    )
    assert WalkerConfig.from_kwargs({"limit": "far"}).limit == "far"
    assert WalkerConfig.from_kwargs({"terrain": None}).terrain is None


def test_of_values_given_twice_the_later_counts() -> None:
    assert nest({"a.b": 1, "a": {"b": 2, "c": 3}}) == {"a": {"b": 2, "c": 3}}
    assert nest({"a": {"b": 2}, "a.b": 1}) == {"a": {"b": 1}}
    assert nest({"a": {"b.c": 1}, "a.b": {"d": 2}}) == {"a": {"b": {"c": 1, "d": 2}}}
    assert flatten({"a": {"b.c": 1, "e": {}}, "f": [1]}) == {"a.b.c": 1, "a.e": {}, "f": [1]}


def test_as_dict_and_flat_lose_nothing() -> None:
    config = WalkerConfig.from_kwargs({"terrain": {"kind": "flat"}, "rewards": {"torque": 0}, "sim.solver": "cg"})
    plain = json.loads(json.dumps(config.as_dict()))
    assert plain["sim"] == {"timestep": 0.004, "solver": "cg", "cone": "pyramidal"}
    assert plain["sensors"] == [{"name": "gyro", "noise": 0.0}]
    assert WalkerConfig.from_kwargs(plain) == WalkerConfig.from_kwargs(config.flat()) == config
    assert config.flat()["rewards.torque"] == 0.0


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"timestep": 1}, "unknown parameter of Walker-v0 'timestep'; did you mean sim.timestep"),
        ({"sim.timestp": 1}, "unknown parameter of Walker-v0 'sim.timestp'; did you mean sim.timestep"),
        ({"rewards": {"alve": 1}}, "unknown parameter of Walker-v0 'rewards.alve'; did you mean rewards.alive"),
        ({"terrain.kid": "x"}, "unknown parameter of Walker-v0 'terrain.kid'; did you mean terrain.kind"),
        ({"max_steps.x": 1}, "parameter max_steps of Walker-v0 must be a whole number, not {'x': 1}"),
        ({"sim": 3}, "parameter sim of Walker-v0 must be a mapping of timestep, solver, cone, not 3"),
        ({"sim.solver": "lcp"}, "parameter sim.solver of Walker-v0 must be one of newton, cg, not 'lcp'"),
        ({"sim.cone": "round"}, "parameter sim.cone of Walker-v0 must be one of pyramidal, elliptic, not 'round'"),
        ({"rewards.alive": "yes"}, "parameter rewards.alive of Walker-v0 must be a number, not 'yes'"),
        ({"rewards": [1]}, "parameter rewards of Walker-v0 must be a mapping of names to values, not [1]"),
        ({"limit": 1.5}, "parameter limit of Walker-v0 must be a whole number or a string, not 1.5"),
        ({"sensors": [{}]}, "sensors.name of Walker-v0 is missing; it has no default."),
        ({"terrain": "flat"}, "parameter terrain of Walker-v0 must be a mapping of kind, sim, not 'flat'"),
        ({"srl_model": "raw_pixels"}, "Walker-v0 does not observe 'raw_pixels'; it observes ground_truth."),
    ],
)
def test_wrong_ones_are_refused_by_dotted_name(kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as raised:
        WalkerConfig.from_kwargs(kwargs)
    assert str(raised.value).startswith(says)


def test_a_world_with_one_observation_takes_its_name() -> None:
    config = WalkerConfig.from_kwargs({"srl_model": "ground_truth"})
    assert config.srl_model == "ground_truth"
    assert "srl_model" not in config.as_dict()


@pytest.mark.parametrize("env_id", registered_env)
def test_every_world_comes_back_from_its_dictionary_and_observes_its_default(env_id: str) -> None:
    cls = registered_env[env_id].load_config()
    config = cls.from_kwargs({})
    assert cls.from_kwargs(yaml.safe_load(yaml.safe_dump(config.as_dict()))) == config == cls.from_kwargs(config.flat())
    assert config.srl_model == cls.default_srl_model
    assert cls.default_srl_model in cls.observes()
    assert (cls.default_srl_model == "raw_pixels") == issubclass(cls, SRLConfig)


@pytest.mark.parametrize(("run", "env_id"), [("ppo2", "MobileRobotGymEnv-v0"), ("dqn", "KukaButtonGymEnv-v0")])
def test_parameters_of_old_runs_still_hold(run: str, env_id: str) -> None:
    kwargs = yaml.safe_load((FORMAT_1 / run / "env_kwargs.yaml").read_text())
    assert registered_env[env_id].load_config().from_kwargs(kwargs).as_dict() == kwargs


def kwargs_of(*argv: str) -> dict[str, Any]:
    parser = Parser(prog="test")
    add_env_flags(parser)
    return env_kwargs_from_flags(*parser.parse_with_given(list(argv)))


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "walker.yaml"
    file.write_text("sim: {timestep: 0.001, cone: elliptic}\nrewards.alive: 3\nmax_steps: 20\n")
    kwargs = kwargs_of(
        *("--env-config", str(file), "--action-repeat", "2"),
        *("--env-kwargs", "sim.timestep:0.5", "sim:{solver: cg}", "max_steps:30", "sensors:[{name: foot}]"),
    )
    config = WalkerConfig.from_kwargs(kwargs)
    assert config.sim == Simulation(timestep=0.5, solver=Solver.CG, cone="elliptic")
    assert (config.rewards["alive"], config.max_steps, config.action_repeat) == (3.0, 30, 2)
    assert config.sensors == (Sensor(name="foot"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1", "is not YAML (line 1: "),
        ("- 1", "must hold parameters, name: value, not a list"),
        ("3", "must hold parameters, name: value, not 3"),
        ("1: 2", "must hold parameters, name: value, not the name 1"),
        ("a: 1\na: 2", "is not YAML (line 2: 'a' is written twice); --env-config takes parameters, name: value."),
        (b"\xff\xfe\x00", "is not YAML (it is not a text file); --env-config takes parameters, name: value."),
        (None, "is missing; --env-config takes parameters, name: value."),
    ],
)
def test_files_that_hold_no_parameters_are_refused(tmp_path: Path, text: str | bytes | None, says: str) -> None:
    file = tmp_path / "env.yaml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as raised:
        read_env_config(file)
    assert str(raised.value).removeprefix("--env-config ").startswith(f"{file} {says}")


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "env.yaml").write_text("# nothing\n")
    assert read_env_config(tmp_path / "env.yaml") == {}


def test_another_continual_task_takes_the_place_of_the_one_that_was_set() -> None:
    trained = {"simple_continual_target": True, "circular_continual_move": False, "max_steps": 9}
    assert overridden(trained, {"circular_continual_move": True}) == {
        "simple_continual_target": False,
        "circular_continual_move": True,
        "max_steps": 9,
    }
    assert overridden(trained, {"max_steps": 5}) == {**trained, "max_steps": 5}
