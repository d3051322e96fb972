"""A part of a world's scene: a rigid mesh of one colour."""

from dataclasses import dataclass

import numpy as np

from environments.scenes.shapes import Mesh

Colour = tuple[float, float, float, float]
"""red, green, blue, opacity, each in [0, 1]"""


@dataclass(frozen=True)
class ScenePart:
    """What a viewer draws of a rigid body: all robots have the same, each at a pose of its own.

    Args:
        name: of the body.
        mesh: in the body's frame.
        colour: of all of it.
        ground: a map on which all robots of a world stand; it is drawn once for them.
    """

    name: str
    mesh: Mesh
    colour: Colour
    ground: bool = False


def rotated(quats: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """``(…, 3)``: vectors turned by unit quaternions ``(…, 4)`` (w, x, y, z)."""
    w, axis = quats[..., :1], quats[..., 1:]
    twice = 2 * np.cross(axis, vectors)
    return vectors + w * twice + np.cross(axis, twice)


def multiplied(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``(…, 4)``: products of quaternions (w, x, y, z): ``second`` is turned by ``first``."""
    w0, x0, y0, z0 = np.moveaxis(first, -1, 0)
    w1, x1, y1, z1 = np.moveaxis(second, -1, 0)
    return np.stack(
        [
            w0 * w1 - x0 * x1 - y0 * y1 - z0 * z1,
            w0 * x1 + x0 * w1 + y0 * z1 - z0 * y1,
            w0 * y1 - x0 * z1 + y0 * w1 + z0 * x1,
            w0 * z1 + x0 * y1 - y0 * x1 + z0 * w1,
        ],
        -1,
    )
