"""The S-RL Toolbox's layout: ``record_000/frame000000.jpg``, or ``frame000000_1.jpg`` and ``_2.jpg`` with two views."""

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from environments.datasets.frames import Frames
from environments.datasets.info import CONFIG_FILE, UNKNOWN_ENV, DatasetInfo
from srl3.errors import UserError

ENDINGS = (".jpg", ".png")
VIEWS = ("_1", "_2")
OWN_KEY = "srl3"
"""Where ``dataset_config.json`` of a dataset that SRL3 wrote in this layout holds its `DatasetInfo`."""
_ENDS, _TAIL = (b"\xff\xd9", b"IEND\xaeB`\x82"), 32
"""What a whole JPEG or PNG ends with, and how far from the end it is looked for, bytes."""


class PictureFrames:
    """Frames as picture files, decoded when they are read; all are found and measured when this is made.

    Args:
        path: the dataset's folder.
        images: ``images_path`` of ``ground_truth.npz``, or None: the pictures of all ``record_NNN`` in order.
        starts: ``(n,) bool``, where the episodes begin.

    Raises:
        UserError: when a picture is missing or cut short (it names it), or their sizes differ.
    """

    def __init__(self, path: Path, images: np.ndarray | None, starts: np.ndarray) -> None:
        files = {f"{file.parent.name}/{file.name}" for file in path.glob("record_*/*") if file.suffix in ENDINGS}
        names = _listed(images, path) if images is not None else _numbered(starts)
        if not names:
            raise UserError(f"{path} has no frames; record it again.")
        ending = next((ending for ending in ENDINGS if any(name.endswith(ending) for name in files)), ENDINGS[0])
        two = any(name.endswith(VIEWS[0] + ending) for name in files)
        self._files = [[path / f"{name}{view}{ending}" for view in (VIEWS if two else ("",))] for name in names]
        missing = [file for views in self._files for file in views if f"{file.parent.name}/{file.name}" not in files]
        if missing:
            raise UserError(f"frame {missing[0]} is missing; the dataset is incomplete, record it again.")
        found = len(files) // len(self._files[0])
        if images is None and found != len(names):
            raise UserError(f"{path} has {found:,} frames, but {len(names):,} steps; record it again.")
        first = self._files[0][0]
        size = picture_size(first)
        for file in (file for views in self._files for file in views):
            here = picture_size(file)
            if here != size:
                raise UserError(
                    f"{path} has frames of several sizes: {first.parent.name}/{first.name} is {size[0]}x{size[1]}, "
                    f"{file.parent.name}/{file.name} is {here[0]}x{here[1]}; record it again with one --img-shape."
                )
        self.shape: tuple[int, int, int, int] = (len(names), *size, 6 if two else 3)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """``(m, H, W, C) uint8`` RGB, upright: a new array."""
        indices = np.asarray(indices)
        frames = np.empty((len(indices), *self.shape[1:]), np.uint8)
        for place, index in enumerate(indices.tolist()):
            for view, file in enumerate(self._files[index]):
                frames[place, ..., 3 * view : 3 * view + 3] = read_picture(file)
        return frames


def info_of(path: Path, config: dict[str, Any], frames: Frames, actions: np.ndarray) -> DatasetInfo:
    """What the S-RL Toolbox's files say of a dataset.

    Args:
        path: its folder.
        config: the values of ``dataset_config.json``.
        frames: its frames.
        actions: its actions.
    """
    if not isinstance(config.get("relative_pos", False), bool | int):
        raise UserError(f"relative_pos in {path / CONFIG_FILE} is neither true nor false.")
    if isinstance(config.get(OWN_KEY), dict):
        return DatasetInfo.from_json(config[OWN_KEY], path / CONFIG_FILE)
    _, height, width, channels = frames.shape
    return DatasetInfo(
        env_id=UNKNOWN_ENV,
        env_kwargs={},
        seed=0,
        relative_pos=bool(config.get("relative_pos", False)),
        frame_shape=(height, width, channels),
        multi_view=channels == 6,
        n_actions=int(actions.max(initial=-1)) + 1 if actions.ndim == 1 else None,
        policy=UNKNOWN_ENV,
    )


def read_picture(file: Path) -> np.ndarray:
    """``(H, W, 3) uint8`` RGB.

    Raises:
        UserError: when it can't be decoded; it names the file.
    """
    import cv2

    picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if picture is None:
        raise UserError(f"frame {file} can't be read; the dataset is damaged, record it again.")
    return picture[..., ::-1]


def picture_size(file: Path) -> tuple[int, int]:
    """Height and width of a JPEG or PNG from its header, without decoding it.

    Raises:
        UserError: when it is neither, or cut short.
    """
    try:
        with file.open("rb") as opened:
            size = _size_in(opened.read(2048))
            opened.seek(-min(_TAIL, file.stat().st_size), os.SEEK_END)
            tail = opened.read(_TAIL)
            if not any(end in tail for end in _ENDS):
                raise ValueError("cut short")  # OpenCV would fill it up with grey
            return size
    except (OSError, IndexError, struct.error, ValueError):
        raise UserError(f"frame {file} can't be read; the dataset is damaged, record it again.") from None


def _size_in(head: bytes) -> tuple[int, int]:
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        width, height = struct.unpack(">II", head[16:24])
        return height, width
    if head[:2] != b"\xff\xd8":
        raise ValueError("neither JPEG nor PNG")
    place = 2
    while head[place] == 0xFF:
        marker, length = struct.unpack(">BH", head[place + 1 : place + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return height, width
        place += 2 + length
    raise ValueError("no start of frame")


def _listed(images: np.ndarray, folder: Path) -> list[str]:
    """``record/frame`` of each path; the folders above may have moved since, and endings were left out."""
    found = []
    for path in images.tolist():
        parts = Path(str(path)).parts
        if len(parts) < 2:
            raise UserError(f"images_path of {folder} has '{path}', which names no record; the dataset is damaged.")
        record, frame = parts[-2:]
        for ending in ENDINGS:
            frame = frame.removesuffix(ending)
        found.append(f"{record}/{frame}")
    return found


def _numbered(starts: np.ndarray) -> list[str]:
    episodes = np.cumsum(starts) - 1
    begins = np.flatnonzero(starts)
    return [f"record_{episode:03d}/frame{step - begins[episode]:06d}" for step, episode in enumerate(episodes.tolist())]
