"""Values as users write them, to the types of a configuration's fields."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Set
from enum import Enum
from typing import Any, Literal

from srl3.errors import UserError, unknown_name

_NO_DEFAULT = object()
_FIELD_TYPES: dict[type[Any], dict[str, Any]] = {}


def build(cls: type[Any], env_id: str, values: Mapping[str, Any], base: Any = None, prefix: str = "") -> Any:
    """An instance of the dataclass ``cls`` with these values in place of those of ``base``, or of the defaults.

    Args:
        cls: a dataclass, its parts possibly dataclasses too.
        env_id: of the world, for error messages.
        values: by name, nested; no name has a dot.
        base: an instance whose values hold where none is given; None for the defaults.
        prefix: dotted name of this part and a dot; empty for the whole.

    Raises:
        UserError: for an unknown name or a value of the wrong type.
    """
    hints = field_types(cls)
    converted = {} if base is None else {name: getattr(base, name) for name in hints}
    for name, value in values.items():
        if name not in hints:
            raise _Unknown(prefix + name)
        default = getattr(base, name) if base is not None else default_of(cls, name)
        converted[name] = convert(env_id, prefix + name, value, hints[name], default)
    missing = [name for name in hints if name not in converted and default_of(cls, name) is _NO_DEFAULT]
    if missing:
        raise UserError(f"{prefix}{missing[0]} of {env_id} is missing; it has no default.")
    return cls(**converted)


class _Unknown(Exception):
    """A dotted name that a configuration does not have."""


def build_whole(cls: type[Any], env_id: str, values: Mapping[str, Any]) -> Any:
    """`build`, where an unknown name is answered with the nearest right ones."""
    try:
        return build(cls, env_id, values)
    except _Unknown as unknown:
        raise unknown_name(f"parameter of {env_id}", str(unknown), dotted_names(cls)) from None


def field_types(cls: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields, by name."""
    known = _FIELD_TYPES.get(cls)
    if known is None:
        hints = typing.get_type_hints(cls)
        known = _FIELD_TYPES[cls] = {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}
    return known


def default_of(cls: type[Any], name: str) -> Any:
    """The default of a field; a unique object where it has none."""
    field = cls.__dataclass_fields__[name]
    if field.default is not dataclasses.MISSING:
        return field.default
    return _NO_DEFAULT if field.default_factory is dataclasses.MISSING else field.default_factory()


def dotted_names(cls: type[Any], prefix: str = "") -> list[str]:
    """Names of all values that a configuration of this class holds, those of its parts with dots."""
    names: list[str] = []
    for name, kind in field_types(cls).items():
        default = default_of(cls, name)
        part = _part_class(kind, default)
        if part is not None:
            names += dotted_names(part, f"{prefix}{name}.")
        else:
            names += _names_under(default, prefix + name)
    return names


def _names_under(default: Any, name: str) -> list[str]:
    """Dotted names of the values in a field whose default is this: its keys, and the parts they hold."""
    if dataclasses.is_dataclass(default):
        return dotted_names(type(default), f"{name}.")
    if isinstance(default, Mapping) and default:
        return [found for key, item in default.items() for found in _names_under(item, f"{name}.{key}")]
    return [name]


def plain(value: Any) -> Any:
    """``value`` as JSON and YAML can hold it: dataclasses as dictionaries, tuples as lists, enumerations as values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def convert(env_id: str, name: str, value: Any, kind: Any, default: Any = _NO_DEFAULT) -> Any:
    """``value`` as ``kind``, the type of the field with this dotted name.

    Kinds are bool, int, float, str, enumerations, literals, dataclasses, ``dict[str, …]`` (whose keys are those of the
    default, where that has some), tuples, and unions of these.

    Raises:
        UserError: when it can't be taken for one.
    """
    wrong = UserError(f"parameter {name} of {env_id} must be {_in_words(kind)}, not {value!r}.")
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        if isinstance(value, typing.cast("type[Any]", kind)):
            return value
        if not isinstance(value, Mapping):
            raise wrong
        base = default if isinstance(default, typing.cast("type[Any]", kind)) else None
        return build(typing.cast("type[Any]", kind), env_id, value, base, f"{name}.")
    if origin in (typing.Union, types.UnionType):
        return _one_of(env_id, name, value, kind, default)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in arguments):
            raise wrong
        return value
    if origin is tuple:
        return _tuple(env_id, name, value, kind)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(env_id, name, value, kind, default)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            raise wrong from None
    return _scalar(value, kind, wrong)


def _scalar(value: Any, kind: Any, wrong: UserError) -> Any:
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


def _one_of(env_id: str, name: str, value: Any, kind: Any, default: Any) -> Any:
    """The first kind of a union that takes ``value``; nothing is taken for nothing only."""
    kinds = [argument for argument in typing.get_args(kind) if argument is not type(None)]
    if value is None and len(kinds) < len(typing.get_args(kind)):
        return None
    problems = []
    for argument in kinds:
        try:
            return convert(env_id, name, value, argument, default)
        except (UserError, _Unknown) as problem:
            problems.append(problem)
    if len(problems) == 1:
        raise problems[0]
    raise UserError(f"parameter {name} of {env_id} must be {_in_words(kind)}, not {value!r}.")


def _tuple(env_id: str, name: str, value: Any, kind: Any) -> Any:
    if name.rpartition(".")[2] == "img_shape" and isinstance(value, str):
        return parse_img_shape(value)
    arguments = typing.get_args(kind)
    wrong = UserError(f"parameter {name} of {env_id} must be {_in_words(kind)}, not {value!r}.")
    if isinstance(value, str | bytes | Mapping | Set) or not hasattr(value, "__len__"):
        raise wrong
    kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
    if len(kinds) != len(value):
        raise wrong
    return tuple(convert(env_id, name, item, kind) for item, kind in zip(value, kinds, strict=True))


def _mapping(env_id: str, name: str, value: Any, kind: Any, default: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UserError(f"parameter {name} of {env_id} must be {_in_words(kind)}, not {value!r}.")
    _, item_kind = typing.get_args(kind)
    known = dict(default) if isinstance(default, Mapping) else {}
    merged = dict(known)
    for key, item in value.items():
        if known and key not in known:
            raise _Unknown(f"{name}.{key}")
        merged[str(key)] = convert(env_id, f"{name}.{key}", item, item_kind, known.get(key, _NO_DEFAULT))
    return merged


def _part_class(kind: Any, default: Any) -> type[Any] | None:
    """The dataclass whose fields a part has: its default's, or the one that its type names."""
    if dataclasses.is_dataclass(default):
        return type(default)
    kinds = (kind, *typing.get_args(kind)) if typing.get_origin(kind) is not tuple else ()
    return next((one for one in kinds if isinstance(one, type) and dataclasses.is_dataclass(one)), None)


def parse_img_shape(text: str) -> tuple[int, int]:
    """``"64x96"`` to ``(64, 96)``: height, width in pixels."""
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise UserError(f"an image shape is written HEIGHTxWIDTH, for example 64x64, not '{text}'.")
    return int(height), int(width)


def _in_words(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return "a list of values" if arguments[-1] is Ellipsis else f"a list of {len(arguments)} values"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_in_words(argument) for argument in arguments))
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "one of " + ", ".join(str(member.value) for member in kind)
    if dataclasses.is_dataclass(kind):
        return "a mapping of " + ", ".join(field_types(typing.cast("type[Any]", kind)))
    if origin is not None and issubclass(origin, Mapping):
        return "a mapping of names to values"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", type(None): "nothing"}
    return names.get(kind, str(kind))
