"""The cameras that look at the arm, drawn on the processor by PyBullet's TinyRenderer."""

from dataclasses import dataclass

import numpy as np
import pybullet as p


@dataclass(frozen=True)
class View:
    """Where a camera stands: it looks at ``target`` (metres) from ``distance`` (metres), angles in degrees."""

    target: tuple[float, float, float]
    distance: float
    yaw: float
    pitch: float


FRONT = View((0.316, -0.2, -0.1), 1.1, 145, -36)
SIDE = View((0.316, 0.316, -0.105), 1.05, 32, -13)
FIELD_OF_VIEW = 60.0
NEAR, FAR = 0.1, 100.0


class Camera:
    """Draws the scene of a physics client from one or more views.

    Args:
        client: the physics client.
        views: one view gives 3 channels, two give 6.
        img_shape: height and width, pixels.
    """

    def __init__(self, client: int, views: tuple[View, ...], img_shape: tuple[int, int]) -> None:
        self._client = client
        self._height, self._width = img_shape
        self._views = [
            p.computeViewMatrixFromYawPitchRoll(view.target, view.distance, view.yaw, view.pitch, 0, 2)
            for view in views
        ]
        self._projection = p.computeProjectionMatrixFOV(FIELD_OF_VIEW, self._width / self._height, NEAR, FAR)

    def frame(self) -> np.ndarray:
        """``(H, W, 3 × views) uint8`` RGB, upright."""
        return np.concatenate([self._draw(view) for view in self._views], axis=-1)

    def _draw(self, view: list[float]) -> np.ndarray:
        pixels = p.getCameraImage(
            self._width,
            self._height,
            view,
            self._projection,
            renderer=p.ER_TINY_RENDERER,
            flags=p.ER_NO_SEGMENTATION_MASK,
            physicsClientId=self._client,
        )[2]
        return np.asarray(pixels, np.uint8).reshape(self._height, self._width, 4)[..., :3]
