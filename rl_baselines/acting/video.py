"""MP4 files from the frames of an environment."""

from collections.abc import Generator
from pathlib import Path
from types import TracebackType

import imageio_ffmpeg
import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from srl3.errors import UserError

MIN_SIDE = 240
"""smaller frames are enlarged by a whole factor to be seen"""


class VideoRecorder:
    """Writes the first environment's frames to an MP4 (H.264); the file is whole or absent.

    Args:
        path: ends in ``.mp4``.
        fps: frames per second.

    Raises:
        OSError: at the beginning of the block or at its end, when ``path`` can't be written.
    """

    def __init__(self, path: Path, fps: int) -> None:
        self.path = path
        self.fps = fps
        self._temporary = path.with_name(f".{path.stem}.tmp.mp4")
        self._writer: Generator[None, np.ndarray, None] | None = None

    def __enter__(self) -> "VideoRecorder":
        try:
            self._temporary.touch()  # ffmpeg's own errors do not say why
        except OSError as error:
            error.filename = str(self.path)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        try:
            if kind is None and self._writer is not None:
                self._temporary.replace(self.path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def record(self, env: VecEnv) -> None:
        """Append the frame that ``env`` shows now."""
        image = env.get_images()[0]
        if image is None:
            raise UserError("this environment draws no frames; leave out --video.")
        self.append(image)

    def append(self, image: np.ndarray) -> None:
        """Append a frame ``(H, W, 3) uint8``; all are of one size."""
        frame = self._enlarged(image)
        if self._writer is None:
            height, width = frame.shape[:2]
            self._writer = imageio_ffmpeg.write_frames(
                str(self._temporary), (width, height), fps=self.fps, macro_block_size=2, ffmpeg_log_level="error"
            )
            self._writer.send(None)  # type: ignore[arg-type]
        try:
            self._writer.send(np.ascontiguousarray(frame))
        except OSError as error:  # ffmpeg has ended
            raise UserError(f"{self.path} can't be written ({str(error).splitlines()[0]}); is the disk full?") from None

    @staticmethod
    def _enlarged(image: np.ndarray) -> np.ndarray:
        factor = max(1, -(-MIN_SIDE // min(image.shape[:2])))
        frame = image.repeat(factor, axis=0).repeat(factor, axis=1)
        return frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]
