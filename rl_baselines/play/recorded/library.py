"""The recordings that are shown: one file, or all of a run, which may still grow."""

from collections import OrderedDict
from pathlib import Path

from rl_baselines.play.policies.watcher import Signature, signature
from rl_baselines.recordings.files import read_recording
from rl_baselines.recordings.recording import Recording
from rl_baselines.runs.run_folder import RunFolder, find_run
from srl3.errors import UserError

KEPT = 4
"""recordings in memory"""


class Library:
    """The recordings of a run, or one file.

    Args:
        name: as people see it.
        run: whose recordings are listed again and again; None for a file.
        file: the only one.
    """

    def __init__(self, name: str, run: RunFolder | None = None, file: Path | None = None) -> None:
        self.name = name
        self._run = run
        self._file = file
        self._read: OrderedDict[tuple[Path, Signature], Recording] = OrderedDict()

    def paths(self) -> list[Path]:
        """What is there now, that of the policy which had learned least first."""
        if self._run is not None:
            return self._run.all_recordings()
        assert self._file is not None
        return [self._file]

    def read(self, path: Path) -> Recording:
        """One of `paths`.

        Raises:
            UserError: when it is gone or damaged.
        """
        found = signature(path)
        if found is None:
            return read_recording(path)  # which says what is wrong
        key = (path, found)
        if key not in self._read:
            self._read[key] = read_recording(path)
            while len(self._read) > KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]


def find_library(spec: str, log_dir: Path) -> Library:
    """What ``spec`` names: a recording's file, a ``recordings/`` folder, or a run as `find_run` finds it.

    Raises:
        UserError: for a miss, and for a run without recordings.
    """
    path = Path(spec).expanduser()
    if path.is_file() or path.suffix == ".npz":
        if not path.is_file():
            raise UserError(f"there is no recording {path}; name a file that is there, or a run.")
        return Library(path.name, file=path)
    run = find_run(str(path.parent if path.name == "recordings" else path), log_dir)
    if not run.all_recordings():
        raise UserError(
            f"{run.path} has no recordings; train with --record-trajectories 4, or record its policy with enjoy "
            "--recording FILE.npz."
        )
    return Library(run.path.name, run)
