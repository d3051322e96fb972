"""Small pictures pasted into many frames at once, at any heading and at fractions of a pixel."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

PHASES = 4
"""Positions that a sprite can take within a pixel, along each axis."""
OVERSAMPLING = 8
"""Shapes are drawn this much larger, then averaged, for smooth edges."""


class Shape(NamedTuple):
    """A filled convex polygon: ``(K, 2)`` corners in metres (x ahead, y to the left, the origin pasted), and RGB."""

    corners: np.ndarray
    color: tuple[int, int, int]


class View(NamedTuple):
    """A camera that looks straight down: x to the right, y up."""

    height: int
    width: int
    scale: float
    """pixels per metre"""
    center: tuple[float, float]
    """what the middle of the picture shows, metres"""

    def to_pixels(self, places: np.ndarray) -> np.ndarray:
        """``(..., 2)`` metres to ``(..., 2)`` column, row; whole numbers are the pixels' upper left corners."""
        columns = self.width / 2 + (places[..., 0] - self.center[0]) * self.scale
        rows = self.height / 2 - (places[..., 1] - self.center[1]) * self.scale
        return np.stack([columns, rows], axis=-1)


def disc(radius: float, color: tuple[int, int, int]) -> Shape:
    """A disc around the origin, as a polygon of 48 corners."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return Shape(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), color)


def resized(shapes: Sequence[Shape], factor: float) -> list[Shape]:
    """The same drawing, ``factor`` times as large."""
    return [Shape(shape.corners * factor, shape.color) for shape in shapes]


def rectangle(x: float, y: float, length: float, width: float, color: tuple[int, int, int]) -> Shape:
    """A rectangle around ``(x, y)``."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return Shape(np.array([x, y]) + signs * np.array([length, width]) / 2, color)


class Sprite:
    """A drawing, or several variants of it, kept at every heading and phase that was needed so far.

    Args:
        variants: what each variant looks like: shapes, later ones on top.
        scale: pixels per metre.
        headings: to how many directions the heading is rounded; 1 for a drawing that never turns.
        grain: standard deviation of the noise on the pixels, in grey levels; every kept picture has its own pattern.
    """

    def __init__(
        self, variants: Sequence[Sequence[Shape]], scale: float, headings: int = 1, grain: float = 0.0
    ) -> None:
        self.variants, self.scale, self.headings, self.grain = variants, scale, headings, grain
        radius = max(float(np.hypot(*shape.corners.T).max()) for shapes in variants for shape in shapes)
        self.side = 2 * int(np.ceil(radius * scale + 0.5)) + 1
        # poses (variant and heading) get a slot when they are drawn, with a picture for every phase
        self._slots = np.full(len(variants) * headings, -1, np.intp)
        self._used = 0
        self._color = np.zeros((0, self.side, self.side * 3), np.uint16)
        self._rest = np.zeros((0, self.side, self.side * 3), np.uint16)

    def paste(
        self,
        frames: np.ndarray,
        pixels: np.ndarray,
        angles: np.ndarray | None = None,
        variants: np.ndarray | None = None,
    ) -> None:
        """Blend the sprite into each frame.

        Args:
            frames: ``(K, H, W, 3) uint8``, contiguous.
            pixels: ``(K, 2)`` column and row of the sprite's origin; the sprite must lie in the frame.
            angles: ``(K,)`` headings in radians, counter-clockwise from the right; None for 0.
            variants: ``(K,) int``, which variant each frame gets; None for the first.
        """
        side, (height, width) = self.side, frames.shape[1:3]
        steps = np.floor((pixels - side / 2) * PHASES + 0.5).astype(np.intp)
        corners, phases = np.divmod(steps, PHASES)
        corners = np.clip(corners, 0, [width - side, height - side])
        if angles is None:
            heading = np.zeros(len(frames), np.intp)
        else:
            heading = np.floor(angles * (self.headings / (2 * np.pi)) + 0.5).astype(np.intp) % self.headings
        poses = heading if variants is None else variants * self.headings + heading
        slots = self._slots[poses]
        if slots.size and slots.min() < 0:
            for missing in sorted(set(poses[slots < 0].tolist())):
                self._draw(missing)
            slots = self._slots[poses]
        pictures = (slots * PHASES + phases[:, 1]) * PHASES + phases[:, 0]
        per_frame, per_row, per_pixel, per_byte = frames.strides
        windows = np.lib.stride_tricks.as_strided(
            frames,
            (len(frames), height - side + 1, width - side + 1, side, side * 3),
            (per_frame, per_row, per_pixel, per_row, per_byte),
        )
        where = (np.arange(len(frames)), corners[:, 1], corners[:, 0])
        blend = windows[where].astype(np.uint16)
        blend *= self._rest[pictures]
        blend += self._color[pictures]
        blend >>= 8
        windows[where] = blend

    def _draw(self, pose: int) -> None:
        """Fill in the pictures of one variant at one heading, at all phases."""
        first = self._used * PHASES**2
        if first == len(self._color):
            more = np.zeros((max(first, PHASES**2), *self._color.shape[1:]), np.uint16)
            self._color, self._rest = np.concatenate([self._color, more]), np.concatenate([self._rest, more])
        variant, heading = divmod(pose, self.headings)
        shapes = self.variants[variant]
        angle = 2 * np.pi * heading / self.headings
        cos, sin = np.cos(angle), np.sin(angle)
        turned = [shape.corners @ np.array([[cos, -sin], [-sin, -cos]]) * self.scale for shape in shapes]
        # drawn once: a phase moves the drawing by whole pixels of the large picture
        size, step = self.side * OVERSAMPLING, OVERSAMPLING // PHASES
        room = step * (PHASES - 1)
        large = np.zeros((size + room, size + room, 4), np.float32)
        for shape, corners in zip(shapes, turned, strict=True):
            fill(large, (corners + self.side / 2) * OVERSAMPLING + room, (*shape.color, 1))
        for row_phase in range(PHASES):
            for column_phase in range(PHASES):
                top, left = room - step * row_phase, room - step * column_phase
                picture = shrink(large[top : top + size, left : left + size], OVERSAMPLING)
                opacity = np.rint(picture[..., 3:] * 256)
                phase = row_phase * PHASES + column_phase
                colors = np.rint(picture[..., :3] * 256)
                if self.grain:
                    # a seed of the picture's own, so that its pattern does not depend on which was drawn before
                    grain = np.random.default_rng((pose, phase)).normal(0, self.grain, colors.shape)
                    colors = np.maximum(np.rint(colors + grain * opacity), 0)
                self._color[first + phase] = np.minimum(colors, 255 * opacity).reshape(self.side, -1)
                self._rest[first + phase] = np.repeat(256 - opacity, 3, axis=2).reshape(self.side, -1)
        self._slots[pose] = self._used
        self._used += 1


def fill(picture: np.ndarray, corners: np.ndarray, color: tuple[float, ...]) -> None:
    """Fill a convex polygon, given in pixels (column, row) whose whole numbers are upper left corners."""
    fraction_bits = 4
    points = np.rint((corners - 0.5) * 2**fraction_bits).astype(np.int32)
    cv2.fillConvexPoly(picture, points, color, shift=fraction_bits)


def shrink(picture: np.ndarray, factor: int) -> np.ndarray:
    """Average blocks of ``factor`` by ``factor`` pixels."""
    height, width = picture.shape[:2]
    return cv2.resize(picture, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
