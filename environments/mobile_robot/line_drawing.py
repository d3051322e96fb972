"""Pictures of the mobile robot whose target is a line across the arena."""

import numpy as np

from environments.mobile_robot.config import MobileRobotLineTargetConfig
from environments.mobile_robot.drawing import TARGET, MobileRobotCamera


class LineTargetCamera(MobileRobotCamera):
    """The arena from above, as `MobileRobotCamera`, with a yellow band on the floor, from wall to wall."""

    def __init__(self, config: MobileRobotLineTargetConfig) -> None:
        super().__init__(config)
        self._half_width = config.line_width / 2

    def _draw_targets(self, frames: np.ndarray, targets: np.ndarray, looks: np.ndarray) -> None:
        size = self.config.arena_size
        x = targets[:, 0, 0]
        edges = np.stack([np.maximum(x - self._half_width, 0), np.minimum(x + self._half_width, size)], axis=1)
        corners = self.view.to_pixels(np.stack([edges, np.full_like(edges, size)], axis=2))
        top, bottom = (round(self.view.to_pixels(np.array([0, y]))[1]) for y in (size, 0))
        columns = np.arange(frames.shape[2])[:, None]
        for frame, (left, right) in zip(frames, corners[..., 0], strict=True):
            first, last = int(left), int(np.ceil(right))
            band = frame[top:bottom, first:last]
            # how much of each pixel the band covers: all of it but for the edges
            cover = np.clip(np.minimum(columns[first:last] + 1, right) - np.maximum(columns[first:last], left), 0, 1)
            band[:] = np.rint(band + cover * (np.array(TARGET) - band))
