"""Configurations in YAML files: the tree of parameters that ``--env-config`` reads."""

from pathlib import Path
from typing import Any

from environments.config.names import flatten
from srl3.errors import UserError
from srl3.formats.yaml import read_by_hand


def read_env_config(path: Path) -> dict[str, Any]:
    """Parameters by dotted name, from a YAML file that holds them nested, dotted or both.

    Raises:
        UserError: when the file can't be read, is not YAML, or holds something else than names with values.
    """
    values = read_by_hand(path, "--env-config takes parameters, name: value")
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise UserError(f"--env-config {path} must hold parameters, name: value, not {_in_words(values)}.")
    return flatten(values)


def _in_words(values: Any) -> str:
    if isinstance(values, dict):
        return f"the name {next(name for name in values if not isinstance(name, str))!r}"
    return "a list" if isinstance(values, list) else f"{values!r}"
