"""Which worlds can be watched in a window."""

import cv2
import pytest

from environments.registry import registered_env
from environments.windows import check_window
from srl3.errors import UserError


@pytest.mark.parametrize("env_id", ["MobileRobotGymEnv-v0", "OmnirobotEnv-v0", "CarRacingGymEnv-v0"])
def test_pictures_need_an_opencv_with_windows(env_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:                           NONE\n")
    with pytest.raises(UserError, match=rf"{env_id} shows pictures through OpenCV.*use --video"):
        check_window(env_id)
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:                           QT5\n")
    check_window(env_id)


@pytest.mark.parametrize("env_id", [name for name in registered_env if name.startswith(("Kuka", "Inmoov"))])
def test_engines_have_windows_of_their_own(env_id: str) -> None:
    check_window(env_id)
