"""What a dataset says of itself: ``dataset_config.json``."""

import dataclasses
import json
import os
import typing
from pathlib import Path
from typing import Any

from srl3.errors import UserError
from srl3.files import write_text
from srl3.formats.json import read_mapping

CONFIG_FILE = "dataset_config.json"
FORMAT = 1
TEACHER_FILE = "teacher.zip"
"""the checkpoint that acted in a dataset, beside its steps; not of a dataset that was made from others"""
RECORD_AGAIN = "record the dataset again"
"""the advice for a damaged file of a dataset"""
UNKNOWN_ENV = "unknown"
"""``env_id`` of a dataset of the S-RL Toolbox, which does not name its world"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """Where a dataset comes from, and the form of its frames and actions. All of it is JSON."""

    env_id: str
    """key of ``registered_env``"""
    env_kwargs: dict[str, Any]
    """every parameter of the environment, defaults included"""
    seed: int
    """with the environment, the policy and the number of episodes it decides every bit of the dataset"""
    relative_pos: bool
    """ground truth is the agent's position less the target's; False: the agent's, in the world frame"""
    frame_shape: tuple[int, int, int]
    """height, width, channels: 3, or 6 with two views"""
    multi_view: bool
    n_actions: int | None
    """number of discrete actions; None: actions are continuous"""
    policy: str = "random"
    """what acted: ``random``, ``ppo2``, a checkpoint's algorithm"""
    toward_target: float = 0.0
    """share of the steps in which the world's scripted policy acted instead; -1: differs among the sources"""
    perturbed: float = 0.0
    """share of the steps in which chance acted in the teacher's place; -1: differs among the sources"""
    sources: tuple[str, ...] = ()
    """names of the datasets that it was merged from"""
    label_kwargs: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    """of a merged dataset, by continual-learning label: the parameters in which the worlds of the sources differ"""
    format: int = FORMAT

    def save(self, folder: Path) -> None:
        """Write ``dataset_config.json`` into ``folder``."""
        write_text(folder / CONFIG_FILE, json.dumps(dataclasses.asdict(self), indent=1) + "\n")

    @classmethod
    def from_json(cls, values: dict[str, Any], path: Path) -> "DatasetInfo":
        """The info that `save` wrote.

        Args:
            values: what the file holds.
            path: the file, for messages.

        Raises:
            UserError: when something is missing or of a wrong type, or for another format.
        """
        if values.get("format") != FORMAT:
            raise UserError(
                f"{path} has dataset format {values.get('format')!r}, and this version reads format {FORMAT}."
            )
        fields = {field.name: field for field in dataclasses.fields(cls)}
        hints = typing.get_type_hints(cls)
        known = {name: value for name, value in values.items() if name in fields}
        for name, field in fields.items():
            has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
            if name not in known and not has_default:
                raise UserError(f"{path} lacks '{name}'; the dataset is damaged, record it again.")
        for name, value in known.items():
            if isinstance(value, list):
                known[name] = value = tuple(value)
            elif hints[name] is float and isinstance(value, int) and not isinstance(value, bool):
                known[name] = value = float(value)
            if not _fits(value, hints[name]):
                raise UserError(f"'{name}' in {path} is {value!r}, which it can't be; record the dataset again.")
        return cls(**known)


def _fits(value: Any, kind: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        kinds = arguments[:1] * len(value) if isinstance(value, tuple) and arguments[-1] is Ellipsis else arguments
        return (
            isinstance(value, tuple)
            and len(value) == len(kinds)
            and all(_fits(item, kind) for item, kind in zip(value, kinds, strict=True))
        )
    if origin is dict:
        return isinstance(value, dict) and (
            arguments[1] is Any or all(_fits(item, arguments[1]) for item in value.values())
        )
    if arguments:  # a union
        return any(_fits(value, kind) for kind in arguments)
    if kind is int and isinstance(value, bool):
        return False
    return isinstance(value, kind)


def read_config(path: Path) -> dict[str, Any]:
    """The values of ``dataset_config.json`` in the folder ``path``; nothing when there is none.

    Raises:
        UserError: when it can't be read.
    """
    file = path / CONFIG_FILE
    return read_mapping(file, RECORD_AGAIN) if os.path.lexists(file) else {}
