"""MuJoCo's own window shows its worlds where there is a display, and says why where it can't."""

import ctypes
import ctypes.util
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
from rl_baselines.play.core.player import Player
from rl_baselines.play.native import keys
from rl_baselines.play.native.keys import Key, Keys
from rl_baselines.play.policies.state_file import MANUAL, read_choice
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from tests.rl_baselines.play.conftest import Clock, Play, Watching, turn_until

F12 = 0xFFC9
"""X's number of the key"""
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


def whites(display: str) -> int:
    """Pixels of writing in the lower left quarter of the screen."""
    screen = np.asarray(ImageGrab.grab(xdisplay=display).convert("L"))
    height, width = screen.shape
    return int((screen[height // 2 :, : width // 2] > 240).sum())


class Hands:
    """Somebody who presses keys, and what comes of it after the player's next turn."""

    def __init__(self, player: Player, clock: Clock) -> None:
        self.player, self.clock, self.viewer = player, clock, Watching()
        self.keys = Keys(player)

    def press(self, key: Key, number: int = 0) -> str:
        self.keys.pressed(key.codes[number])
        self.player.turn(self.viewer)
        return self.keys.said

    def until_trained(self, steps: int, slot: int = 0) -> None:
        turn_until(self.player, self.viewer, self.clock, lambda: self.player.slots[slot].trained_steps == steps)

    def offered(self) -> list[str]:
        return [name for name, _ in self.keys.help()]


def test_keys_choose_checkpoints_as_the_page_does(run: RunFolder, play: Play, clock: Clock) -> None:
    hands = Hands(play(run, "zero"), clock)
    hands.player.paused = True
    names = [path.name for path in hands.player.slots[0].source.checkpoints()]
    for place in range(1, len(names)):
        assert hands.press(keys.CHECKPOINT) == f"{names[place]} is chosen"
    assert "is the oldest checkpoint" in hands.press(keys.CHECKPOINT)
    hands.until_trained(100)
    assert read_choice(run).checkpoint == run.checkpoint(100).absolute(), "other panels see it"
    assert ("slot 1", "model_100_steps.zip, Manual") in hands.keys.state()
    assert hands.press(keys.CHECKPOINT, 1) == "model_200_steps.zip is chosen"
    hands.until_trained(200)
    assert hands.press(keys.AUTO_MANUAL) == "the newest checkpoint is followed"
    hands.until_trained(400)
    assert hands.press(keys.AUTO_MANUAL, 1) == "latest.zip stays"
    assert (hands.player.slots[0].mode, read_choice(run).mode) == (MANUAL, MANUAL)
    hands.press(keys.SLOT)
    assert hands.press(keys.CHECKPOINT) == "zero has no checkpoints to choose from"
    assert ("slot 2", "zero, without a checkpoint") in hands.keys.state()
    hands.press(keys.SLOT)
    assert hands.keys.slot == 0
    hands.press(keys.RELOAD)
    turn_until(hands.player, hands.viewer, clock, lambda: hands.viewer.kinds()[-1] == "loaded")


def test_keys_pause_step_speed_and_reset(play: Play, clock: Clock) -> None:
    hands = Hands(play("zero", env="MobileRobotGymEnv-v0", speed=0.3), clock)
    player = hands.player
    assert not {keys.CHECKPOINT.name, keys.SLOT.name, keys.PUSH.name, keys.COMMAND.name} & set(hands.offered())
    hands.press(keys.PAUSE)
    steps = player.steps
    for _ in range(3):
        hands.press(keys.STEP)
    assert (player.paused, player.steps) == (True, steps + 3)
    assert [hands.press(keys.SPEED), hands.press(keys.SPEED)] == ["speed 0.25×", "speed 0.1×"]
    assert [hands.press(keys.SPEED) for _ in range(2)] == ["speed 0.1×"] * 2
    assert [hands.press(keys.SPEED, 1) for _ in range(7)][-2:] == ["speed max"] * 2
    hands.press(keys.RESET)
    assert (player.stage.lengths == 0).all()
    hands.keys.pressed(keys.PUSH.codes[0])
    hands.keys.pressed(-1)  # what GLFW gives for a key that it does not know
    player.turn(hands.viewer)
    hands.press(keys.HELP)
    assert not hands.keys.help_is_shown


def test_keys_push_and_command(play: Play, clock: Clock) -> None:
    hands = Hands(play("zero", env="VelocityFlat", robots=2), clock)
    player, world = hands.player, hands.player.stage.world
    player.paused = True
    before = world.exact("qvel").clone()
    assert hands.press(keys.PUSH, 3) == "pushed"
    change = (world.exact("qvel") - before).numpy()[:, :3]
    np.testing.assert_allclose(change, [[0, 1.5, 0]] * 2, atol=1e-9)
    drawn = player.stage.command(0)
    assert hands.press(keys.COMMAND) == "F9  F10: forward"
    assert hands.press(keys.COMMAND) == "F9  F10: to the left"
    assert world.told is None
    by = -1 if drawn[1] > 0 else 1
    hands.press(keys.CHANGE, max(by, 0))
    term = player.stage.command_terms()[1]
    np.testing.assert_allclose(world.told[1], drawn[1] + by * (term.high - term.low) / 10, rtol=1e-5)
    np.testing.assert_allclose(world.told[[0, 2]], np.array(drawn)[[0, 2]], rtol=1e-5)
    for _ in range(20):
        hands.press(keys.CHANGE, 1)
    assert float(world.told[1]) == pytest.approx(term.high), "no further than the world goes"
    assert any(name == "> to the left" for name, _ in hands.keys.state())
    hands.press(keys.COMMAND)
    assert hands.press(keys.COMMAND) == "the world draws its commands"
    assert world.told is None


def test_keys_are_free_in_mujocos_window() -> None:
    """MuJoCo's letters and digits switch what is drawn; its function keys end with F7."""
    import mujoco

    taken = {ord(shortcut) for _, _, shortcut in (*mujoco.mjVISSTRING, *mujoco.mjRNDSTRING) if shortcut}
    taken |= {ord("0") + group for group in range(mujoco.mjNGROUP)} | {ord("["), ord("]"), 256, 258, 266}
    taken |= set(range(290, 297))
    own = [each for each in vars(keys).values() if isinstance(each, Key)]
    codes = [code for key in own for code in key.codes]
    assert len(set(codes)) == len(codes)
    assert not taken & set(codes)


def press_in(display: str, code: int) -> bool:
    """Press a key of the keyboard in the window on this screen, as a person does; False where X's library lacks."""
    found = ctypes.util.find_library("X11"), ctypes.util.find_library("Xtst")
    if None in found:
        return False
    x11, xtst = (ctypes.CDLL(name) for name in found)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    screen = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    number = x11.XKeysymToKeycode(screen, ctypes.c_ulong(code))
    for down in (1, 0):
        xtst.XTestFakeKeyEvent(screen, number, down, ctypes.c_ulong(0))
    x11.XFlush(screen)
    x11.XCloseDisplay(screen)
    return True


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
            if press_in(display, F12):
                listed = whites(display)
                while whites(display) > listed / 2 and command.poll() is None and time.monotonic() < until:
                    time.sleep(0.2)
                assert whites(display) <= listed / 2, "the list of keys did not go"
            command.send_signal(signal.SIGINT)
            status = command.wait(SECONDS)
        finally:
            command.kill()
    assert status == 130
    assert "Traceback" not in said.read_text()
    assert "  Space      pause, or go on" in said.read_text().splitlines()


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
