"""`DatasetWriter`: a dataset folder that appears whole."""

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from environments.datasets.frames import FRAMES_FILE
from environments.datasets.info import DatasetInfo
from srl3.errors import UserError
from srl3.files import atomic_path

_NAMES = {
    "actions": ("preprocessed_data.npz", "actions"),
    "rewards": ("preprocessed_data.npz", "rewards"),
    "episode_starts": ("preprocessed_data.npz", "episode_starts"),
    "action_probabilities": ("preprocessed_data.npz", "actions_proba"),
    "action_means": ("preprocessed_data.npz", "action_means"),
    "action_stds": ("preprocessed_data.npz", "action_stds"),
    "teacher_actions": ("preprocessed_data.npz", "teacher_actions"),
    "labels": ("preprocessed_data.npz", "continual_learning_label"),
    "ground_truth": ("ground_truth.npz", "ground_truth_states"),
    "targets": ("ground_truth.npz", "target_positions"),
}
"""File and key of each array."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """Consecutive steps; arrays as in `environments.datasets.dataset.Dataset`, of one length."""

    frames: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    episode_starts: np.ndarray
    ground_truth: np.ndarray
    targets: np.ndarray
    action_probabilities: np.ndarray | None = None
    action_means: np.ndarray | None = None
    action_stds: np.ndarray | None = None
    teacher_actions: np.ndarray | None = None
    labels: np.ndarray | None = None

    def arrays(self) -> dict[str, Any]:
        """Those that are not None, by name."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: values for name, values in fields.items() if values is not None}

    def cut(self, part: slice) -> "Rows":
        """Some of the steps."""
        return Rows(**{name: values[part] for name, values in self.arrays().items()})


