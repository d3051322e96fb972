"""Pictures of the mobile robot: its arena from above, and what its on-board camera sees."""

import numpy as np

from environments.mobile_robot.config import MobileRobotConfig
from environments.sprites import OVERSAMPLING, Shape, Sprite, View, disc, fill, rectangle, shrink

RED, GREEN, BLUE, BLACK = (200, 30, 30), (30, 150, 50), (40, 70, 200), (25, 25, 25)
WALL_COLORS = (RED, BLUE, GREEN, BLACK)
"""Left (x = 0), lower (y = 0), right, upper wall."""
FLOOR, GROUND, SKY = (205, 205, 205), (240, 240, 240), (190, 215, 235)
BODY, NOSE, WHEEL = (120, 50, 175), (0, 210, 230), (45, 45, 45)
TARGET, SECOND_TARGET, REACHED = (250, 210, 0), (225, 20, 60), (150, 150, 150)
TARGET_COLORS = (TARGET, SECOND_TARGET, REACHED)
"""What a target can look like: `MobileRobotCamera.draw` takes indices into these."""

TARGET_RADIUS = 0.2
WALL_THICKNESS = 0.15
WALL_HEIGHT = 0.5
"""Of the walls and the target; the on-board camera is at half of it."""
HEADINGS = 32
VIEW_MARGIN = 0.135
"""What the camera shows beyond each wall, as a part of the arena's side (the reference's 4.4 m at 60 degrees)."""
SHADES = 4
"""Heights within a pixel that the on-board camera tells apart."""
FRAMES_AT_ONCE = 32
"""Frames of the on-board camera computed together: few enough to stay in the processor's cache."""
PIXEL = np.dtype("V3")
"""Three bytes that are moved as one."""


