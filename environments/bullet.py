"""PyBullet's clients, and its import without the line that it prints on stderr, where ours stand alone."""

import ctypes
import os
import sys
from typing import Any

from srl3.errors import UserError


def _import_quietly() -> Any:
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import pybullet
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
    return pybullet


pybullet = _import_quietly()


def connect(window: bool) -> int:
    """A new physics client, with PyBullet's window or without one.

    Raises:
        UserError: when a window is asked for and can't be opened.
    """
    if window and not _has_display():
        raise UserError("there is no display to open a window on; leave out rendering, or record a video.")
    client: int = pybullet.connect(pybullet.GUI if window else pybullet.DIRECT)
    if client < 0:
        raise UserError("PyBullet shows one window per process; close the other environment's first.")
    return client


def _has_display() -> bool:
    """Whether an X server answers; PyBullet's window ends the whole process where none does."""
    if not sys.platform.startswith("linux"):
        return True
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(None)
    if display:
        x11.XCloseDisplay(ctypes.c_void_p(display))
    return bool(display)