class DatasetWriter:
    """Writes episodes into a hidden folder beside ``path``, which `finish` puts in its place.

    A context manager: leaving it without `finish` removes the hidden folder and nothing else.

    Args:
        path: the dataset's folder, which must not exist.
        info: what the dataset says of itself.
        overwrite: replace a dataset that is at ``path``, at the end.

    Raises:
        UserError: when ``path`` is there already, or its parent can't be written to.
    """

    def __init__(self, path: Path | str, info: DatasetInfo, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.info = info
        self._overwrite = overwrite
        check_destination(self.path, overwrite)
        try:
            self.path.absolute().parent.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".tmp"))
        except OSError as error:
            raise UserError(f"{self.path} can't be written ({error.strerror}); choose another place.") from None
        self._kept: list[Rows] = []
        self._n_steps = 0
        self._frames = (self.folder / FRAMES_FILE).open("w+b", buffering=0)
        self._frames_at = self._write_header(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def __len__(self) -> int:
        return self._n_steps

    def append(
        self,
        frame: np.ndarray,
        action: Any,
        reward: float,
        episode_start: bool,
        ground_truth: np.ndarray,
        target: np.ndarray,
        action_probabilities: np.ndarray | None = None,
    ) -> None:
        """Add one step.

        Args:
            frame: ``(H, W, C) uint8``, what was observed.
            action: what was done then: a whole number, or ``(k,)`` numbers.
            reward: what followed.
            episode_start: the step is the first of an episode.
            ground_truth: ``(d,)``, the agent's state at the frame.
            target: ``(t,)``, the target's position at the frame.
            action_probabilities: ``(n_actions,)``, in all steps or in none.
        """
        self.append_rows(
            Rows(
                frame[None],
                np.asarray(action)[None],
                np.array([reward]),
                np.array([episode_start]),
                ground_truth[None],
                target[None],
                None if action_probabilities is None else action_probabilities[None],
            )
        )

    def append_rows(self, rows: Rows) -> None:
        """Add several steps at once.

        Raises:
            ValueError: when the frames are not of ``info.frame_shape``, or the first step starts no episode.
        """
        if rows.frames.shape[1:] != self.info.frame_shape or rows.frames.dtype != np.uint8:
            raise ValueError(f"frames are {rows.frames.shape[1:]} {rows.frames.dtype}, not {self.info.frame_shape}")
        if not self._n_steps and not rows.episode_starts[0]:
            raise ValueError("the first step of a dataset starts an episode")
        self._frames.seek(self._frames_at + self._n_steps * self._frame_bytes)
        data = memoryview(rows.frames.tobytes())
        while data:
            data = data[self._frames.write(data) or 0 :]
        action_kind = np.int64 if self.info.n_actions is not None else np.float32
        kinds = {"actions": action_kind, "teacher_actions": action_kind, "episode_starts": np.bool_}
        kept: dict[str, Any] = {"frames": rows.frames[:0]}
        for name in _NAMES:
            values = getattr(rows, name)
            if values is not None and name != "labels":
                values = values.astype(kinds.get(name, np.float32))
            kept[name] = values
        self._kept.append(Rows(**kept))
        self._n_steps += len(rows.frames)

    def add_file(self, name: str, source: Path) -> None:
        """Put a copy of the file ``source`` into the dataset's folder."""
        shutil.copyfile(source, self.folder / name)

    def finish(self, *, complete: bool = True) -> Path:
        """Put the dataset in its place.

        Args:
            complete: the last episode has ended; False leaves it out.

        Returns:
            Its folder.

        Raises:
            UserError: when it has no episode; nothing is left behind then.
        """
        if not complete:
            self.drop_last_episode()
        if not self._n_steps:
            self.discard()
            raise UserError(f"no episode was finished, and {self.path} was not written.")
        self._frames.truncate(self._frames_at + self._n_steps * self._frame_bytes)
        self._write_header(self._n_steps)
        os.fsync(self._frames.fileno())
        for file in sorted({file for file, _ in _NAMES.values()}):
            with atomic_path(self.folder / file) as temporary, temporary.open("wb") as opened:
                np.savez(opened, allow_pickle=False, **self._arrays_in(file))
        self.info.save(self.folder)
        self._frames.close()
        put_in_place(self.folder, self.path, self._overwrite)
        return self.path

    def drop_last_episode(self) -> None:
        """Forget the last episode, if there is one; its frames leave the disk at once."""
        starts = np.concatenate([np.zeros(0, np.bool_), *(rows.episode_starts for rows in self._kept)])
        begins = np.flatnonzero(starts)
        keep = int(begins[-1]) if begins.size else 0
        while self._n_steps > keep:
            last = self._kept.pop()
            size = len(last.rewards)
            self._n_steps -= size
            if self._n_steps < keep:
                part = slice(0, keep - self._n_steps)
                self._kept.append(last.cut(part))
                self._n_steps = keep
        self._frames.truncate(self._frames_at + self._n_steps * self._frame_bytes)

    def discard(self) -> None:
        """Remove the hidden folder; does nothing after `finish`."""
        self._frames.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _frame_bytes(self) -> int:
        height, width, channels = self.info.frame_shape
        return height * width * channels

    def _arrays_in(self, file: str) -> dict[str, Any]:
        """The arrays of one file, by their keys in it."""
        found: dict[str, Any] = {}
        for name, (its_file, key) in _NAMES.items():
            parts = [getattr(rows, name) for rows in self._kept]
            given = [part for part in parts if part is not None]
            if given and len(given) < len(parts):
                raise ValueError(f"{name} must be given for all steps or for none")
            if given and its_file == file:
                found[key] = np.concatenate(given)
        return found

    def _write_header(self, number: int) -> int:
        """Write the ``.npy`` header for this number of frames (NumPy leaves room for any); where it ends."""
        self._frames.seek(0)
        header = {"descr": "|u1", "fortran_order": False, "shape": (number, *self.info.frame_shape)}
        np.lib.format.write_array_header_1_0(self._frames, header)
        return self._frames.tell()


def check_destination(path: Path, overwrite: bool) -> None:
    """Raise `UserError` when a dataset may not be written to ``path``."""
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists already; choose another name, or replace it with -f.")
    if path.exists() and not (path.is_dir() and (not any(path.iterdir()) or is_dataset(path))):
        raise UserError(f"{path} is no dataset, and is not replaced; choose another name.")


def is_dataset(path: Path) -> bool:
    """Whether the folder ``path`` holds a dataset, perhaps a damaged one."""
    return any((path / name).exists() for name in ("dataset_config.json", "preprocessed_data.npz"))


def put_in_place(folder: Path, path: Path, overwrite: bool) -> None:
    """Make ``folder`` the one at ``path``; what was there goes, when it may be replaced.

    Raises:
        UserError: when something is there that may not be replaced.
    """
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)
    check_destination(path, overwrite)
    if not path.exists():
        folder.rename(path)
        return
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".old"))
    path.rename(old)  # over the empty folder
    folder.rename(path)
    shutil.rmtree(old)
