"""``.checkpoint_state.json`` in a run folder: which checkpoint is watched, agreed between panels.

Where a run is shown in several slots side by side, the first of them has that file, the second one
``.checkpoint_state_2.json`` and so on: panels that steer different slots never write over each other. Everybody who can
write into the folder can write them, so they are read with distrust.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rl_baselines.play.policies.labels import printable
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


def write_choice(run: RunFolder, choice: Choice, place: int = 1) -> None:
    """Write the run's state file in one piece.

    Args:
        run: whose.
        choice: what is to be watched.
        place: of the slot among those that show this run, from 1 on.

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
    write_text(run.checkpoint_state_of(place), json.dumps(content, indent=1) + "\n")


def read_choice(run: RunFolder, place: int = 1) -> Choice:
    """What the run's state file says; without a file the newest checkpoint is followed.

    Args:
        run: whose.
        place: of the slot among those that show this run, from 1 on.

    Raises:
        UserError: when it is too large, damaged, or names something that is no checkpoint within the run folder.
    """
    path = run.checkpoint_state_of(place)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise UserError(f"{path} is no file, and was not read.")
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
        return Choice(AUTO, None, printable(str(writer)[:80]))
    return Choice(MANUAL, _checked(run, path, named), printable(str(writer)[:80]))


class ChoiceReader:
    """Looks at a run's state file again and again.

    Args:
        run: whose.
        place: of the slot among those that show this run, from 1 on.

    Attributes:
        problem: why the file was refused when it changed last, else empty.
    """

    def __init__(self, run: RunFolder, place: int = 1) -> None:
        self.run = run
        self.place = place
        self.problem = ""
        self._watcher = Watcher(run.checkpoint_state_of(place), settle=0.0)

    @property
    def path(self) -> Path:
        """The file."""
        return self._watcher.path

    def look(self, now: float) -> Choice | None:
        """A choice that is new and may be followed, else None."""
        if self._watcher.look(now) is None:
            return None
        try:
            choice = read_choice(self.run, self.place)
        except UserError as error:
            self.problem = str(error)
            return None
        self.problem = ""
        return choice


def _checked(run: RunFolder, file: Path, named: object) -> Path:
    if not isinstance(named, str) or not named:
        raise UserError(f"{file} names no checkpoint; the choice stays as it is.")
    path = run.path / named
    try:
        inside = path.resolve().is_relative_to(run.path.resolve())
        there = inside and path.suffix == ".zip" and path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        inside = there = False
    if not inside:
        raise UserError(f"{file} names a file outside of the run folder, and was not followed.")
    if not there:
        raise UserError(f"{file} names {Path(named).name[:80]}, which is no checkpoint of this run.")
    return path
