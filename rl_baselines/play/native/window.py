"""`Window`: MuJoCo's passive viewer, fed with what a player steps."""

import sys
import threading
from collections.abc import Callable

import mujoco
import mujoco.viewer
import numpy as np

from environments.mujoco_gym.task_parts.watched import Watched
from rl_baselines.play.core.events import Event
from rl_baselines.play.core.player import Player
from rl_baselines.play.native.keys import Keys
from rl_baselines.play.policies.labels import printable
from srl3.errors import UserError

SMALL, BOTTOM_LEFT = int(mujoco.mjtFontScale.mjFONTSCALE_100), int(mujoco.mjtGridPos.mjGRID_BOTTOMLEFT)
APART = 1.2
"""times the size of a robot's world between two of them that stand side by side"""
CLOSING_SECONDS = 5.0
"""that the window may take to go away"""


class Window:
    """Shows a player's robots in MuJoCo's own window; the player ends when it is closed.

    The first robot is the window's model; the others are drawn beside it, slots along y and the robots of a slot along
    x, or on its map where the world has one.

    What its keys do is `Keys`; it is listed in the window, and printed once. All other keys are MuJoCo's.

    Args:
        player: shown and steered.
        fps: pictures per second, at most.

    Raises:
        UserError: for a world of another engine.
    """

    def __init__(self, player: Player, fps: float) -> None:
        self._world = _mujoco_world(player)
        self._seconds = 1 / fps
        self._next = -float("inf")
        self._model, self._data = self._world.simulation(0)
        self._keys = Keys(player)
        self._thread, self._handle = _opened(self._model, self._data, self._keys.pressed)
        _say("keys in the window (F1 lists MuJoCo's):")
        for name, does in self._keys.help():
            _say(f"  {name:<10} {does}")
        with self._handle.lock():
            _look(self._handle.cam, self._model, self._places(player).mean(0))

    def watched(self) -> bool:
        return bool(self._handle.is_running())

    def show(self, player: Player, now: float) -> None:
        if not self.watched():
            player.end()
            return
        if now < self._next:
            return
        self._next = now + self._seconds
        places = self._places(player)
        with self._handle.lock():
            for row in range(player.stage.count):
                model, data = self._world.simulation(row)
                if row == 0:
                    mujoco.mj_copyData(self._data, model, data)
                    self._handle.user_scn.ngeom = 0
                else:
                    self._add(model, data, places[row])
                if row % player.stage.setting.robots == 0 and len(player.slots) > 1:
                    self._label(data, places[row], player.slots[row // player.stage.setting.robots].title)
        texts: list[tuple[int | None, int | None, str | None, str | None]] = [(None, None, *self._texts(player))]
        if self._keys.help_is_shown:
            texts.append((SMALL, BOTTOM_LEFT, *_columns(self._keys.help())))
        self._handle.set_texts(texts)
        self._handle.sync()

    def event(self, player: Player, event: Event) -> None:
        if event.kind in ("loaded", "problem"):
            _say(event.text)

    def close(self) -> None:
        """Close the window, and wait until it is gone."""
        self._handle.close()
        self._thread.join(CLOSING_SECONDS)

    # what is drawn

    def _places(self, player: Player) -> np.ndarray:
        """``(n, 3)``: where the origin of each robot's world is drawn, metres."""
        setting, count = player.stage.setting, player.stage.count
        places = np.zeros((count, 3))
        if self._model.nhfield:
            return places
        slot, robot = np.divmod(np.arange(count), setting.robots)
        apart = APART * float(self._model.stat.extent)
        places[:, 0], places[:, 1] = robot * apart, -slot * apart
        return places

    def _add(self, model: mujoco.MjModel, data: mujoco.MjData, place: np.ndarray) -> None:
        """Draw another robot's bodies at ``place``; what stands still is there once."""
        scene = self._handle.user_scn
        before = scene.ngeom
        moving = int(mujoco.mjtCatBit.mjCAT_DYNAMIC)
        mujoco.mjv_addGeoms(model, data, self._handle.opt, self._handle.perturb, moving, scene)
        for number in range(before, scene.ngeom):
            scene.geoms[number].pos[:] += place

    def _label(self, data: mujoco.MjData, place: np.ndarray, title: str) -> None:
        scene = self._handle.user_scn
        if scene.ngeom >= scene.maxgeom:
            return
        above = data.xpos[1:].mean(0) + place + [0, 0, 0.3 * self._model.stat.extent]
        geom = scene.geoms[scene.ngeom]
        size, turn, white = np.full(3, 0.1), np.eye(3).reshape(-1), np.ones(4, np.float32)
        mujoco.mjv_initGeom(geom, int(mujoco.mjtGeom.mjGEOM_LABEL), size, above, turn, white)
        geom.label = _plain(title)
        scene.ngeom += 1

    def _texts(self, player: Player) -> tuple[str, str]:
        """Two columns of lines: the slots with their returns, how fast they are stepped, and what keys chose."""
        rows = []
        for slot in player.slots:
            mean = slot.statistics.mean_return
            count = slot.statistics.episodes
            earned = "no episode yet" if mean is None else f"return {mean:.2f}, {count} episode{'s' * (count != 1)}"
            rows.append((slot.title, earned))
            if slot.problem:
                rows.append(("", slot.problem))
        rows.append(("paused" if player.paused else "playing", f"{player.rate.value:.0f} steps/s"))
        return _columns([*rows, *self._keys.state()])


def _mujoco_world(player: Player) -> Watched:
    world = player.stage.world
    if not isinstance(world, Watched):
        raise UserError(
            f"--viewer native shows SRL3's MuJoCo worlds, and {player.stage.env_id} is none; use --viewer web."
        )
    return world


def _opened(
    model: mujoco.MjModel, data: mujoco.MjData, pressed: Callable[[int], None]
) -> tuple[threading.Thread, "mujoco.viewer.Handle"]:
    """The window, and the thread that draws it."""
    before = set(threading.enumerate())
    try:
        handle = mujoco.viewer.launch_passive(
            model, data, key_callback=pressed, show_left_ui=False, show_right_ui=False
        )
    except RuntimeError:  # macOS
        raise UserError("--viewer native runs under mjpython on macOS; or use --viewer web.") from None
    drawing = [thread for thread in threading.enumerate() if thread not in before]
    return drawing[0], handle


def _look(camera: mujoco.MjvCamera, model: mujoco.MjModel, middle: np.ndarray) -> None:
    """From above and aside, so that all robots are in the picture."""
    camera.lookat = model.stat.center + middle
    camera.distance = 1.5 * float(model.stat.extent) + 2 * float(np.linalg.norm(middle))
    camera.azimuth, camera.elevation = 135.0, -25.0


def _columns(rows: list[tuple[str, str]]) -> tuple[str, str]:
    left, right = zip(*rows, strict=True)
    return _plain("\n".join(left)), _plain("\n".join(right))


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)


def _plain(text: str) -> str:
    """As MuJoCo's fonts have it."""
    for sign, instead in (("·", "-"), ("…", "..."), ("×", "x"), ("°", "degrees")):
        text = text.replace(sign, instead)
    return text.encode("ascii", "replace").decode()
