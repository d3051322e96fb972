"""Whether this process can open a window."""

import os
import sys
import warnings
from types import ModuleType

from srl3.errors import UserError

OTHERWISE = "use --viewer web, which any browser shows"


def check_display() -> None:
    """Refuse where no window can be opened.

    Raises:
        UserError: without a display, without GLFW, or where no window with OpenGL can be made.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError(f"--viewer native needs a display, and DISPLAY and WAYLAND_DISPLAY are not set; {OTHERWISE}.")
    try:
        import glfw
    except ImportError:
        raise UserError(f"--viewer native needs the package glfw, which MuJoCo brings; {OTHERWISE}.") from None
    with warnings.catch_warnings(record=True) as said:  # GLFW's errors are warnings here
        warnings.simplefilter("always")
        fits = _opens(glfw)
    if not fits:
        why = f" ({' '.join(str(said[0].message).split())})" if said else ""
        raise UserError(f"--viewer native can't open a window on this display{why}; {OTHERWISE}.")


def _opens(glfw: ModuleType) -> bool:
    """Whether a hidden window can be made: MuJoCo's viewer would wait forever for one that can't."""
    if not glfw.init():
        return False
    try:
        glfw.window_hint(glfw.VISIBLE, glfw.FALSE)
        window = glfw.create_window(64, 64, "", None, None)
        if not window:
            return False
        glfw.destroy_window(window)
        return True
    finally:
        glfw.terminate()
