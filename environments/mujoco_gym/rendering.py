"""Pictures of MuJoCo worlds, without a screen: through EGL, else OSMesa."""

import importlib
import os
from typing import Any

import mujoco
import numpy as np

from environments.mujoco_gym.config import CameraConfig
from srl3.errors import UserError

HEADLESS = {"egl": "libegl1", "osmesa": "libosmesa6"}
"""kinds of contexts without a screen, and the Debian package of each, in the order in which they are tried"""
MAX_GEOMS = 4000
SMOOTHING, SMOOTH_FROM = 4, 240
"""samples of a pixel, in pictures whose sides have at least so many pixels"""
SHADOW_SIZE = 1024
"""side of the shadow map, pixels"""


class Camera:
    """Draws single worlds of a model, following the robot.

    Args:
        model: as compiled.
        config: where the camera is.
        shape: height and width of the pictures, pixels.
        base: the body that it follows; empty: it looks at the middle of the model.

    Raises:
        UserError: when this machine can't draw.
    """

    def __init__(self, model: mujoco.MjModel, config: CameraConfig, shape: tuple[int, int], base: str) -> None:
        height, width = shape
        model.vis.global_.offheight = max(model.vis.global_.offheight, height)
        model.vis.global_.offwidth = max(model.vis.global_.offwidth, width)
        self._config = config
        self._body = model.body(base).id if base else -1
        self._centre = np.array(model.stat.center)
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FREE
        self._view.distance, self._view.azimuth = config.distance, config.azimuth
        self._view.elevation = config.elevation
        # without a GPU smooth edges and fine shadows take twenty times as long, and small pictures gain nothing by them
        model.vis.quality.offsamples = SMOOTHING if min(shape) >= SMOOTH_FROM else 0
        model.vis.quality.shadowsize = SHADOW_SIZE
        self._gl = make_context(width, height)
        self._gl.make_current()
        self._drawing = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._drawing)
        self._scene = mujoco.MjvScene(model, maxgeom=MAX_GEOMS)
        self._option = mujoco.MjvOption()
        self._rect = mujoco.MjrRect(0, 0, width, height)

    def draw(self, model: mujoco.MjModel, data: mujoco.MjData) -> np.ndarray:
        """``(H, W, 3) uint8``: one world, its state forwarded."""
        centre = self._centre if self._body < 0 else data.xpos[self._body]
        self._view.lookat = [centre[0], centre[1], centre[2] + self._config.height]
        self._gl.make_current()
        mujoco.mjv_updateScene(
            model, data, self._option, None, self._view, mujoco.mjtCatBit.mjCAT_ALL.value, self._scene
        )
        mujoco.mjr_render(self._rect, self._scene, self._drawing)
        image = np.empty((self._rect.height, self._rect.width, 3), np.uint8)
        mujoco.mjr_readPixels(image, None, self._rect, self._drawing)
        return np.ascontiguousarray(image[::-1])

    def close(self) -> None:
        """Free the drawing context."""
        self._gl.make_current()
        self._drawing.free()
        self._gl.free()


def make_context(width: int, height: int) -> Any:
    """An off-screen OpenGL context, of the first kind that works here; ``MUJOCO_GL`` chooses one.

    Raises:
        UserError: when none does.
    """
    chosen = os.environ.get("MUJOCO_GL", "").lower()
    problems = []
    for kind in [chosen] if chosen in HEADLESS else HEADLESS:
        before = os.environ.get("PYOPENGL_PLATFORM")
        os.environ["PYOPENGL_PLATFORM"] = kind  # PyOpenGL reads it once, when it is imported
        try:
            return importlib.import_module(f"mujoco.{kind}").GLContext(width, height)
        except Exception as error:  # each kind fails in its own manner, some while they are imported
            problems.append(f"{kind}: {_first_line(error)}")
        finally:
            if before is None:
                os.environ.pop("PYOPENGL_PLATFORM", None)
            else:
                os.environ["PYOPENGL_PLATFORM"] = before
    packages = " or ".join(HEADLESS.values())
    raise UserError(f"pictures of MuJoCo worlds need Debian's package {packages} ({'; '.join(problems)}).")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
