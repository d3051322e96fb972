"""Pictures of the mobile robot whose target is a line across the arena."""

import numpy as np

from environments.mobile_robot.config import MobileRobotLineTargetConfig
from environments.mobile_robot.drawing import TARGET, MobileRobotCamera


class LineTargetCamera(MobileRobotCamera):
    """The arena from above, as `MobileRobotCamera`, with a yellow band on the floor, from wall to wall."""

    def __init__(self, config: MobileRobotLineTargetConfig) -> None:
        super().__init__(config)
        size = config.arena_size
        self._half_width = config.line_width / 2 * self.view.scale
        (self._left, self._top), (self._right, self._bottom) = self.view.to_pixels(np.array([[0, size], [size, 0]]))
        # wide enough for all pixels that the band touches, and no wider than the picture
        self._span = min(int(np.ceil(config.line_width * self.view.scale)) + 2, self.view.width)

    def _draw_targets(self, frames: np.ndarray, targets: np.ndarray, looks: np.ndarray) -> None:
        count, height, width = frames.shape[:3]
        middle, half = self.view.to_pixels(targets[:, 0])[:, 0], self._half_width
        left, right = np.maximum(middle - half, self._left), np.minimum(middle + half, self._right)
        first = np.clip(left.astype(np.intp), 0, width - self._span)
        top, bottom = round(self._top), round(self._bottom)
        # how much of each pixel the band covers: all of it but for the edges
        columns = first[:, None] + np.arange(self._span)
        cover = np.clip(np.minimum(columns + 1, right[:, None]) - np.maximum(columns, left[:, None]), 0, 1)
        opacity = np.rint(256 * cover).astype(np.uint16)[..., None]
        color = (opacity * np.array(TARGET, np.uint16)).reshape(count, 1, -1)
        rest = np.repeat(256 - opacity, 3, axis=2).reshape(count, 1, -1)
        per_frame, per_row, per_pixel, per_byte = frames.strides
        windows = np.lib.stride_tricks.as_strided(
            frames,
            (count, width - self._span + 1, height, 3 * self._span),
            (per_frame, per_pixel, per_row, per_byte),
        )[:, :, top:bottom]
        where = (np.arange(count), first)
        blend = windows[where].astype(np.uint16)
        blend *= rest
        blend += color
        blend >>= 8
        windows[where] = blend
