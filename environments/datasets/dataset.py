"""`Dataset`: recorded episodes, read as arrays.

Frame i is observed, action i is taken on it, and reward i follows; ground truth and target are those of frame i. The
picture after an episode's last action is not kept.
"""

from pathlib import Path

import numpy as np

from environments.datasets.find import no_dataset
from environments.datasets.frames import FRAMES_FILE, Frames, PackedFrames
from environments.datasets.info import CONFIG_FILE, RECORD_AGAIN, DatasetInfo, read_config
from environments.datasets.writer import DatasetWriter
from srl3.errors import UserError
from srl3.formats.npz import read_arrays

__all__ = ["Dataset", "DatasetInfo", "DatasetWriter", "open_dataset"]

STEPS_FILE = "preprocessed_data.npz"
GROUND_TRUTH_FILE = "ground_truth.npz"


class Dataset:
    """Recorded episodes, one after the other: n steps. `open_dataset` makes it; nothing here writes.

    Attributes:
        info: what it says of itself.
        path: its folder.
        actions: ``(n,) int64``, or ``(n, k) float32`` when they are continuous.
        rewards: ``(n,) float32``
        episode_starts: ``(n,) bool``, True at the first step of each episode.
        ground_truth: ``(n, d) float32``, the agent's state; its position, which comes first, is relative to the target
            with ``info.relative_pos``. Metres and radians.
        targets: ``(n, t) float32``, the target's position in the world frame at each step, metres.
        action_probabilities: ``(n, n_actions) float32``, the teacher's distribution over discrete actions, or None.
        action_means: ``(n, k) float32``, the means of the teacher's normal distribution over continuous ones, or None.
        action_stds: ``(n, k) float32``, its standard deviations, or None.
        teacher_actions: like ``actions``: what the trained policy chose, which is what was done but where the world's
            scripted policy or chance acted instead; None where no trained policy was asked.
        labels: ``(n,)`` texts, the continual-learning task of each step, or None.
    """

    def __init__(
        self,
        info: DatasetInfo,
        path: Path,
        frames: Frames,
        *,
        actions: np.ndarray,
        rewards: np.ndarray,
        episode_starts: np.ndarray,
        ground_truth: np.ndarray,
        targets: np.ndarray,
        action_probabilities: np.ndarray | None = None,
        action_means: np.ndarray | None = None,
        action_stds: np.ndarray | None = None,
        teacher_actions: np.ndarray | None = None,
        labels: np.ndarray | None = None,
    ) -> None:
        self.info = info
        self.path = path
        self._frames = frames
        self.actions = actions
        self.rewards = rewards
        self.episode_starts = episode_starts
        self.ground_truth = ground_truth
        self.targets = targets
        self.action_probabilities = action_probabilities
        self.action_means = action_means
        self.action_stds = action_stds
        self.teacher_actions = teacher_actions
        self.labels = labels
        self._check()
        for values in self.arrays().values():
            values.flags.writeable = False

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return int(self.episode_starts.sum())

    def episode_numbers(self) -> np.ndarray:
        """``(n,) int64``: the episode of each step, from 0."""
        return np.cumsum(self.episode_starts) - 1

    def episode_slices(self) -> list[slice]:
        """The steps of each episode."""
        starts = np.flatnonzero(self.episode_starts).tolist()
        return [slice(start, end) for start, end in zip(starts, [*starts[1:], len(self)], strict=True)]

    def transitions(self) -> np.ndarray:
        """``(m,) int64``: the steps i for which step i + 1 is in the same episode, in order."""
        return np.flatnonzero(~self.episode_starts[1:])

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames of these steps, in any order: one gather where they are packed.

        Args:
            indices: ``(m,)`` integers from 0 to ``len(self) - 1``.

        Returns:
            ``(m, H, W, C) uint8`` RGB, upright, a new array; six channels are two views.

        Raises:
            UserError: when a picture file can't be read; it names the file.
        """
        return self._frames.read(indices)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it has of each step but the frames, by name."""
        arrays = {
            "actions": self.actions,
            "rewards": self.rewards,
            "episode_starts": self.episode_starts,
            "ground_truth": self.ground_truth,
            "targets": self.targets,
            "action_probabilities": self.action_probabilities,
            "action_means": self.action_means,
            "action_stds": self.action_stds,
            "teacher_actions": self.teacher_actions,
            "labels": self.labels,
        }
        return {name: values for name, values in arrays.items() if values is not None}

    def _check(self) -> None:
        if not len(self) or not self.episode_starts.any():
            raise UserError(f"{self.path} has no episode; record it again.")
        number, *frame_shape = self._frames.shape
        lengths = {"frames": number, **{name: len(values) for name, values in self.arrays().items()}}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{length:,} {name}" for name, length in lengths.items())
            raise UserError(f"{self.path} is damaged: it has {said}, which should be as many each.")
        if tuple(frame_shape) != self.info.frame_shape:
            raise UserError(
                f"the frames of {self.path} are {_by(frame_shape)}, but its {CONFIG_FILE} says "
                f"{_by(self.info.frame_shape)}; record it again."
            )
        for name, values in self.arrays().items():
            if values.dtype.kind == "f":
                bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
                if bad.size:
                    raise UserError(
                        f"{name} of {self.path} are not numbers at {bad.size:,} of {len(values):,} steps (the first is "
                        f"step {bad[0]}); record it again."
                    )
        if not self.episode_starts[0]:
            raise UserError(f"the first step of {self.path} does not start an episode; the dataset is damaged.")
        n_actions = self.info.n_actions
        if n_actions is not None and (self.actions.min() < 0 or self.actions.max() >= n_actions):
            raise UserError(
                f"{self.path} has actions from {self.actions.min()} to {self.actions.max()}, but {n_actions} discrete "
                "ones; the dataset is damaged."
            )


