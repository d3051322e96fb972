"""The page in a browser: what is clicked there happens in the run, and the other way round."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from rl_baselines import train
from rl_baselines.play.core.beginning import Tools, Wanted, begin
from rl_baselines.play.core.player import Player
from rl_baselines.runs.run_folder import RunFolder, find_runs

pytest.importorskip("viser", reason="the extra [play] is not installed")

from rl_baselines.play.web.page import Page
from rl_baselines.play.web.server import make_server
from tests.rl_baselines.play.conftest import SECONDS, Visit

TRAINING = ("--env", "VelocityFlat", "--num-timesteps", "600", "--num-envs", "2", "--hyperparam", "n_steps:100")
HTML = "run <img src=x onerror=document.title='run'><b>"
"""a run's name, which is text on the page"""
PICTURE = "SRL3_PLAY_PICTURE"
"""variable with the name of a file: where the picture of docs/play.md goes"""


class Watched(Visit):
    """A player in a thread, and its page in Chromium."""

    def __init__(self, player: Player, viewer: Page, tab: Any, run: RunFolder) -> None:
        self.player, self.viewer, self.tab, self.run = player, viewer, tab, run
        self.slot = player.slots[0]

    def settled(self) -> int:
        """The number of steps, once it no longer rises."""
        self.until(lambda: self.player.paused, "pause")
        done = threading.Event()
        self.player.post(done.set)
        assert done.wait(SECONDS)
        return self.player.steps


