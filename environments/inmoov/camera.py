"""The cameras: one that looks at robot and task from the side, one between the robot's eyes."""

import numpy as np

from environments.bullet import pybullet as p
from environments.inmoov.robot import InmoovRobot
from environments.kuka_gym.pictures.camera import FAR, FIELD_OF_VIEW, NEAR, View

OUTSIDE = View((0.28, -0.12, 1.22), 1.15, 40, -18)
"""Where the first camera stands."""


class Camera:
    """Draws the scene of a physics client.

    Args:
        client: the physics client.
        view: where the outside camera stands.
        img_shape: height and width, pixels.
        robot: also draw what it sees (6 channels instead of 3); None for the outside view alone.
        head_field_of_view: of the robot's camera, degrees.
    """

    def __init__(
        self,
        client: int,
        view: View,
        img_shape: tuple[int, int],
        robot: InmoovRobot | None = None,
        head_field_of_view: float = FIELD_OF_VIEW,
    ) -> None:
        self._client = client
        self._height, self._width = img_shape
        self._robot = robot
        ratio = self._width / self._height
        self._outside = p.computeViewMatrixFromYawPitchRoll(view.target, view.distance, view.yaw, view.pitch, 0, 2)
        self._projection = p.computeProjectionMatrixFOV(FIELD_OF_VIEW, ratio, NEAR, FAR)
        self._head_projection = p.computeProjectionMatrixFOV(head_field_of_view, ratio, NEAR, FAR)

    def frame(self) -> np.ndarray:
        """``(H, W, 3 or 6) uint8`` RGB, upright."""
        outside = self._draw(self._outside, self._projection)
        if self._robot is None:
            return outside
        place, ahead, up = self._robot.eyes()
        view = p.computeViewMatrix(place.tolist(), (place + ahead).tolist(), up.tolist())
        return np.concatenate([outside, self._draw(view, self._head_projection)], axis=-1)

    def _draw(self, view: list[float], projection: list[float]) -> np.ndarray:
        pixels = p.getCameraImage(
            self._width,
            self._height,
            view,
            projection,
            renderer=p.ER_TINY_RENDERER,
            flags=p.ER_NO_SEGMENTATION_MASK,
            physicsClientId=self._client,
        )[2]
        return np.asarray(pixels, np.uint8).reshape(self._height, self._width, 4)[..., :3]
