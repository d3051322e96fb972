"""What an environment can do and how it is set up, as plain data that imports no engine.

Every world has a frozen dataclass derived from `EnvConfig`: its fields are the keyword
arguments that the world takes (``gymnasium.make(id, **env_kwargs)``), its constants included.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping, Set
from typing import Any, ClassVar, Self

from srl3.errors import UserError, unknown_name

PIXELS = "raw_pixels"
GROUND_TRUTH = "ground_truth"
JOINTS = "joints"
JOINTS_POSITION = "joints_position"
MIN_IMAGE_SIDE = 36
"""Smallest image that Stable-Baselines3's NatureCNN can take."""


@dataclasses.dataclass(frozen=True)
class Modes:
    """The modes that a world accepts; asking for another is a `UserError` that names them."""

    discrete: bool = True
    continuous: bool = True
    joints: bool = False
    random_target: bool = True
    shape_reward: bool = True
    multi_view: bool = False
    states: tuple[str, ...] = (PIXELS, GROUND_TRUTH)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnvConfig:
    """Parameters common to all environments. Lengths in metres, angles in radians, unless said otherwise."""

    env_id: ClassVar[str] = "SRLGymEnv"
    modes: ClassVar[Modes] = Modes()

    is_discrete: bool = True
    """Discrete actions; False gives a Box."""
    action_joints: bool = False
    """Continuous actions move the joints instead of the end effector (arms only)."""
    random_target: bool = False
    """The target is drawn anew in every episode."""
    shape_reward: bool = False
    """Dense reward instead of the sparse one."""
    action_repeat: int = 1
    """Times that one action is applied in one ``step``; the rewards are summed."""
    multi_view: bool = False
    """Pixels from two cameras, stacked along the channels."""
    srl_model: str = PIXELS
    """What is observed: ``raw_pixels``, ``ground_truth``, ``joints`` or ``joints_position``."""
    img_shape: tuple[int, int] = (84, 84)
    """Height and width of the pixels."""
    relative_pos: bool = True
    """Ground truth is the agent relative to the target; False gives agent, then target."""
    max_steps: int = 1000
    """Steps after which an episode is truncated."""
    renders: bool = False
    """Opens a window (``render_mode='human'`` does the same)."""
    record_data: bool = False
    """Every step's info carries the camera image under ``frame``, whatever is observed."""

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, Any]) -> Self:
        """The configuration for these keyword arguments.

        Raises:
            UserError: for an unknown name, a value of the wrong type, or a mode the world does not have.
        """
        hints = typing.get_type_hints(cls)
        names = [field.name for field in dataclasses.fields(cls)]
        values = {}
        for name, value in kwargs.items():
            if name not in names:
                raise unknown_name(f"parameter of {cls.env_id}", name, names)
            values[name] = _convert(cls.env_id, name, value, hints[name])
        return cls(**values)

    def __post_init__(self) -> None:
        env, modes = self.env_id, self.modes
        if self.is_discrete and not modes.discrete:
            raise UserError(f"{env} has no discrete actions; use continuous ones (-c).")
        if not self.is_discrete and not modes.continuous:
            raise UserError(f"{env} has only discrete actions; leave out -c.")
        if self.action_joints and not modes.joints:
            raise UserError(f"{env} has no joint actions; leave out -joints.")
        if self.action_joints and self.is_discrete:
            raise UserError("joint actions are continuous; add -c to -joints.")
        if self.srl_model not in modes.states:
            raise UserError(f"{env} does not observe '{self.srl_model}'; it observes {', '.join(modes.states)}.")
        for flag in ("random_target", "shape_reward", "multi_view"):
            if getattr(self, flag) and not getattr(modes, flag):
                raise UserError(f"{env} has no {flag} mode; leave it out.")
        if self.action_repeat < 1:
            raise UserError(f"action_repeat of {env} must be at least 1, not {self.action_repeat}.")
        if self.max_steps < 1:
            raise UserError(f"max_steps of {env} must be at least 1, not {self.max_steps}.")
        if min(self.img_shape) < MIN_IMAGE_SIDE:
            shape = "x".join(map(str, self.img_shape))
            raise UserError(f"img_shape of {env} must be at least {MIN_IMAGE_SIDE}x{MIN_IMAGE_SIDE}, not {shape}.")

    def as_dict(self) -> dict[str, Any]:
        """All parameters, defaults included, as JSON and YAML can hold them."""
        return {name: _plain(value) for name, value in dataclasses.asdict(self).items()}


def parse_img_shape(text: str) -> tuple[int, int]:
    """``"64x96"`` to ``(64, 96)``: height, width in pixels."""
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise UserError(f"an image shape is written HEIGHTxWIDTH, for example 64x64, not '{text}'.")
    return int(height), int(width)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _convert(env_id: str, name: str, value: Any, kind: Any) -> Any:
    """``value`` as ``kind`` (bool, int, float, str, tuples of these, optionals), or a `UserError`."""
    wrong = UserError(f"parameter {name} of {env_id} must be {_kind_name(kind)}, not {value!r}.")
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        kind = next(argument for argument in arguments if argument is not type(None))
        return _convert(env_id, name, value, kind)
    if origin is tuple:
        if name == "img_shape" and isinstance(value, str):
            return parse_img_shape(value)
        if isinstance(value, str | bytes | Mapping | Set) or not hasattr(value, "__len__"):
            raise wrong
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(kinds) != len(value):
            raise wrong
        return tuple(_convert(env_id, name, item, kind) for item, kind in zip(value, kinds, strict=True))
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise wrong
        return number
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind in (bool, int, str) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise wrong


def _kind_name(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return "a list of values" if arguments[-1] is Ellipsis else f"a list of {len(arguments)} values"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind_name(argument) for argument in arguments)
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", type(None): "nothing"}
    return names.get(kind, str(kind))
