"""MuJoCo's own window shows its worlds where there is a display, and says why where it can't."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageGrab

from rl_baselines.play import main
from srl3.errors import UserError
from tests.rl_baselines.play.conftest import Play

SECONDS = 120.0
"""for the window to open, on a busy machine"""


@pytest.fixture
def display() -> Iterator[str]:
    """A screen that nobody sees."""
    if sys.platform != "linux" or shutil.which("Xvfb") is None:
        pytest.skip("there is no Xvfb (Debian's package xvfb) to open a window on")
    read, write = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as number:
        yield f":{number.readline().strip()}"
    screen.terminate()
    screen.wait()


def colours(display: str) -> int:
    """How many there are on the screen."""
    return len(np.unique(np.asarray(ImageGrab.grab(xdisplay=display)).reshape(-1, 3), axis=0))


def test_window_shows_the_robots_until_the_command_is_ended(display: str, tmp_path: Path) -> None:
    flags = ["--compare", "random", "zero", "--env", "Ant", "--num-envs", "2", "--viewer", "native", "--fps", "5"]
    said = tmp_path / "said.txt"
    with said.open("w") as file:
        command = subprocess.Popen(
            [sys.executable, "-m", "rl_baselines.play", *flags],
            env={**os.environ, "DISPLAY": display},
            stdout=file,
            stderr=file,
        )
        try:
            until = time.monotonic() + SECONDS
            while colours(display) < 50 and command.poll() is None and time.monotonic() < until:
                time.sleep(0.2)  # the screen tells nobody when it changes
            assert command.poll() is None, said.read_text()
            assert colours(display) >= 50, said.read_text()
            command.send_signal(signal.SIGINT)
            status = command.wait(SECONDS)
        finally:
            command.kill()
    assert status == 130
    assert "Traceback" not in said.read_text()


def test_without_a_display_one_sentence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems always have a display")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="needs a display"):
        main(["--run", "random", "--env", "Ant", "--viewer", "native"])
    monkeypatch.setenv("DISPLAY", ":nowhere")
    with pytest.raises(UserError, match="can't open a window on this display"):
        main(["--run", "random", "--env", "Ant", "--viewer", "native"])


def test_worlds_of_other_engines_are_refused_by_name(play: Play) -> None:
    from rl_baselines.play.native.window import Window

    with pytest.raises(UserError, match="MobileRobotGymEnv-v0 is none; use --viewer web"):
        Window(play("random", env="MobileRobotGymEnv-v0"), fps=5)
