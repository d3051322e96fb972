"""Writing a dataset in the S-RL Toolbox's layout."""

import dataclasses
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from environments.datasets.dataset import GROUND_TRUTH_FILE, STEPS_FILE, Dataset
from environments.datasets.info import CONFIG_FILE
from environments.datasets.reference_layout import OWN_KEY, VIEWS
from environments.datasets.writer import check_destination, put_in_place
from srl3.errors import UserError
from srl3.runtime.progress import Progress


def export_to_reference(
    dataset: Dataset, path: Path, progress: Progress, *, overwrite: bool = False, quality: int = 95
) -> None:
    """Write ``path`` in one piece: ``record_000/frame000000.jpg`` and the tables that the S-RL Toolbox reads.

    Target positions are one for each episode, as it had them first, where targets don't move.

    Args:
        dataset: what to write.
        path: the new dataset's folder.
        progress: counts the frames.
        overwrite: replace a dataset that is there.
        quality: of the JPEG files, 1 to 100.

    Raises:
        UserError: when ``path`` can't be written to.
    """
    check_destination(path, overwrite)
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror}); choose another place.") from None
    try:
        names = [
            f"record_{episode:03d}/frame{step:06d}"
            for episode, part in enumerate(dataset.episode_slices())
            for step in range(part.stop - part.start)
        ]
        for number, name in enumerate(names):
            _write_frame(dataset.frames(np.array([number]))[0], folder / name, quality)
            progress.advance()
        _write_tables(dataset, folder, [f"{path.name}/{name}" for name in names])
        put_in_place(folder, path, overwrite)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_frame(frame: np.ndarray, base: Path, quality: int) -> None:
    import cv2

    base.parent.mkdir(exist_ok=True)
    views = [frame[..., at : at + 3] for at in range(0, frame.shape[2], 3)]
    for view, ending in zip(views, VIEWS if len(views) > 1 else ("",), strict=True):
        data = cv2.imencode(".jpg", view[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        (base.parent / f"{base.name}{ending}.jpg").write_bytes(data.tobytes())


def _write_tables(dataset: Dataset, folder: Path, images: list[str]) -> None:
    steps: dict[str, Any] = {
        "rewards": dataset.rewards,
        "actions": dataset.actions,
        "episode_starts": dataset.episode_starts,
    }
    if dataset.action_probabilities is not None:
        steps["actions_proba"] = dataset.action_probabilities
    for name in ("action_means", "action_stds", "teacher_actions"):
        if name in dataset.arrays():
            steps[name] = dataset.arrays()[name]
    if dataset.labels is not None:
        steps["continual_learning_label"] = dataset.labels
    np.savez(folder / STEPS_FILE, allow_pickle=False, **steps)
    first = dataset.targets[dataset.episode_starts]
    still = np.array_equal(first[dataset.episode_numbers()], dataset.targets)
    np.savez(
        folder / GROUND_TRUTH_FILE,
        allow_pickle=False,
        target_positions=first if still else dataset.targets,
        ground_truth_states=dataset.ground_truth,
        images_path=np.array(images),
    )
    info = dataset.info
    config = {
        "relative_pos": info.relative_pos,
        "max_dist": info.env_kwargs.get("max_distance"),
        OWN_KEY: dataclasses.asdict(info),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    (folder / "env_globals.json").write_text(json.dumps(info.env_kwargs, indent=1) + "\n", encoding="utf-8")
