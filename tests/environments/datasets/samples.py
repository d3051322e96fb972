"""Small datasets, written by hand."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from environments.datasets.dataset import Dataset, DatasetInfo, DatasetWriter, open_dataset

LENGTHS = (3, 2, 4)
"""steps of the episodes"""
N_STEPS = sum(LENGTHS)
STARTS = np.array([1, 0, 0, 1, 0, 1, 0, 0, 0], bool)
SHAPE = (36, 40, 3)


def frame(step: int, channels: int = 3) -> np.ndarray:
    """A picture that tells its step, its channels and which way is up: red above, blue below on the left."""
    picture = np.zeros((*SHAPE[:2], channels), np.uint8)
    for view in range(0, channels, 3):
        picture[..., view + 1] = 10 * step + 40 * (view // 3)
        picture[: SHAPE[0] // 2, ..., view] = 200
        picture[SHAPE[0] // 2 :, : SHAPE[1] // 2, view + 2] = 220
    return picture


def info(**changes: Any) -> DatasetInfo:
    plain = {
        "env_id": "MobileRobotGymEnv-v0",
        "env_kwargs": {"max_steps": 4},
        "seed": 0,
        "relative_pos": False,
        "frame_shape": SHAPE,
        "multi_view": False,
        "n_actions": 4,
    }
    return DatasetInfo(**{**plain, **changes})


def write(path: Path, continuous: bool = False, **changes: Any) -> Dataset:
    """Nine steps in three episodes; the reward of step i is i / 2, its target is that of its episode."""
    about = info(**({"n_actions": None} if continuous else {}), **changes)
    episode = -1
    with DatasetWriter(path, about) as writer:
        for step, start in enumerate(STARTS):
            episode += start
            action = np.array([0.25 * step, -0.125], np.float32) if continuous else step % 4
            picture = frame(step, about.frame_shape[2])
            picture = cv2.resize(picture, about.frame_shape[1::-1], interpolation=cv2.INTER_NEAREST)
            writer.append(
                picture, action, step / 2, bool(start), np.array([step, 2.0 * step]), np.array([episode, 1.0])
            )
        writer.finish()
    return open_dataset(path)


def write_reference(path: Path, views: int = 1, legacy: bool = False, per_step: bool = False) -> None:
    """The S-RL Toolbox's layout, as its own files are: BGR through OpenCV, targets per episode."""
    path.mkdir(parents=True)
    names = [f"record_{episode:03d}/frame{step:06d}" for episode, n in enumerate(LENGTHS) for step in range(n)]
    for step, name in enumerate(names):
        (path / name).parent.mkdir(exist_ok=True)
        picture = frame(step, 3 * views)
        for view in range(views):
            ending = f"_{view + 1}" if views > 1 else ""
            bgr = np.ascontiguousarray(picture[..., 3 * view : 3 * view + 3][..., ::-1])
            assert cv2.imwrite(str(path / f"{name}{ending}.jpg"), bgr, [cv2.IMWRITE_JPEG_QUALITY, 100])
    np.savez(
        path / "preprocessed_data.npz",
        rewards=np.arange(N_STEPS) / 2,
        actions=np.arange(N_STEPS) % 4,
        episode_starts=STARTS,
    )
    targets = np.array([[0, 1], [1, 1], [2, 1]], float)
    if per_step:
        targets = targets[np.cumsum(STARTS) - 1]
    states = np.stack([np.arange(N_STEPS), 2.0 * np.arange(N_STEPS)], axis=1)
    places = (
        {"button_positions": targets, "arm_states": states}
        if legacy
        else {"target_positions": targets, "ground_truth_states": states}
    )
    np.savez(path / "ground_truth.npz", images_path=[f"elsewhere/{name}" for name in names], **places)
    (path / "dataset_config.json").write_text(json.dumps({"relative_pos": False, "max_dist": 0.28}))