def open_dataset(path: Path | str) -> Dataset:
    """The dataset in a folder: of SRL3, or of the S-RL Toolbox (``record_000/frame000000.jpg`` …).

    Raises:
        UserError: when it is missing, incomplete or damaged; it says what is wrong.
    """
    path = Path(path)
    if not path.is_dir():
        raise no_dataset(path)
    config = read_config(path)
    packed = (path / FRAMES_FILE).exists() or "format" in config
    if not packed and not (path / STEPS_FILE).exists():
        raise no_dataset(path)
    steps = read_arrays(path / STEPS_FILE, RECORD_AGAIN)
    places = read_arrays(path / GROUND_TRUTH_FILE, RECORD_AGAIN)
    actions = as_actions(_named(steps, path / STEPS_FILE, "actions"), path / STEPS_FILE)
    starts = _column(steps, path / STEPS_FILE, "episode_starts").astype(np.bool_)
    rewards = _column(steps, path / STEPS_FILE, "rewards").astype(np.float32)
    targets = _rows(places, path / GROUND_TRUTH_FILE, "target_positions", "button_positions")
    if len(targets) == starts.sum() != len(starts):
        targets = targets[np.cumsum(starts) - 1]
    if packed:
        info = DatasetInfo.from_json(config, path / CONFIG_FILE)
        frames: Frames = PackedFrames(path / FRAMES_FILE)
    else:
        from environments.datasets.reference_layout import PictureFrames, info_of

        frames = PictureFrames(path, places.get("images_path"), starts)
        info = info_of(path, config, frames, actions)
    return Dataset(
        info,
        path,
        frames,
        actions=actions,
        rewards=rewards,
        episode_starts=starts,
        ground_truth=_rows(places, path / GROUND_TRUTH_FILE, "ground_truth_states", "arm_states"),
        targets=targets,
        action_probabilities=_table(steps, path / STEPS_FILE, "actions_proba"),
        action_means=_table(steps, path / STEPS_FILE, "action_means"),
        action_stds=_table(steps, path / STEPS_FILE, "action_stds"),
        teacher_actions=(
            as_actions(steps["teacher_actions"], path / STEPS_FILE) if "teacher_actions" in steps else None
        ),
        labels=steps.get("continual_learning_label"),
    )


def as_actions(actions: np.ndarray, file: Path) -> np.ndarray:
    """``(n,) int64`` for one whole number a step, else ``(n, k) float32``.

    Raises:
        UserError: when they are neither.
    """
    if actions.ndim == 1 and actions.dtype.kind in "iuf" and np.array_equal(actions, np.floor(actions)):
        return actions.astype(np.int64)
    if actions.ndim == 2 and actions.dtype.kind in "iuf":
        return actions.astype(np.float32)
    raise UserError(f"actions in {file} are neither whole numbers nor rows of numbers; record the dataset again.")


def _named(arrays: dict[str, np.ndarray], file: Path, *names: str) -> np.ndarray:
    """The array of the first of these names (later ones are those of old files)."""
    for name in names:
        if name in arrays:
            return arrays[name]
    raise UserError(f"{file} lacks {names[0]}; the dataset is incomplete, record it again.")


def _column(arrays: dict[str, np.ndarray], file: Path, name: str) -> np.ndarray:
    values = _named(arrays, file, name)
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise UserError(f"{name} in {file} is not a number for each step; record the dataset again.")
    return values


def _rows(arrays: dict[str, np.ndarray], file: Path, *names: str) -> np.ndarray:
    values = _named(arrays, file, *names)
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise UserError(f"{names[0]} in {file} is not a row of numbers for each step; record the dataset again.")
    return values.astype(np.float32)


def _table(arrays: dict[str, np.ndarray], file: Path, name: str) -> np.ndarray | None:
    """As `_rows`; None where there is none of this name."""
    return _rows(arrays, file, name) if name in arrays else None


def _by(shape: tuple[int, ...] | list[int]) -> str:
    return "x".join(map(str, shape))
