"""What became of a grid's runs, in a file of their log folder."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from environments.foreign import escaped_id
from rl_baselines.grid.cells import Cell
from rl_baselines.grid.child import read_result
from srl3.errors import UserError
from srl3.files import write_text
from srl3.formats.damage import DamagedFile
from srl3.formats.json import read_mapping

FINISHED, FAILED, INTERRUPTED, RUNNING = "finished", "failed", "interrupted", "running"
_FORMAT = 1
_ADVICE = "move it away to begin the grid anew"
_DEPTH = 4
"""of a run folder below its log folder"""


@dataclass
class Entry:
    """A run that was begun."""

    status: str
    """`RUNNING` also where the pipeline was killed"""
    run_folder: str | None = None
    """relative to the log folder"""
    exit_status: int | None = None


class GridRecord:
    """``pipeline.json`` and the runs' logs in ``pipeline/``, under a log folder.

    The file holds every grid that was run in that folder. It is replaced in one piece.

    Args:
        log_dir: parent of the run folders.

    Raises:
        UserError: when the file is damaged.
    """

    def __init__(self, log_dir: Path) -> None:
        self.log_dir = log_dir
        self.path = log_dir / "pipeline.json"
        self.logs = log_dir / "pipeline"
        self._entries: dict[str, Entry] = {}
        if self.path.is_file():
            content = read_mapping(self.path, _ADVICE, needs=("format", "runs"))
            if content["format"] != _FORMAT:
                raise UserError(
                    f"{self.path} has format {content['format']}, and this version reads format {_FORMAT}; {_ADVICE}."
                )
            try:
                self._entries = {key: Entry(**entry) for key, entry in content["runs"].items()}
            except (TypeError, AttributeError):
                raise DamagedFile(self.path, "its runs are none", _ADVICE) from None

    def entry(self, cell: Cell) -> Entry | None:
        """What is known of a run; None for one that was never begun."""
        return self._entries.get(cell.key)

    def note(self, cell: Cell, status: str, exit_status: int | None = None) -> None:
        """Note what became of a run, with the run folder that it has."""
        folder = self.run_folder(cell)
        shown = os.path.relpath(folder, self.log_dir) if folder is not None else None
        self._entries[cell.key] = Entry(status, shown, exit_status)
        runs = {key: asdict(entry) for key, entry in self._entries.items()}
        write_text(self.path, json.dumps({"format": _FORMAT, "runs": runs}, indent=1) + "\n")

    def log(self, cell: Cell) -> Path:
        """The file that holds what a run printed, every attempt of it."""
        number = sha256(cell.key.encode()).hexdigest()[:8]
        return self.logs / f"{escaped_id(cell.env)}_{cell.srl_model}_{cell.algo}_seed{cell.seed}_{number}.log"

    def result(self, cell: Cell) -> Path:
        """The file in which the last attempt says which run folder it has."""
        return self.log(cell).with_suffix(".json")

    def run_folder(self, cell: Cell) -> Path | None:
        """The run folder of the last attempt; None before it was made, or where it is gone."""
        said, entry = read_result(self.result(cell)).run_folder, self.entry(cell)
        if said is not None:
            inside = self.log_dir.joinpath(*Path(said).parts[-_DEPTH:])  # also where the log folder was moved
            folder = inside if inside.is_dir() else Path(said)
        elif entry is not None and entry.run_folder is not None:
            folder = self.log_dir / entry.run_folder
        else:
            return None
        return folder if folder.is_dir() else None

    def last_lines(self, cell: Cell, count: int = 6) -> list[str]:
        """The end of a run's log."""
        if not self.log(cell).is_file():
            return []
        text = self.log(cell).read_bytes().decode("utf-8", errors="replace").rstrip()
        return [line.rpartition("\r")[2] for line in text.split("\n")[-count:]]

    @contextlib.contextmanager
    def locked(self) -> Iterator[IO[str]]:
        """Hold the log folder against a second pipeline; made where it is missing.

        The file that is given must be passed on to the runs: one that outlives a killed pipeline holds the folder too.

        Raises:
            UserError: when it is held.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"another pipeline, or a run that one left behind, is at work in {self.log_dir}; "
                    "wait for it, or choose another --log-dir."
                ) from None
            yield file
