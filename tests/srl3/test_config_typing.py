"""Parameters of worlds: types, modes and the sentences about wrong ones."""

import dataclasses
import json
import math
from typing import ClassVar

import pytest

from environments.config import Modes, SRLConfig, parse_img_shape
from srl3.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArmConfig(SRLConfig):
    """A world with a parameter of every kind."""

    env_id: ClassVar[str] = "Arm-v0"
    modes: ClassVar[Modes] = Modes(joints=True, random_target=False, states=("raw_pixels", "ground_truth", "joints"))

    gain: float = 0.5
    tries: int = 3
    name: str = "arm"
    limit: float | None = None
    box: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 1.0), (0.0, 1.0))
    weights: tuple[float, ...] = (1.0,)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CarConfig(SRLConfig):
    """A world without continuous actions."""

    env_id: ClassVar[str] = "Car-v0"
    modes: ClassVar[Modes] = Modes(continuous=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TorqueConfig(SRLConfig):
    """A world without discrete actions."""

    env_id: ClassVar[str] = "Torque-v0"
    modes: ClassVar[Modes] = Modes(discrete=False)


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("gain", 1, 1.0),
        ("gain", -2.5, -2.5),
        ("tries", 4.0, 4),
        ("max_steps", 1, 1),
        ("name", "leg", "leg"),
        ("limit", None, None),
        ("limit", 2, 2.0),
        ("box", [[0, 1], [2, 3]], ((0.0, 1.0), (2.0, 3.0))),
        ("weights", [1, 2, 3], (1.0, 2.0, 3.0)),
        ("weights", [], ()),
        ("img_shape", [64, 96], (64, 96)),
        ("img_shape", "64x96", (64, 96)),
        ("shape_reward", True, True),
    ],
)
def test_values_take_the_type_of_their_field(name, given, taken):
    value = getattr(ArmConfig.from_kwargs({name: given}), name)
    assert value == taken
    assert type(value) is type(taken)


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("gain", "0.5", "a number"),
        ("gain", True, "a number"),
        ("gain", None, "a number"),
        ("gain", math.nan, "a number"),
        ("gain", -math.inf, "a number"),
        ("tries", 1.5, "a whole number"),
        ("tries", math.inf, "a whole number"),
        ("tries", False, "a whole number"),
        ("shape_reward", 1, "true or false"),
        ("shape_reward", "yes", "true or false"),
        ("name", 3, "a string"),
        ("limit", "far", "a number"),
        ("box", [[0, 1]], "a list of 2 values"),
        ("box", 1.0, "a list of 2 values"),
        ("box", "12", "a list of 2 values"),
        ("box", {0: [0, 1], 1: [2, 3]}, "a list of 2 values"),
        ("weights", 3.0, "a list of values"),
        ("weights", {1.0, 2.0}, "a list of values"),
        ("img_shape", [64, 64.5], "a whole number"),
    ],
)
def test_wrong_types_are_refused(name, given, wanted):
    with pytest.raises(UserError, match=f"^parameter {name} of Arm-v0 must be {wanted}"):
        ArmConfig.from_kwargs({name: given})


@pytest.mark.parametrize("text", ["64", "64x", "x64", "64x64x3", "-64x64", "sixty", "6.4x64", ""])
def test_wrong_image_shapes_are_refused(text):
    with pytest.raises(UserError, match="HEIGHTxWIDTH"):
        parse_img_shape(text)


def test_unknown_parameter_gets_a_close_match():
    with pytest.raises(UserError) as raised:
        ArmConfig.from_kwargs({"max_step": 10})
    assert str(raised.value).startswith("unknown parameter of Arm-v0 'max_step'; did you mean max_steps")


@pytest.mark.parametrize(
    ("config", "kwargs", "says"),
    [
        (TorqueConfig, {}, "Torque-v0 has no discrete actions; use continuous ones (-c)."),
        (CarConfig, {"is_discrete": False}, "Car-v0 has only discrete actions; leave out -c."),
        (CarConfig, {"action_joints": True}, "Car-v0 has no joint actions; leave out -joints."),
        (ArmConfig, {"action_joints": True}, "joint actions are continuous; add -c to -joints."),
        (ArmConfig, {"random_target": True}, "Arm-v0 has no random_target mode; leave it out."),
        (ArmConfig, {"multi_view": True}, "Arm-v0 has no multi_view mode; leave it out."),
        (CarConfig, {"srl_model": "joints"}, "Car-v0 does not observe 'joints'; it observes raw_pixels, ground_truth."),
        (ArmConfig, {"max_steps": 0}, "max_steps of Arm-v0 must be at least 1, not 0."),
        (ArmConfig, {"action_repeat": -1}, "action_repeat of Arm-v0 must be at least 1, not -1."),
        (ArmConfig, {"img_shape": (64, 35)}, "img_shape of Arm-v0 must be at least 36x36, not 64x35."),
    ],
)
def test_modes_that_a_world_lacks_are_refused(config, kwargs, says):
    with pytest.raises(UserError) as raised:
        config(**kwargs)
    assert str(raised.value) == says


def test_as_dict_is_whole_plain_and_comes_back():
    config = ArmConfig.from_kwargs({"img_shape": "48x64", "is_discrete": False, "action_joints": True, "limit": 2})
    plain = config.as_dict()
    assert set(plain) == {field.name for field in dataclasses.fields(ArmConfig)}
    assert plain["box"] == [[0.0, 1.0], [0.0, 1.0]]
    assert ArmConfig.from_kwargs(json.loads(json.dumps(plain))) == config


def test_configurations_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ArmConfig().gain = 1.0  # type: ignore[misc]
