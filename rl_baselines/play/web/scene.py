"""What is seen: meshes of robots side by side, or their pictures in tiles."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import cv2
import numpy as np

from environments.scenes.parts import ScenePart, rotated
from rl_baselines.play.core.stage import Setting

STILL = 1e-5
"""a part that has moved by less, in metres or in numbers of its quaternion, is not sent again"""
GRID_SIZE, SECTION = 120.0, 2.0
"""side of the ground, and distance of its heavy lines, metres"""
PALETTE = ((66, 133, 244), (219, 68, 55), (15, 157, 88), (244, 160, 0), (142, 68, 173), (0, 172, 193))
"""colours of the slots' robots, titles and curves"""
SUNK = 0.05
"""metres that feet may be in the ground"""
LARGE = 1.5
"""metres from a part's middle to its end: floors and tables may overlap those beside them"""
PANEL = 0.32
"""share of the page's width that panels cover"""
TINT = 0.6
"""share of the slot's colour in that of its robots"""


class Shown(Protocol):
    """Robots that are drawn: those of a `Stage`, or of a recording."""

    setting: Setting

    @property
    def count(self) -> int:
        """Robots of all slots."""
        ...

    def scene_poses(self) -> np.ndarray:
        """``(n, parts, 7)``: where the parts are, metres, and how they are turned (w, x, y, z)."""
        ...

    def images(self) -> Sequence[np.ndarray | None]:
        """A picture of each robot, ``(H, W, 3) uint8``; None where there is none."""
        ...


class View(Protocol):
    """Draws the robots of all slots.

    Attributes:
        follow: robots that walk stay where they are seen.
    """

    follow: bool

    def draw(self, shown: Shown, titles: Sequence[str]) -> None:
        """The present moment."""
        ...

    def remove(self) -> None:
        """Take everything off the page."""
        ...


