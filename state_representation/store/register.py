"""Entering a trained representation into ``srl_models.yaml``, where `state_representation.store.find` looks for it."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from srl3.errors import UserError
from srl3.files import write_text
from srl3.formats.text import read_text
from srl3.formats.yaml import value_of
from state_representation.store.find import LOG_FOLDER, read_srl_models


def entry(file: Path, env_id: str, srl_model: str, folder: Path) -> dict[str, str]:
    """What the environment's section must hold: its ``log_folder``, and the representation's folder relative to it.

    Args:
        file: an existing section keeps its ``log_folder``; a new one has the parent of ``folder``.
        env_id: the section.
        srl_model: name of the representation.
        folder: its log folder.

    Raises:
        UserError: when ``file`` can't be read.
    """
    sections = read_srl_models(file) if file.is_file() else {}
    log_folder = sections.get(env_id, {}).get(LOG_FOLDER) or f"{folder.parent}/"
    return {LOG_FOLDER: log_folder, srl_model: f"{os.path.relpath(folder, log_folder)}/"}


def section_text(env_id: str, values: Mapping[str, str]) -> str:
    """A section as it is written by hand."""
    return "\n".join([f"{env_id}:", *(f"  {name}: {value}" for name, value in values.items())]) + "\n"


def register(file: Path, env_id: str, srl_model: str, folder: Path) -> None:
    """Enter a representation, in place of one of the same name; comments and all other lines stay as they are.

    Args:
        file: made when it is missing; replaced in one piece.
        env_id: the section.
        srl_model: name of the representation.
        folder: its log folder.

    Raises:
        UserError: when the file can't be read, edited or written.
    """
    values = entry(file, env_id, srl_model, folder)
    sections = read_srl_models(file) if file.is_file() else {}
    text = read_text(file, "name another with --srl-config-file") if file.is_file() else ""
    lines = text.splitlines()
    head = next((index for index, line in enumerate(lines) if re.match(rf"{re.escape(env_id)}\s*:", line)), None)
    if head is None:
        lines += section_text(env_id, values).splitlines()
    else:
        _enter(lines, head, values)
    changed = "\n".join(lines) + "\n"
    if _sections(changed) != {**sections, env_id: {**sections.get(env_id, {}), **values}}:
        raise UserError(
            f"{file} is laid out in a way that can't be edited here; add '{srl_model}: {values[srl_model]}'."
        )
    try:
        write_text(file, changed)
    except OSError as error:
        raise UserError(f"{file} can't be written ({error.strerror}); name your own with --srl-config-file.") from None


def _sections(text: str) -> dict[str, dict[str, str]]:
    """What is understood of an edited file; nothing when it is no longer YAML."""
    try:
        return {name: dict(section or {}) for name, section in (value_of(text) or {}).items()}
    except (AttributeError, ValueError, TypeError):
        return {}


def _enter(lines: list[str], head: int, values: Mapping[str, str]) -> None:
    """Put ``values`` into the section whose first line is ``head``, over those of the same names or at its end."""
    last = head
    for index in range(head + 1, len(lines)):
        if lines[index].strip() and lines[index][0] not in " #":
            break
        if lines[index].startswith(" ") and not lines[index].lstrip().startswith("#"):
            last = index
    indent = re.match(" *", lines[last] if last > head else "  ")
    assert indent is not None
    for name, value in values.items():
        new = f"{indent[0]}{name}: {value}"
        there = [index for index in range(head + 1, last + 1) if re.match(rf" +{re.escape(name)}\s*:", lines[index])]
        if there:
            lines[there[0]] = new
        else:
            last += 1
            lines.insert(last, new)
