"""Configurations in YAML files: the tree of parameters that ``--env-config`` reads."""

from pathlib import Path
from typing import Any

import yaml

from environments.config.names import flatten
from srl3.errors import UserError


def read_env_config(path: Path) -> dict[str, Any]:
    """Parameters by dotted name, from a YAML file that holds them nested, dotted or both.

    Raises:
        UserError: when the file can't be read, is not YAML, or holds something else than names with values.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a text file"
        raise UserError(f"--env-config {path} can't be read: {reason}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark is not None else ""
        raise UserError(f"--env-config {path} is not YAML{place}.") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise UserError(f"--env-config {path} must hold parameters, name: value, not {_in_words(values)}.")
    return flatten(values)


def _in_words(values: Any) -> str:
    if isinstance(values, dict):
        return f"the name {next(name for name in values if not isinstance(name, str))!r}"
    return "a list" if isinstance(values, list) else f"{values!r}"
