"""The racing car's picture, drawn with OpenCV: what Gymnasium draws with pygame, in a tenth of the time."""

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from gymnasium.envs.box2d.car_dynamics import SIZE, WHEEL_R, WHEEL_W, WHEEL_WHITE
from gymnasium.envs.box2d.car_racing import GRASS_DIM, PLAYFIELD, SCALE, WINDOW_H, WINDOW_W, ZOOM

if TYPE_CHECKING:
    from gymnasium.envs.box2d.car_racing import CarRacing

FINE_SIDE = 400
"""Pictures are drawn with at least this many pixels a side, then made smaller, which smooths their edges."""
MARK_ANGLE = 1.2
"""Width of the light mark on a wheel, radians."""
PANEL = 5 / 40
"""Height of the black panel below, relative to the picture."""
BITS = 4
"""Fractional bits of the coordinates that OpenCV is given."""
Colour = tuple[int, int, int]


class CarPicture:
    """Draws one episode of the car from above, the car looking up; Gymnasium's view, its panel included.

    Args:
        engine: Gymnasium's car after its reset.
        img_shape: height and width, pixels.
    """

    def __init__(self, engine: "CarRacing", img_shape: tuple[int, int]) -> None:
        self._engine = engine
        self._height, self._width = img_shape
        factor = max(1, math.ceil(FINE_SIDE / min(img_shape)))
        self._fine_height, self._fine_width = self._height * factor, self._width * factor
        self._grass = _grass_patches()
        self._road = np.array([vertices for vertices, _ in engine.road_poly])
        self._road_colours = [colour for _, colour in engine.road_poly]
        """the very arrays in which the engine marks visited tiles"""

    def draw(self) -> np.ndarray:
        """``(H, W, 3) uint8`` RGB."""
        engine = self._engine
        assert engine.car is not None
        self._look_from(engine.car.hull, engine.t)
        image = np.zeros((self._fine_height, self._fine_width, 3), np.uint8)
        corners = PLAYFIELD * np.array([[(1, 1), (1, -1), (-1, -1), (-1, 1)]])
        self._fill(image, corners, [_whole(engine.bg_color)])
        self._fill(image, self._grass, [_whole(engine.grass_color)] * len(self._grass))
        self._fill(image, self._road, self._road_colours)
        self._draw_car(image, engine.car)
        self._draw_panel(image, engine.car)
        return cv2.resize(image, (self._width, self._height), interpolation=cv2.INTER_AREA)

    def _look_from(self, hull: Any, seconds: float) -> None:
        """Set the view: the car at a quarter of the height, and a zoom in the first second."""
        zoom = 0.1 * SCALE * max(1 - seconds, 0) + ZOOM * SCALE * min(seconds, 1)
        cos, sin = math.cos(hull.angle), math.sin(hull.angle)
        to_window = np.array([(cos, -sin), (sin, cos)]) * zoom  # from the right: rows are points
        scale = np.array([self._fine_width / WINDOW_W, -self._fine_height / WINDOW_H])
        self._matrix = to_window * scale
        middle = np.array([WINDOW_W / 2, WINDOW_H / 4 - WINDOW_H]) * scale
        self._offset = middle - np.array(tuple(hull.position)) @ self._matrix

    def _fill(self, image: np.ndarray, polygons: np.ndarray, colours: list[Any]) -> None:
        """Fill convex ``polygons (K, corners, 2)``, metres, where they are in the picture."""
        points = polygons @ self._matrix + self._offset
        low, high = points.min(axis=1), points.max(axis=1)
        seen = ((high >= 0) & (low <= (self._fine_width, self._fine_height))).all(axis=1)
        fixed = np.rint(points * (1 << BITS)).astype(np.int32)
        for index in np.flatnonzero(seen).tolist():
            cv2.fillConvexPoly(image, fixed[index], _whole(colours[index]), shift=BITS)

    def _draw_car(self, image: np.ndarray, car: Any) -> None:
        for body in car.drawlist:
            colour = _whole(255 * np.array(body.color))
            for fixture in body.fixtures:
                self._fill(image, _in_world(body, fixture.shape.vertices), [colour])
            if body is not car.hull:
                mark = _wheel_mark(body.phase)
                if mark is not None:
                    self._fill(image, _in_world(body, mark), [WHEEL_WHITE])

    def _draw_panel(self, image: np.ndarray, car: Any) -> None:
        """Speed, the wheels' speeds, the steering wheel, the turning speed, and the return so far."""
        width, height = self._fine_width, self._fine_height
        _bar(image, 0, 1 - PANEL, 1, 1, (0, 0, 0))
        column, row = 1 / 40, 1 / 40
        columns: list[tuple[int, float, Colour]] = [(5, 0.02 * car.hull.linearVelocity.length, (255, 255, 255))]
        for place, wheel, colour in zip((7, 8, 9, 10), car.wheels, 2 * [(0, 0, 255)] + 2 * [(51, 0, 255)], strict=True):
            columns.append((place, 0.01 * wheel.omega, colour))
        for place, value, colour in columns:
            _bar(image, place * column, 1 - row * (1 + value), (place + 1) * column, 1 - row, colour)
        for place, value, colour in (
            (20, -10 * car.wheels[0].joint.angle, (0, 255, 0)),
            (30, -0.8 * car.hull.angularVelocity, (255, 0, 0)),
        ):
            _bar(image, place * column, 1 - 4 * row, (place + value) * column, 1 - 2 * row, colour)
        cv2.putText(
            image,
            f"{self._engine.reward:04.0f}",
            (round(0.02 * width), round(0.95 * height)),
            cv2.FONT_HERSHEY_SIMPLEX,
            width / WINDOW_W,
            (255, 255, 255),
            max(1, round(3 * width / WINDOW_W)),
        )


def _grass_patches() -> np.ndarray:
    """``(400, 4, 2)``: every fourth square of a grid over the playfield."""
    cells = np.arange(-20, 20, 2)
    x, y = np.meshgrid(cells, cells, indexing="ij")
    corners = np.array([(1, 0), (0, 0), (0, 1), (1, 1)])
    return GRASS_DIM * (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + corners)


def _wheel_mark(phase: float) -> list[tuple[float, float]] | None:
    """Corners, on the wheel, of the part of its mark that is seen from above; None when the mark is below."""
    ends = []
    for angle in (phase, phase + MARK_ANGLE):
        hidden = math.sin(angle) > 0
        ends.append((hidden, math.copysign(1, math.cos(angle)) if hidden else math.cos(angle)))
    (first_hidden, first), (second_hidden, second) = ends
    if first_hidden and second_hidden:
        return None
    half, radius = WHEEL_W * SIZE, WHEEL_R * SIZE
    return [(-half, radius * first), (half, radius * first), (half, radius * second), (-half, radius * second)]


def _in_world(body: Any, points: Any) -> np.ndarray:
    """``(1, corners, 2)``: points of a body in the world."""
    return np.array([[tuple(body.GetWorldPoint(point)) for point in points]])


def _bar(image: np.ndarray, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
    """Fill a rectangle given in parts of the picture, whichever way round."""
    height, width = image.shape[:2]
    x = sorted((round(left * width), round(right * width)))
    y = sorted((round(top * height), round(bottom * height)))
    if x[0] < x[1] and y[0] < y[1]:
        cv2.rectangle(image, (x[0], y[0]), (x[1] - 1, y[1] - 1), colour, cv2.FILLED)


def _whole(colour: Any) -> Colour:
    red, green, blue = (int(part) for part in colour)
    return red, green, blue
