"""Where a dataset's frames are, and how several are read at once."""

from pathlib import Path
from typing import Protocol

import numpy as np

from environments.datasets.info import RECORD_AGAIN
from srl3.errors import UserError
from srl3.formats.npz import map_array

FRAMES_FILE = "frames.npy"


class Frames(Protocol):
    """Frames of one size, read by index."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of frames, height, width, channels."""

    def read(self, indices: np.ndarray) -> np.ndarray:
        """``(m, H, W, C) uint8`` RGB, upright: a new array."""


class PackedFrames:
    """All frames in one ``.npy`` file that is memory-mapped, so that a batch is one gather.

    Args:
        path: the file.

    Raises:
        UserError: when it is missing, cut short, or no array of frames.
    """

    def __init__(self, path: Path) -> None:
        mapped = map_array(path, RECORD_AGAIN)
        if mapped.ndim != 4 or mapped.dtype != np.uint8:
            raise UserError(f"{path} is no array of frames (number, height, width, channels; uint8).")
        self.array: np.ndarray = mapped
        """``(n, H, W, C) uint8``, read-only, not copied from the file"""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of frames, height, width, channels."""
        number, height, width, channels = self.array.shape
        return number, height, width, channels

    def read(self, indices: np.ndarray) -> np.ndarray:
        """``(m, H, W, C) uint8`` RGB, upright: a new array."""
        return self.array[indices]