class MobileRobotCamera:
    """Draws N arenas into one array.

    From above: x to the right, y up, walls in four colours, targets as discs (yellow, if not said otherwise), the
    robot with a bright nose that shows its heading. With ``multi_view`` three more channels hold the on-board camera:
    90 degrees wide, level, at the robot's centre, with targets as pillars.
    """

    def __init__(self, config: MobileRobotConfig) -> None:
        self.config = config
        height, width = config.img_shape
        robot = robot_shapes(config.robot_length, config.robot_width)
        size = config.arena_size
        room = max(TARGET_RADIUS, *(float(np.hypot(*shape.corners.T).max()) for shape in robot))
        extent = size + 2 * max(VIEW_MARGIN * size, 1.3 * room)
        self.view = View(height, width, min(height, width) / extent, (size / 2, size / 2))
        self._background = self._draw_background()
        self._robot = Sprite([robot], self.view.scale, HEADINGS)
        self._targets = Sprite([[disc(TARGET_RADIUS, color)] for color in TARGET_COLORS], self.view.scale)
        self._columns = self._draw_columns()

    def draw(
        self, positions: np.ndarray, facing: np.ndarray, targets: np.ndarray, looks: np.ndarray | None = None
    ) -> np.ndarray:
        """Frames of K robots.

        Args:
            positions: ``(K, 2)``, metres.
            facing: ``(K, 2)``, a vector of any length along each heading.
            targets: ``(K, T, 2)``, metres: T targets in each frame, later ones on top.
            looks: ``(K, T) int``, which of `TARGET_COLORS` each target has; None for the first.

        Returns:
            ``(K, H, W, 3) uint8`` RGB, or 6 channels with ``multi_view``.
        """
        if looks is None:
            looks = np.zeros(targets.shape[:2], np.intp)
        frames = np.empty((len(positions), *self._background.shape), np.uint8)
        frames[:] = self._background
        self._draw_targets(frames, targets, looks)
        self._robot.paste(frames, self.view.to_pixels(positions), np.arctan2(facing[:, 1], facing[:, 0]))
        if not self.config.multi_view:
            return frames
        both = np.empty((*frames.shape[:3], 6), np.uint8)
        pixels = both.view(PIXEL)
        pixels[..., 0] = frames.view(PIXEL)[..., 0]
        ahead = facing / np.sqrt((facing**2).sum(axis=1, keepdims=True))
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            part = slice(start, start + FRAMES_AT_ONCE)
            pixels[part, ..., 1] = self._on_board(positions[part], ahead[part], targets[part], looks[part])
        return both

    def _draw_targets(self, frames: np.ndarray, targets: np.ndarray, looks: np.ndarray) -> None:
        for target, look in zip(targets.swapaxes(0, 1), looks.T, strict=True):
            self._targets.paste(frames, self.view.to_pixels(target), variants=look)

    def _draw_background(self) -> np.ndarray:
        height, width = self.config.img_shape
        size, wall = self.config.arena_size, WALL_THICKNESS
        picture = np.empty((height * OVERSAMPLING, width * OVERSAMPLING, 3), np.uint8)
        picture[:] = GROUND
        middle, outer = size / 2, size + 2 * wall
        for shape in (
            rectangle(-wall / 2, middle, wall, outer, RED),
            rectangle(size + wall / 2, middle, wall, outer, GREEN),
            rectangle(middle, -wall / 2, size, wall, BLUE),
            rectangle(middle, size + wall / 2, size, wall, BLACK),
            rectangle(middle, middle, size, size, FLOOR),
        ):
            fill(picture, self.view.to_pixels(shape.corners) * OVERSAMPLING, shape.color)
        return shrink(picture, OVERSAMPLING)

    def _on_board(self, positions: np.ndarray, ahead: np.ndarray, targets: np.ndarray, looks: np.ndarray) -> np.ndarray:
        """What robots at ``positions (K, 2)`` that look along the unit vectors ``ahead (K, 2)`` see.

        Walls and targets are equally tall, so every column of a picture is one of `_columns`: what stands in that
        direction, and how near it is.
        """
        width, highest = self.config.img_shape[1], self._columns.shape[1] - 1
        focal = width / 2
        left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
        sideways = (width / 2 - 0.5 - np.arange(width)) / focal
        rays = ahead[:, None] + sideways[:, None] * left[:, None]
        # depth of the nearest wall along each ray, (K, W); a wall behind the camera is infinitely far
        gaps = np.stack([-positions, self.config.arena_size - positions], axis=1)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            depths = gaps / rays[:, :, None]
        depths = np.where(depths > 0, depths, np.inf)
        across = depths.min(axis=2)
        axis = (across[..., 1] < across[..., 0]).astype(np.intp)
        depth = across.min(axis=2)
        kinds = axis + 2 * (np.take_along_axis(rays, axis[..., None], axis=2)[..., 0] > 0)
        for target, look in zip(targets.swapaxes(0, 1), looks.T, strict=True):
            offset = target - positions
            distance, shift = (offset * ahead).sum(axis=1, keepdims=True), (offset * left).sum(axis=1, keepdims=True)
            pillar = (np.abs(sideways * distance - shift) < TARGET_RADIUS) & (distance > 0) & (distance < depth)
            kinds = np.where(pillar, len(WALL_COLORS) + look[:, None], kinds)
            depth = np.where(pillar, distance, depth)
        heights = focal * WALL_HEIGHT / 2 * SHADES / np.maximum(depth, 1e-3)
        return self._columns[kinds, np.minimum(heights + 0.5, highest).astype(np.intp)].transpose(0, 2, 1)

    def _draw_columns(self) -> np.ndarray:
        """``(what stands there, half its height in 1 / SHADES pixels, H)``: columns of the on-board camera."""
        height = self.config.img_shape[0]
        rows = np.arange(height) + 0.5 - height / 2
        halves = np.arange(height * SHADES // 2 + 1) / SHADES
        opacity = np.clip(halves[:, None] - np.abs(rows) + 0.5, 0, 1)[..., None]
        behind = np.where(rows[:, None] < 0, SKY, FLOOR)
        colors = np.array([*WALL_COLORS, *TARGET_COLORS])[:, None, None]
        columns = np.rint(behind + opacity * (colors - behind)).astype(np.uint8)
        return np.ascontiguousarray(columns).view(PIXEL)[..., 0]


def robot_shapes(length: float, width: float) -> list[Shape]:
    """A car of about this length and width (metres), its nose along +x: dark wheels, a body, a bright nose."""
    wheel, axle, half = length / 4, width * 0.8, width * 0.75
    return [
        *(rectangle(x, y, wheel, width / 3, WHEEL) for x in (-length / 3, length / 10) for y in (-axle, axle)),
        rectangle(-length / 6, 0, length * 2 / 3, 2 * half, BODY),
        Shape(np.array([[length / 2, 0], [length / 12, half], [length / 12, -half]]), NOSE),
    ]
