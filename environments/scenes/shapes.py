"""Meshes of primitives."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ROUND = 12
"""corners of a circle"""


class Mesh(NamedTuple):
    """Triangles; their corners are counter-clockwise as seen from outside."""

    vertices: np.ndarray
    """``(V, 3) float32``, metres"""
    faces: np.ndarray
    """``(F, 3) int32``: indices of vertices"""


def box(sides: Sequence[float]) -> Mesh:
    """A box about the origin, of these side lengths."""
    half = np.asarray(sides, np.float32) / 2
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32) * half
    faces = [
        *([0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]),
        *([2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]),
    ]
    # every face has corners of its own, so that edges are sharp
    return Mesh(corners[np.array(faces).reshape(-1)], np.arange(36, dtype=np.int32).reshape(-1, 3))


def sphere(radius: float) -> Mesh:
    """A sphere about the origin."""
    return ellipsoid((radius, radius, radius))


def ellipsoid(radii: Sequence[float]) -> Mesh:
    """An ellipsoid about the origin, with these half axes."""
    angles = np.linspace(np.pi / 2, -np.pi / 2, ROUND // 2 + 1)
    unit = _turned(np.stack([np.cos(angles), np.sin(angles)], 1))
    return Mesh(unit.vertices * np.asarray(radii, np.float32), unit.faces)


def capsule(radius: float, length: float) -> Mesh:
    """A capsule along z about the origin; ``length`` is without its caps."""
    up = np.linspace(np.pi / 2, 0, ROUND // 4 + 1)
    top = np.stack([radius * np.cos(up), radius * np.sin(up) + length / 2], 1)
    return _turned(np.concatenate([top, top[::-1] * [1, -1]]))


def cylinder(radius: float, length: float) -> Mesh:
    """A cylinder along z about the origin."""
    half = length / 2
    # the rim is there twice, so that it is sharp
    profile = np.array([[0, half], [radius, half], [radius, half], [radius, -half], [radius, -half], [0, -half]])
    return _turned(profile)


def grid(heights: np.ndarray, width: float, depth: float) -> Mesh:
    """A map of heights ``(rows, columns)`` about the origin: columns along x, rows along y, seen from above."""
    rows, columns = heights.shape
    x, y = np.meshgrid(np.linspace(-width / 2, width / 2, columns), np.linspace(-depth / 2, depth / 2, rows))
    vertices = np.stack([x, y, heights], -1).reshape(-1, 3).astype(np.float32)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    right, up, both = first + 1, first + columns, first + columns + 1
    faces = np.concatenate([np.stack([first, right, both], 1), np.stack([first, both, up], 1)])
    return Mesh(vertices, faces.astype(np.int32))


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]).astype(np.float32), np.concatenate(faces).astype(np.int32)
    )


def _turned(profile: np.ndarray) -> Mesh:
    """What a line of points (distance from the z axis, z), from top to bottom, sweeps about that axis."""
    angles = np.arange(ROUND) * (2 * np.pi / ROUND)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    rings = [np.column_stack([distance * circle, np.full(ROUND, z)]) for distance, z in profile]
    faces = []
    for ring in range(len(profile) - 1):
        here = ring * ROUND + np.arange(ROUND)
        beside = ring * ROUND + (np.arange(ROUND) + 1) % ROUND
        faces += [np.stack([here, here + ROUND, beside + ROUND], 1), np.stack([here, beside + ROUND, beside], 1)]
    return Mesh(np.concatenate(rings).astype(np.float32), np.concatenate(faces).astype(np.int32))
