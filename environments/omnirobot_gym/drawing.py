"""Pictures of Omnirobot: its floor from above, the robot, and the target that shows the task."""

from itertools import pairwise

import cv2
import numpy as np

from environments.omnirobot_gym.config import OmnirobotConfig, Task
from environments.sprites import OVERSAMPLING, Shape, Sprite, View, disc, fill, rectangle, resized, shrink

RED, BLUE, GREEN, YELLOW = (205, 30, 35), (30, 75, 205), (20, 150, 60), (250, 205, 0)
FLOORS, GROUND, TAPE = ((184, 176, 163), (172, 164, 151)), (104, 108, 112), (242, 242, 242)
BODY, PLATE, NOSE, WHEEL = (52, 54, 66), (228, 228, 232), (0, 205, 230), (22, 22, 24)

ROBOT_RADIUS = 0.12
"""Half the robot's width (the S-RL Toolbox's ``OMNIROBOT_L``)."""
MARKER_WIDTH = 0.26
"""Width of the target's marker."""
TILE = 0.25
TAPE_WIDTH = 0.03
MARGIN = 0.27
"""What the camera shows beyond the bound of the robot's centre."""
ROBOT_HEADINGS = 180
TARGET_HEADINGS = 48


class OmnirobotCamera:
    """Draws N floors into one array, from above: x to the right, y up.

    A tiled floor within white tape (which the robot's rim reaches at the bound), the target as the task's marker, and
    over it the round robot on three wheels, with a bright nose that shows its heading.

    Args:
        config: the world.
        sizes: how many sizes of markers there are, the middle one without noise.
    """

    def __init__(self, config: OmnirobotConfig, sizes: int) -> None:
        self.config = config
        height, width = config.img_shape
        self.view = View(height, width, min(height, width) / (2 * (config.bound + MARGIN)), (0.0, 0.0))
        self._background = self._draw_background()
        factors = [max(0.2, 1 + config.marker_size_noise * (index - sizes // 2)) for index in range(sizes)]
        scale, grain = self.view.scale, config.marker_pixel_noise
        robot, target = robot_shapes(), target_shapes(config.task)
        self._robot = Sprite([resized(robot, factor) for factor in factors], scale, ROBOT_HEADINGS, grain)
        self._target = Sprite([resized(target, factor) for factor in factors], scale, TARGET_HEADINGS, grain)

    def draw(
        self, positions: np.ndarray, yaws: np.ndarray, targets: np.ndarray, target_yaws: np.ndarray, sizes: np.ndarray
    ) -> np.ndarray:
        """Frames of K robots.

        Args:
            positions: ``(K, 2)``, metres.
            yaws: ``(K,)``, radians.
            targets: ``(K, 2)``, metres.
            target_yaws: ``(K,)``, radians.
            sizes: ``(K, 2) int``, which size the robot and the target have.

        Returns:
            ``(K, H, W, 3) uint8`` RGB.
        """
        frames = np.empty((len(positions), *self._background.shape), np.uint8)
        frames[:] = self._background
        self._target.paste(frames, self.view.to_pixels(targets), target_yaws, sizes[:, 1])
        self._robot.paste(frames, self.view.to_pixels(positions), yaws, sizes[:, 0])
        return frames

    def brighten(self, frames: np.ndarray, gains: np.ndarray) -> None:
        """Multiply the frames ``(K, H, W, 3) uint8`` by their gains ``(K,)``, in place."""
        flat = frames.reshape(len(frames), -1)
        for frame, gain in zip(flat, gains.tolist(), strict=True):
            cv2.convertScaleAbs(frame, frame, gain)

    def _draw_background(self) -> np.ndarray:
        height, width = self.config.img_shape
        picture = np.empty((height * OVERSAMPLING, width * OVERSAMPLING, 3), np.uint8)
        picture[:] = GROUND
        half = self.config.bound + ROBOT_RADIUS
        outer = 2 * (half + TAPE_WIDTH)
        shapes = [rectangle(0, 0, outer, outer, TAPE), rectangle(0, 0, 2 * half, 2 * half, FLOORS[0])]
        edges = np.append(np.arange(-half, half, TILE), half)
        for row, (low, high) in enumerate(pairwise(edges.tolist())):
            for column, (left, right) in enumerate(pairwise(edges.tolist())):
                if (row + column) % 2:
                    middle = ((left + right) / 2, (low + high) / 2)
                    shapes.append(rectangle(*middle, right - left, high - low, FLOORS[1]))
        for shape in shapes:
            fill(picture, self.view.to_pixels(shape.corners) * OVERSAMPLING, shape.color)
        return shrink(picture, OVERSAMPLING)


def robot_shapes() -> list[Shape]:
    """A round robot with its nose along +x: three wheels on the rim, a dark body, a light plate, a bright nose."""
    wheels = []
    for angle in np.radians([60, 180, 300]):
        cos, sin = np.cos(angle), np.sin(angle)
        wheel = rectangle(0.9 * ROBOT_RADIUS, 0, 0.2 * ROBOT_RADIUS, 0.7 * ROBOT_RADIUS, WHEEL)
        wheels.append(Shape(wheel.corners @ np.array([[cos, sin], [-sin, cos]]), WHEEL))
    nose = np.array([[1.0, 0.0], [0.25, 0.55], [0.25, -0.55]]) * ROBOT_RADIUS
    plate = rectangle(-0.2 * ROBOT_RADIUS, 0, 0.7 * ROBOT_RADIUS, 0.8 * ROBOT_RADIUS, PLATE)
    return [*wheels, disc(0.9 * ROBOT_RADIUS, BODY), plate, Shape(nose, NOSE)]


def target_shapes(task: Task) -> list[Shape]:
    """The target's marker, whose shape and colour show the task."""
    width = MARKER_WIDTH
    if task is Task.REACH:
        return [disc(width / 2, RED)]
    if task in (Task.CHASE, Task.ESCAPE):
        bar = width * 0.34
        top = rectangle(0, (width - bar) / 2, width, bar, YELLOW)
        return [top, rectangle(0, -bar / 2, bar, width - bar, YELLOW)]
    colors = {Task.REACH_RANDOM: RED, Task.CIRCLE: BLUE, Task.SQUARE: GREEN, Task.EIGHT: GREEN}
    return [rectangle(0, 0, width, width, colors[task])]
