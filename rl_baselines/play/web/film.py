"""An MP4 of what the page shows."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from rl_baselines.acting.video import VideoRecorder
from srl3.errors import UserError

FPS = 15
SIZE = (480, 640)
"""height and width of a film of meshes"""
LONGEST = 600.0
"""seconds, after which a film ends by itself"""


class Film:
    """Records in a thread, in real time, until it is told to stop; a slow page gives fewer different pictures.

    Args:
        path: ends in ``.mp4``.
        picture: gives the present picture, ``(H, W, 3) uint8``; None where there is none (yet).

    Attributes:
        problem: why there is no film, else empty.
        why_ended: why it ended by itself before its time, else empty.
    """

    def __init__(self, path: Path, picture: Callable[[], np.ndarray | None]) -> None:
        self.path = path
        self.problem = self.why_ended = ""
        self.frames = 0
        self._picture = picture
        self._size: tuple[int, ...] = ()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._record, name="film", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it is still being written."""
        return self._thread.is_alive()

    def finish(self) -> None:
        """Record no more, and let the thread finish the file; nothing is waited for."""
        self._ended.set()

    def stop(self) -> None:
        """Finish the file, and wait for it."""
        self.finish()
        self._thread.join()

    def _record(self) -> None:
        try:
            self.path.parent.mkdir(exist_ok=True)
            with VideoRecorder(self.path, FPS) as recorder:
                start = time.monotonic()
                while not self._ended.is_set() and time.monotonic() - start < LONGEST:
                    try:
                        picture = self._picture()
                    except (RuntimeError, TimeoutError) as error:  # the page has gone; what it showed is kept
                        self.why_ended = str(error)
                        break
                    if picture is not None:
                        self._append(recorder, picture, time.monotonic() - start)
                    self._ended.wait(max(0.0, (self.frames + 1) / FPS - (time.monotonic() - start)))
        except (UserError, OSError) as error:
            self.problem = str(error)
        if not self.frames and not self.problem:
            self.problem = self.why_ended or "no picture came from the page"

    def _append(self, recorder: VideoRecorder, picture: np.ndarray, seconds: float) -> None:
        """As often as is needed for the film to last as long as what it shows; all frames have the first one's size."""
        self._size = self._size or picture.shape[:2]
        picture = fitted(picture, self._size)
        for _ in range(max(1, int(seconds * FPS) - self.frames)):
            recorder.append(picture)
            self.frames += 1


def fitted(picture: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """``(H, W, 3) uint8``: the picture as large as fits into ``size`` (H, W), in the middle of it.

    The pictures of a world grow and shrink with the number of its robots.
    """
    height, width = size
    if picture.shape[:2] == (height, width):
        return picture
    factor = min(height / picture.shape[0], width / picture.shape[1])
    rows, columns = (max(1, int(side * factor)) for side in picture.shape[:2])
    frame = np.zeros((height, width, 3), np.uint8)
    top, left = (height - rows) // 2, (width - columns) // 2
    frame[top : top + rows, left : left + columns] = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    return frame
