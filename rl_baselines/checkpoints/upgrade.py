"""Infos of earlier checkpoint formats, brought to the present one."""

import math
from typing import Any

PIXELS = "raw_pixels"
OUTERMOST = "outermost"
"""marks a Box of which format 1 kept only the smallest lower and the largest upper bound"""


def upgrade(content: dict[str, Any]) -> dict[str, Any]:
    """The content of ``info.json`` in the present format; what is in it already comes back as it is.

    Raises:
        KeyError, TypeError, ValueError: when its spaces are something else than that format has.
    """
    return _from_1(content) if content["format"] == 1 else content


def _from_1(content: dict[str, Any]) -> dict[str, Any]:
    observed = _space(content["observation_space"])
    if content["srl_model"] == PIXELS and _transposed_in_format_1(observed["shape"]):
        observed["image"] = True
    return {**content, "observation_space": observed, "action_space": _space(content["action_space"]), "format": 2}


def _space(old: dict[str, Any]) -> dict[str, Any]:
    """A Box or Discrete space, which is all that format 1 had."""
    if old["type"] == "Discrete":
        return {"type": "Discrete", "n": old["n"], "start": 0, "dtype": "int64"}
    if old["type"] != "Box":
        raise ValueError(f"'{old['type']}' is no kind of space of format 1")
    low, high = (_bound(old[name], old["dtype"]) for name in ("low", "high"))
    return {
        "type": "Box",
        "shape": old["shape"],
        "dtype": old["dtype"],
        "low": low,
        "high": high,
        OUTERMOST: True,
    }


def _bound(number: float, dtype: str) -> float | int | str:
    if math.isinf(number):
        return str(float(number))
    return int(number) if "int" in dtype else number


def _transposed_in_format_1(shape: list[int]) -> bool:
    """Whether the policy got these images channels first: Stable-Baselines3 took a smallest first side for channels."""
    return len(shape) == 3 and shape.index(min(shape)) != 0
