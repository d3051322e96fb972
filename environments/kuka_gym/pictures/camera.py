"""The cameras that look at the arm, drawn on the processor by PyBullet's TinyRenderer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from environments.bullet import pybullet as p
from environments.kuka_gym.pictures.light_scene import LightScene


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
COARSE, FINE = 0.02, 0.01
"""Tolerances of simplified meshes, metres. A pixel is 0.02 wide in a picture 64 high, 0.006 in one 224 high."""
COARSE_HEIGHT = 128
"""Pictures up to this height are drawn with coarse meshes, pixels."""


class Camera:
    """Draws the scene of a physics client from one or more views.

    Args:
        client: the physics client.
        arm, others: ids of what moves in it.
        views: one view gives 3 channels, two give 6.
        img_shape: height and width, pixels.
    """

    def __init__(
        self, client: int, arm: int, others: Sequence[int], views: tuple[View, ...], img_shape: tuple[int, int]
    ) -> None:
        tolerance = FINE if img_shape[0] > COARSE_HEIGHT else COARSE
        self._scene = LightScene(client, arm, others, tolerance)
        self._img_shape = img_shape
        self._views = [view_matrix(view) for view in views]
        self._projection = projection_matrix(img_shape)

    def frame(self) -> np.ndarray:
        """``(H, W, 3 × views) uint8`` RGB, upright."""
        self._scene.follow()
        frames = [self._scene.draw(view, self._projection, self._img_shape) for view in self._views]
        return frames[0] if len(frames) == 1 else np.concatenate(frames, axis=-1)

    def close(self) -> None:
        """Free what draws; a second call does nothing."""
        self._scene.close()


def view_matrix(view: View) -> tuple[float, ...]:
    """World to camera frame."""
    matrix: tuple[float, ...] = p.computeViewMatrixFromYawPitchRoll(
        view.target, view.distance, view.yaw, view.pitch, 0, 2
    )
    return matrix


def projection_matrix(img_shape: tuple[int, int]) -> tuple[float, ...]:
    """Camera frame to clip coordinates, for an image of this height and width."""
    height, width = img_shape
    matrix: tuple[float, ...] = p.computeProjectionMatrixFOV(FIELD_OF_VIEW, width / height, NEAR, FAR)
    return matrix
