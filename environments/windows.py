"""Whether a world can be watched in a window of its own. The world is loaded, but nothing is opened."""

import re

from environments.registry import find_env
from srl3.errors import UserError


def check_window(env_id: str) -> None:
    """Refuse to show a world in a window where it has none.

    Worlds with an engine of their own open its window (`SRLGymEnv.engine_window`); the others show pictures through
    OpenCV, which the wheel of ``opencv-python-headless`` can't.

    Raises:
        UserError: naming what shows it instead.
    """
    if getattr(find_env(env_id).load_class(), "engine_window", False) or _opencv_has_windows():
        return
    raise UserError(
        f"{env_id} shows pictures through OpenCV, which has no windows here; use --video FILE.mp4 in place of --render."
    )


def _opencv_has_windows() -> bool:
    import cv2

    built_for = re.search(r"GUI:\s*(\S+)", cv2.getBuildInformation())
    return built_for is not None and built_for.group(1) != "NONE"