class MeshView:
    """One instanced mesh for each shape, with the poses of all parts of all robots that have it; what stands still is
    not sent again.

    Slots lie along y, the robots of a slot along x. With ``follow`` every robot stays at its place there; on a map that
    robots share all are drawn about the first one.

    Args:
        server: viser's.
        shown: what offers a scene.
        parts: of that scene.
        titles: of the slots, or of all robots.

    Attributes:
        follow: robots that walk stay where they are seen.
    """

    def __init__(self, server: Any, shown: Shown, parts: Sequence[ScenePart], titles: Sequence[str]) -> None:
        self.follow = False
        self._server = server
        self._parts = parts
        server.scene.configure_default_lights(enabled=True, cast_shadow=False)  # shadows cost more than all the rest
        server.scene.configure_environment_map("warehouse", environment_intensity=0.25)
        self._ground = np.array([part.ground for part in parts])
        poses = shown.scene_poses()
        moving = poses[:, ~self._ground]
        self._spacing = self._space_of_a_robot(poses)
        self._offsets = self._places(shown)
        self._floor = self._lowest(poses)
        self._grid = None if self._ground.any() else self._add_grid()
        self._alike = alike(parts)
        self._handles = [self._add(numbers, shown) for numbers in self._alike]
        self._labels = [
            server.scene.add_label(f"/label/{number}", title, anchor="bottom-center", font_screen_scale=1.2)
            for number, title in enumerate(titles)
        ]
        self._sent: list[np.ndarray | None] = [None] * len(self._alike)
        self._look(moving)
        self.draw(shown, titles)

    def draw(self, shown: Shown, titles: Sequence[str]) -> None:
        poses = shown.scene_poses()
        places = poses[..., :3] + self._offsets[:, None]
        walked = self._walked(places) if self.follow else np.zeros((1, 3))
        places = places - walked[:, None]
        robots = shown.setting.robots
        with self._server.atomic():
            if self._grid is not None and self.follow:  # so that it seems to stand still
                self._grid.position = (*(-walked[0, :2] % SECTION).tolist(), self._floor)
            for shape, (numbers, handle) in enumerate(zip(self._alike, self._handles, strict=True)):
                rows = slice(None, None, robots) if self._ground[numbers[0]] else slice(None)
                now = np.concatenate([places[rows, numbers], poses[rows, numbers, 3:]], -1).reshape(-1, 7)
                sent = self._sent[shape]
                if sent is None or np.abs(now - sent).max() > STILL:
                    handle.batched_positions, handle.batched_wxyzs = now[:, :3], now[:, 3:]
                    self._sent[shape] = now
            titled = shown.count // len(titles)
            for number, (label, title) in enumerate(zip(self._labels, titles, strict=True)):
                base = places[number * titled, ~self._ground].mean(0)
                label.position = (float(base[0]), float(base[1]), float(base[2]) + 0.35 * self._spacing)
                if label.text != title:
                    label.text = title

    def on_pull(self, do: Callable[[int, np.ndarray], None]) -> None:
        """Call ``do`` when a visitor has dragged a robot with Shift held.

        Args:
            do: called in another thread with the robot's number and how far it was dragged, ``(3,)`` metres.
        """

        def telling(of_a_robot: int) -> Callable[[Any], None]:
            def pulled(event: Any) -> None:
                if event.phase == "end" and event.instance_index is not None:
                    do(event.instance_index // of_a_robot, np.subtract(event.end_position, event.start_position))

            return pulled

        for numbers, handle in zip(self._alike, self._handles, strict=True):
            if not self._ground[numbers[0]]:
                handle.on_drag("left", modifier="shift")(telling(len(numbers)))

    def remove(self) -> None:
        for handle in (*self._handles, *self._labels, *([self._grid] if self._grid is not None else [])):
            handle.remove()

    def _add(self, numbers: list[int], shown: Shown) -> Any:
        part, of_a_robot = self._parts[numbers[0]], len(numbers)
        count = of_a_robot * (shown.setting.slots if part.ground else shown.count)
        opacity = part.colour[3]
        colours = np.tile(np.array(part.colour[:3]), (count, 1))
        if shown.setting.slots > 1 and not part.ground:  # each slot's robots have a shade of their own
            slots = np.arange(count) // (of_a_robot * shown.setting.robots) % len(PALETTE)
            colours = (1 - TINT) * colours + TINT * np.array(PALETTE)[slots] / 255
        return self._server.scene.add_batched_meshes_simple(
            f"/robots/{numbers[0]}",
            part.mesh.vertices,
            part.mesh.faces,
            np.tile([1.0, 0.0, 0.0, 0.0], (count, 1)),
            np.zeros((count, 3)),
            batched_colors=(255 * colours).round().astype(np.uint8),
            opacity=None if opacity >= 1 else max(opacity, 0.1),
            flat_shading=part.ground,
            lod="off",
            cast_shadow=False,
            receive_shadow=False,
        )

    def _add_grid(self) -> Any:
        return self._server.scene.add_grid(
            "/ground",
            width=GRID_SIZE,
            height=GRID_SIZE,
            cell_size=0.5,
            section_size=SECTION,
            plane_color=(235, 238, 242),
            plane_opacity=1.0,
            fade_distance=60.0,
            position=(0.0, 0.0, self._floor),
        )

    def _lowest(self, poses: np.ndarray) -> float:
        """Height of the ground: 0, or lower where the first robot's world reaches lower, metres."""
        low = 0.0
        for part, pose in zip(self._parts, poses[0], strict=True):
            low = min(low, float((rotated(pose[3:], part.mesh.vertices)[:, 2] + pose[2]).min()))
        return low - 0.005 if low < -SUNK else 0.0

    def _space_of_a_robot(self, poses: np.ndarray) -> float:
        """Metres between two robots that stand side by side."""
        reach = 0.0
        base = poses[0, ~self._ground, :2].mean(0)
        for part, pose in zip(self._parts, poses[0], strict=True):
            size = float(np.linalg.norm(part.mesh.vertices, axis=1).max())
            if not part.ground and size < LARGE:
                reach = max(reach, float(np.linalg.norm(pose[:2] - base)) + size)
        return max(1.0, 2.2 * reach)

    def _places(self, shown: Shown) -> np.ndarray:
        """``(n, 3)``: where the origin of each robot's world is drawn."""
        setting = shown.setting
        slot, robot = np.divmod(np.arange(shown.count), setting.robots)
        offsets = np.zeros((shown.count, 3))
        if self._ground.any():  # robots of a slot share its map
            part = next(part for part in self._parts if part.ground)
            offsets[:, 1] = slot * 1.1 * float(np.ptp(part.mesh.vertices[:, 1]))
            return offsets
        columns = math.ceil(math.sqrt(setting.robots)) if setting.slots == 1 else setting.robots
        offsets[:, 0] = robot % columns * self._spacing
        offsets[:, 1] = (slot + robot // columns) * -self._spacing
        return offsets

    def _walked(self, places: np.ndarray) -> np.ndarray:
        """``(n, 3)``, or ``(1, 3)`` for all: what is to be taken off, so that robots stay at their places."""
        if self._ground.any():
            places, offsets = places[:1], np.zeros((1, 3))
        else:
            offsets = self._offsets
        walked: np.ndarray = places[:, ~self._ground].mean(1) - offsets
        walked[:, 2] = 0
        return walked

    def _look(self, moving: np.ndarray) -> None:
        centre = (moving[..., :3].mean(1) + self._offsets).mean(0)
        size = max(self._spacing, float(np.ptp(self._offsets[:, :2], axis=0).max()) if not self._ground.any() else 0)
        distance = 1.5 * size + 0.8
        towards = np.array([-0.65, 0.65, -0.45]) / np.linalg.norm([0.65, 0.65, 0.45])
        right = np.cross(towards, (0, 0, 1))
        centre = centre + 0.35 * PANEL * distance * right / np.linalg.norm(right)  # panels lie on the right
        self._server.initial_camera.look_at = tuple(centre)
        self._server.initial_camera.position = tuple(centre - distance * towards)


def alike(parts: Sequence[ScenePart]) -> list[list[int]]:
    """Numbers of the parts, those together that differ in nothing but their poses."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for number, part in enumerate(parts):
        shape = (part.mesh.vertices.tobytes(), part.mesh.faces.tobytes(), part.colour, part.ground)
        found.setdefault(shape, []).append(number)
    return list(found.values())


class PictureView:
    """The robots' own pictures, tiled over the page, each with its title.

    Args:
        server: viser's.

    Attributes:
        follow: changes nothing; pictures have cameras of their own.
        last: the newest tiles.
    """

    def __init__(self, server: Any) -> None:
        self.follow = False
        self.last: np.ndarray | None = None
        self._server = server

    def draw(self, shown: Shown, titles: Sequence[str]) -> None:
        self.last = tiled(shown, titles)
        clients = list(self._server.get_clients().values())
        aspect = clients[0].camera.aspect if clients else 16 / 9
        self._server.scene.set_background_image(beside_panels(self.last, aspect), format="jpeg", jpeg_quality=80)

    def remove(self) -> None:
        self._server.scene.set_background_image(None)


def tiled(shown: Shown, titles: Sequence[str]) -> np.ndarray:
    """``(H, W, 3) uint8``: one row of tiles for each slot, or a square of them where there is one slot.

    Titles are those of the slots, or of all robots.
    """
    setting = shown.setting
    columns = setting.robots if setting.slots > 1 else math.ceil(math.sqrt(setting.robots))
    tiles, titled = [], shown.count // len(titles)
    for row, image in enumerate(shown.images()):
        tile = np.full((300, 300, 3), 40, np.uint8) if image is None else _enlarged(image)
        if row % titled == 0:
            _write(tile, titles[row // titled], PALETTE[row // setting.robots % len(PALETTE)])
        tiles.append(cv2.copyMakeBorder(tile, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255)))
    if setting.slots > 1 and setting.robots == 1:
        columns = math.ceil(math.sqrt(setting.slots))
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % columns)
    lines = [np.concatenate(tiles[start : start + columns], 1) for start in range(0, len(tiles), columns)]
    return np.concatenate(lines)


def beside_panels(image: np.ndarray, aspect: float) -> np.ndarray:
    """``image`` on white of this width to height, in the part that panels leave free."""
    height, width = image.shape[:2]
    free = width / (1 - PANEL)
    whole = max(free, height * aspect)
    tall = max(height, math.ceil(whole / aspect))
    left = int(((1 - PANEL) * whole - width) / 2)
    canvas = np.full((tall, math.ceil(whole), 3), 255, np.uint8)
    top = (tall - height) // 2
    canvas[top : top + height, left : left + width] = image
    return canvas


def _enlarged(image: np.ndarray) -> np.ndarray:
    factor = max(1, math.ceil(300 / min(image.shape[:2])))
    return np.ascontiguousarray(image.repeat(factor, 0).repeat(factor, 1))


def _write(tile: np.ndarray, text: str, colour: tuple[int, int, int]) -> None:
    plain = text.encode("ascii", "replace").decode().replace("?", "-")
    shown = plain if len(plain) <= 40 else f"{plain[:18]}...{plain[-18:]}"
    cv2.rectangle(tile, (0, 0), (tile.shape[1], 22), colour, -1)
    cv2.putText(tile, shown, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
