"""Preset files of rl-zoo3: a section for each environment, whose keys are SRL3's but for some of its own.

Expressions in texts, such as ``"dict(net_arch=[64, 64])"``, are parsed as literals; nothing is run.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from srl3.errors import UserError, unknown_name

DEFAULT = "default"
_OWN_KEYS = ("n_timesteps", "policy")
"""by which a file of rl-zoo3 is known"""
_POLICIES = ("MlpPolicy", "CnnPolicy", "MultiInputPolicy", "MlpLstmPolicy", "CnnLstmPolicy", "MultiInputLstmPolicy")
"""whose choice is SRL3's own, by what is observed"""
_LITERALS = ("policy_kwargs", "replay_buffer_kwargs", "normalize")
"""keys whose text is an expression"""
_CAN_NOT = {
    "monitor_kwargs": "other columns in monitor files",
}
"""keys for which there is nothing here, and what they would ask for"""


@dataclass(frozen=True)
class ZooPreset:
    """What a section of rl-zoo3 says, in SRL3's terms."""

    section: str
    hyperparams: dict[str, Any]
    n_timesteps: int | None
    num_stack: int | None
    env_kwargs: dict[str, Any]


def is_zoo(content: Any) -> bool:
    """Whether what a YAML file holds is a preset file of rl-zoo3: sections that say ``n_timesteps`` or ``policy``."""
    sections = content.values() if isinstance(content, Mapping) else ()
    return any(isinstance(section, Mapping) and any(key in section for key in _OWN_KEYS) for section in sections)


def zoo_preset(content: Mapping[str, Any], file: str, env_id: str) -> ZooPreset:
    """The section for a world: its own, or else ``default``.

    Raises:
        UserError: when it has neither, or asks for what SRL3 can't do; all such keys are named.
    """
    section = next((name for name in (env_id, DEFAULT) if name in content), None)
    if section is None:
        raise unknown_name(f"section in {file}", env_id, map(str, content))
    values = content[section]
    where = f"{file}, section {section}"
    if not isinstance(values, Mapping):
        raise UserError(f"{where} must be a mapping of hyperparameters, not {values!r}.")
    refused = [f"{key} ({_CAN_NOT[key]})" for key in values if key in _CAN_NOT and values[key] is not None]
    if "policy" in values and values["policy"] not in _POLICIES:
        refused.append(f"policy ({values['policy']}, where there are only {', '.join(_POLICIES)})")
    if refused:
        raise UserError(f"{where} asks for what SRL3 does not do: {'; '.join(refused)}. Leave these keys out.")
    hyperparams = {key: value for key, value in values.items() if key not in _CAN_NOT and key not in _OWN_KEYS}
    for key in _LITERALS:
        if isinstance(hyperparams.get(key), str):
            hyperparams[key] = _parsed(hyperparams[key], f"{where}: {key}")
    env_kwargs = hyperparams.pop("env_kwargs", None) or {}
    return ZooPreset(
        section,
        hyperparams=hyperparams,
        n_timesteps=_count(values.get("n_timesteps"), f"{where}: n_timesteps"),
        num_stack=_count(hyperparams.pop("frame_stack", None), f"{where}: frame_stack"),
        env_kwargs=_parsed(env_kwargs, f"{where}: env_kwargs") if isinstance(env_kwargs, str) else dict(env_kwargs),
    )


def _count(value: Any, where: str) -> int | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not number.is_integer() or number < 1:
        raise UserError(f"{where} must be a whole number of at least 1, not {value!r}.")
    return int(number)


def _parsed(text: str, where: str) -> Any:
    """What an expression of literals, ``dict(…)`` and names of classes (as their last part) says.

    Raises:
        UserError: for anything else.
    """
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError):
        raise UserError(
            f"{where} can't be read as it is ({text.strip()!r}); write values, lists and dict(name=value), which are "
            "read without being run."
        ) from None


def _value(node: ast.expr) -> Any:
    readers: dict[type[ast.expr], Callable[[Any], Any]] = {
        ast.Call: _call,
        ast.Attribute: lambda each: each.attr,
        ast.List: lambda each: [_value(element) for element in each.elts],
        ast.Tuple: lambda each: [_value(element) for element in each.elts],
        ast.Dict: _mapping,
    }
    reader = readers.get(type(node), ast.literal_eval)
    return reader(node)


def _call(node: ast.Call) -> dict[str, Any]:
    if not isinstance(node.func, ast.Name) or node.func.id != "dict" or node.args:
        raise ValueError("only dict(name=value) may be called")
    if any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("dict(**…) says no names")
    return {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}


def _mapping(node: ast.Dict) -> dict[Any, Any]:
    if None in node.keys:
        raise ValueError("{**…} says no names")
    return {ast.literal_eval(key): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key}
