"""``.checkpoint_state.json`` in a run folder: which checkpoint is watched, agreed between panels.

Everybody who can write into the folder can write it, so it is read with distrust.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rl_baselines.play.policies.watcher import Watcher
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from srl3.files import write_text
from srl3.formats.json import value_of

MAX_BYTES = 64_000
AUTO: Literal["auto"] = "auto"
MANUAL: Literal["manual"] = "manual"
Mode = Literal["auto", "manual"]
"""the newest checkpoint is followed, or a chosen one stays"""


@dataclass(frozen=True)
class Choice:
    """What is to be watched."""

    mode: Mode
    checkpoint: Path | None
    """the chosen one; None where the newest is followed"""
    writer: str = ""
    """the program that chose"""


def write_choice(run: RunFolder, choice: Choice) -> None:
    """Write the run's state file in one piece.

    Raises:
        OSError: when it can't be written.
    """
    content = {
        "mode": choice.mode,
        "checkpoint_path": None if choice.checkpoint is None else str(choice.checkpoint.absolute()),
        "last_update": time.time(),
        "experiment_dir": str(run.path.absolute()),
        "writer": choice.writer,
    }
    write_text(run.checkpoint_state, json.dumps(content, indent=1) + "\n")


def read_choice(run: RunFolder) -> Choice:
    """What the run's state file says; without a file the newest checkpoint is followed.

    Raises:
        UserError: when it is too large, damaged, or names something that is no checkpoint within the run folder.
    """
    path = run.checkpoint_state
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Choice(AUTO, None)
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}); the choice stays as it is.") from None
    if len(raw) > MAX_BYTES:
        raise UserError(f"{path} is larger than {MAX_BYTES // 1000} kB, and was not read.")
    try:
        content = value_of(raw.decode("utf-8"))
        mode, named, writer = content["mode"], content.get("checkpoint_path"), content.get("writer", "")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path} is damaged, or half-written; the choice stays as it is.") from None
    if mode not in (AUTO, MANUAL):
        raise UserError(f"{path} has the mode {str(mode)[:40]!r}; it may be auto or manual.")
    if mode == AUTO:
        return Choice(AUTO, None, str(writer)[:80])
    return Choice(MANUAL, _checked(run, named), str(writer)[:80])


class ChoiceReader:
    """Looks at a run's state file again and again.

    Attributes:
        problem: why the file was refused when it changed last, else empty.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.problem = ""
        self._watcher = Watcher(run.checkpoint_state, settle=0.0)

    def look(self, now: float) -> Choice | None:
        """A choice that is new and may be followed, else None."""
        if self._watcher.look(now) is None:
            return None
        try:
            choice = read_choice(self.run)
        except UserError as error:
            self.problem = str(error)
            return None
        self.problem = ""
        return choice


def _checked(run: RunFolder, named: object) -> Path:
    if not isinstance(named, str) or not named:
        raise UserError(f"{run.checkpoint_state} names no checkpoint; the choice stays as it is.")
    path = run.path / named
    try:
        inside = path.resolve().is_relative_to(run.path.resolve())
        there = inside and path.suffix == ".zip" and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        inside = there = False
    if not inside:
        raise UserError(f"{run.checkpoint_state} names a file outside of the run folder, and was not followed.")
    if not there:
        raise UserError(f"{run.checkpoint_state} names {Path(named).name[:80]}, which is no checkpoint of this run.")
    return path
