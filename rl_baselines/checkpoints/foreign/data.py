"""The entry ``data`` of Stable-Baselines3's zips, read without unpickling.

It is JSON. What JSON can't hold stands there twice: pickled, and as the text of each of its parts. The texts are enough
for nearly everything; the pickles are opened only for the rest, and only if the user trusts them.
"""

import ast
import base64
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rl_baselines.checkpoints.foreign.said import Said
from srl3.formats.pickles import check_trust, value_of

PICKLED = ":serialized:"
TYPE = ":type:"
_CLASS = re.compile(r"<class '(?:[\w.]*\.)?(\w+)'>")
_CONSTANT = re.compile(r"ConstantSchedule\(val=([^,)]+)\)")
_LINEAR = re.compile(r"LinearSchedule\(start=([^,)]+), end=([^,)]+), end_fraction=([^,)]+)\)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_NOISES = {"NormalActionNoise": "normal", "OrnsteinUhlenbeckActionNoise": "ornstein-uhlenbeck"}


class NotReadable(Exception):
    """A value that is in a pickle only."""


class PlainData:
    """What a model says of itself.

    Args:
        path: the zip, for messages.
        content: of its entry ``data``.
        said: by the user.
    """

    def __init__(self, path: Path, content: Mapping[str, Any], said: Said) -> None:
        self.path = path
        self._content = content
        self._said = said

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def text(self, name: str, part: str) -> Any:
        """A part of a value as it stands in the JSON; None where there is none."""
        item = self._content.get(name)
        return item.get(part) if isinstance(item, dict) else None

    def number(self, name: str) -> int | None:
        """A whole number; None where it is something else."""
        value = self._content.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def value(self, name: str) -> Any:
        """A value as YAML holds it: classes are their names, schedules are numbers or ``lin_…``.

        Raises:
            NotReadable: when it is in a pickle only, and that is not trusted.
            UserError: when a trusted pickle can't be opened here.
        """
        item = self._content[name]
        if not (isinstance(item, dict) and PICKLED in item):
            return item
        try:
            return _from_texts(item)
        except NotReadable:
            if not self._said.trust_pickle:
                raise
        return _plain(value_of(base64.b64decode(item[PICKLED]), self.path, f"its {name}"))

    def needed(self, name: str) -> Any:
        """As `value`, of one without which nothing can be made.

        Raises:
            UserError: also when it is in a pickle only, and that is not trusted.
        """
        try:
            return self.value(name)
        except NotReadable:
            check_trust(self.path, f"has its {name} in a pickle", trusted=self._said.trust_pickle)
            raise


def _from_texts(item: Mapping[str, Any]) -> Any:
    """The value of which ``item`` has the texts of the parts."""
    found = _CLASS.fullmatch(str(item.get(TYPE)))
    kind = found[1] if found else ""
    parts = {name: part for name, part in item.items() if name not in (TYPE, PICKLED)}
    if kind == "dict":
        return {name: _part(name, part) for name, part in parts.items()}
    if kind == "LinearSchedule" and parts.keys() >= {"start", "end", "end_fraction"}:
        return _linear(parts["start"], parts["end"], parts["end_fraction"])
    if kind == "ConstantSchedule" and "val" in parts:
        return parts["val"]
    if kind == "FloatSchedule":
        return _schedule(str(parts.get("value_schedule")))
    if kind in _NOISES:
        return _noise(kind, [float(number) for number in _NUMBER.findall(str(parts.get("_sigma")))])
    raise NotReadable


def _part(name: str, part: Any) -> Any:
    """A value within a dictionary; what JSON could not hold is its text."""
    if not isinstance(part, str):
        return part
    if found := _CLASS.fullmatch(part):
        return found[1]
    if name.endswith("_kwargs") or part[:1] in ("(", "[", "{", "<"):
        try:
            return ast.literal_eval(part)
        except (ValueError, SyntaxError):
            raise NotReadable from None
    return part


def _schedule(text: str) -> Any:
    if found := _CONSTANT.search(text):
        return _float(found[1])
    if found := _LINEAR.search(text):
        return _linear(*(_float(number) for number in found.groups()))
    raise NotReadable


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise NotReadable from None


def _linear(start: float, end: float, end_fraction: float) -> float | str:
    """``lin_<start>`` falls to zero at the end of training; of another fall only its start can be said here."""
    return f"lin_{start:g}" if end == 0 and end_fraction == 1 else start


def _noise(kind: str, sigmas: list[float]) -> dict[str, Any]:
    if not sigmas or len(set(sigmas)) > 1:
        raise NotReadable
    return {"noise_type": _NOISES[kind], "noise_std": sigmas[0]}


def _plain(value: Any) -> Any:
    """A value that was unpickled, as YAML holds it."""
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if hasattr(value, "frequency") and hasattr(value, "unit"):
        return [value.frequency, value.unit.value]
    if type(value).__name__ in _NOISES:
        return _noise(type(value).__name__, [float(sigma) for sigma in value._sigma])
    if callable(value):
        start, middle, end = (float(value(left)) for left in (1.0, 0.5, 0.0))
        return f"lin_{start:g}" if end == 0 and math.isclose(middle * 2, start) else start
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