@pytest.fixture(scope="module")
def watched(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A quadruped's training of 600 steps beside a random agent, as a visitor finds them."""
    logs = tmp_path_factory.mktemp("browser") / "logs"
    quiet = ("--no-vis", "--no-progress", "--log-dir", str(logs))
    assert train.main([*TRAINING, "--save-freq", "200", *quiet]) == 0
    run = find_runs(logs)[-1]
    if PICTURE not in os.environ:
        run = RunFolder(run.path.rename(run.path.with_name(HTML)))
    wanted = Wanted([str(run.path), "random"], logs, pictures=True, speed=0.5)
    player = begin(wanted, Tools(lambda _: None))
    viewer = Page(player, make_server(None, 8787, "a page"), fps=4)
    loop = threading.Thread(target=player.run, args=(viewer,))
    loop.start()
    tab = chromium.new_page(viewport={"width": 1000, "height": 800})
    try:
        tab.goto(viewer.address, timeout=SECONDS * 1000)
        tab.get_by_role("button", name="Load Selected").wait_for(timeout=SECONDS * 1000)
        yield Watched(player, viewer, tab, run)
    finally:
        tab.close()
        player.end()
        loop.join()
        viewer.close()
        player.close()


def test_it_is_stepped_because_somebody_looks(watched):
    watched.until(lambda: watched.player.steps > 20, "steps")
    watched.until(lambda: watched.says("600 steps trained"), "the trained steps")
    assert watched.says("Auto: follows the newest checkpoint")
    lengths = watched.player.stage.lengths
    assert len(lengths) == 2
    where = os.environ.get(PICTURE)
    if where:
        watched.player.post(lambda: watched.player.begin(0))
        watched.tab.get_by_role("button", name="Close").or_(
            watched.tab.locator(".mantine-Notification-closeButton")
        ).first.click()
        watched.tab.wait_for_timeout(8000)  # the scene fades in
        watched.tab.screenshot(path=where, timeout=SECONDS * 1000)


def test_names_of_files_are_text(watched):
    watched.until(lambda: watched.says(watched.run.path.name), "the run's name")
    assert watched.tab.locator("img[src=x]").count() == 0
    assert watched.tab.title() != "run"


def test_another_checkpoint_is_found_and_loaded_without_a_restart(watched):
    before = watched.player.steps
    watched.tab.get_by_label("Filter").or_(watched.tab.get_by_role("textbox").first).first.fill("model_200")
    boxes = watched.tab.get_by_label("Checkpoints", exact=True)
    watched.until(lambda: "model_200_steps" in boxes.input_value(), "the filtered list")
    watched.click("Load Selected")
    watched.until(lambda: watched.slot.trained_steps == 200, "the checkpoint")
    watched.until(lambda: watched.says("200 steps trained"), "its words")
    assert watched.slot.shown == watched.run.checkpoint(200)
    assert watched.says("Manual: stays with the chosen checkpoint")
    assert watched.player.steps >= before


def test_auto_follows_the_training_again(watched):
    watched.click("Auto")
    watched.until(lambda: watched.slot.trained_steps == 600, "the newest checkpoint")
    shutil.copy(watched.run.checkpoint(400), watched.run.path / "new.tmp")
    (watched.run.path / "new.tmp").rename(watched.run.latest)
    watched.until(lambda: watched.slot.trained_steps == 400, "what the training wrote")
    watched.until(lambda: watched.says("400 steps trained"), "its words")
    watched.click("Manual")
    watched.until(lambda: watched.slot.mode == "manual", "manual")
    watched.click("Auto")


def test_pause_and_a_single_step(watched):
    watched.click("Pause")
    steps = watched.settled()
    watched.until(lambda: watched.says("Go on"), "the button's new name")
    assert watched.player.steps == steps
    watched.click("Single step")
    watched.until(lambda: watched.player.steps > steps, "one step")
    assert watched.player.steps == steps + 2
    watched.click("Go on")
    watched.until(lambda: watched.player.steps > steps + 4, "going on")


def test_speed_and_reset(watched):
    watched.choose("Speed", "0.25×")
    watched.until(lambda: watched.player.pace.speed == 0.25, "the speed")
    seed = watched.tab.get_by_label("Seed", exact=True)
    seed.fill("7")
    seed.press("Enter")
    watched.until(lambda: watched.player.stage.setting.seed == 7, "the seed")


def test_the_robots_follow_a_person(watched):
    world, before = watched.player.stage.world, watched.player.steps
    slider = watched.tab.get_by_text("forward (m/s)").locator("xpath=ancestor::*[.//*[@role='slider']][1]")
    slider = slider.get_by_role("slider").first

    def shown() -> float:
        return float(slider.get_attribute("aria-valuenow"))

    drawn = float(world.command[0, 0])
    watched.until(lambda: shown() == pytest.approx(float(world.command[0, 0]), abs=0.02), "the world's command")
    assert world.told is None, "showing it commands nobody"
    slider.focus()
    for _ in range(10):
        watched.tab.keyboard.press("ArrowRight" if drawn < 0 else "ArrowLeft")
    watched.until(lambda: world.told is not None and abs(float(world.told[0]) - drawn) > 0.1, "the slider's value")
    watched.until(watched.tab.get_by_label("Command the robots").is_checked, "the page's word that a person commands")
    np.testing.assert_allclose(world.command[:, 0].numpy(), float(world.command[0, 0]))
    assert watched.player.steps >= before
    watched.tab.get_by_label("Command the robots").uncheck(timeout=SECONDS * 1000)
    watched.until(lambda: world.told is None, "the world's own commands")


def test_slots_are_compared(watched):
    table = watched.tab.inner_text("table >> nth=0")
    assert "random" in table
    assert watched.run.path.name in table
    watched.choose("Slot", "2: random")
    watched.until(lambda: watched.says("random agent, without a checkpoint"), "the other slot")
    watched.choose("Slot", f"1: {watched.run.path.name}")
    watched.until(lambda: watched.says("Load Selected"), "the first slot")


def test_a_film_of_the_page(watched):
    watched.click("Record")
    film = watched.viewer
    watched.until(lambda: film._film is not None and film._film.frames >= 3, "frames")
    watched.click("Stop recording")
    watched.until(lambda: film._film is None, "the end of the film")
    (path,) = watched.run.videos.glob("*.mp4")
    watched.until(lambda: watched.says(f"videos/{path.name}"), "the film's name")
    assert_film(path)


def test_the_keys_pause_and_end(watched):
    watched.tab.mouse.click(200, 600)
    watched.tab.keyboard.press("p")
    watched.until(lambda: watched.player.paused, "pause")
    watched.tab.keyboard.press("Escape")
    watched.until(watched.player.ended.is_set, "the end")


def assert_film(path: Path) -> None:
    """H.264 as browsers play it, with something to be seen."""
    reader = imageio_ffmpeg.read_frames(str(path))
    meta = next(reader)
    assert (meta["codec"], meta["pix_fmt"].partition("(")[0]) == ("h264", "yuv420p")
    width, height = meta["size"]
    frame = np.frombuffer(next(reader), np.uint8).reshape(height, width, 3)
    assert frame.std() > 5
    reader.close()
