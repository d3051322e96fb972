"""The time line in a browser: it plays, is scrubbed and stopped; other trajectories and moments are chosen."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_baselines.play.recorded.library import find_library
from rl_baselines.play.recorded.reel import Reel
from rl_baselines.recordings import recorder
from rl_baselines.recordings.files import write_recording
from rl_baselines.runs.run_folder import RunFolder
from tests.rl_baselines.recordings.drawing import record

pytest.importorskip("viser", reason="the extra [play] is not installed")

from rl_baselines.play.recorded.page import ALL, RecordedPage
from tests.rl_baselines.play.conftest import SECONDS, Visit

PICTURE, PICTURED = "SRL3_RECORDED_PICTURE", "SRL3_RECORDED_RUN"
"""variables with the name of a file, where the picture of docs/play.md goes, and of the run that it shows"""


class Looked(Visit):
    """A reel in a thread, and its page in Chromium."""

    def __init__(self, reel: Reel, tab: Any) -> None:
        self.reel, self.tab = reel, tab


@pytest.fixture(scope="module")
def looked(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looked]:
    """Two moments of a quadruped's training, three trajectories each, as a visitor finds them."""
    run = RunFolder(tmp_path_factory.mktemp("looked") / "quadruped")
    run.recordings.mkdir(parents=True)
    run.args.write_text("command: none\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "MAX_STEPS", 400)
        for steps in (1_000, 5_000):
            write_recording(run.recording(steps), record("VelocityFlat", 3, steps=steps, seed=steps))
    spec = os.environ.get(PICTURED) or str(run.path)
    reel = Reel(find_library(spec, Path("logs")), speed=0.5)
    reel.timeline.again = True
    viewer = RecordedPage(reel, fps=4)
    loop = threading.Thread(target=reel.run, args=(viewer,))
    loop.start()
    tab = chromium.new_page(viewport={"width": 1000, "height": 800})
    try:
        tab.goto(viewer.address, timeout=SECONDS * 1000)
        tab.get_by_role("button", name="End play").wait_for(timeout=SECONDS * 1000)
        yield Looked(reel, tab)
    finally:
        tab.close()
        reel.end()
        loop.join()
        viewer.close()


def test_it_plays_by_itself_until_it_is_stopped(looked: Looked) -> None:
    looked.until(lambda: looked.reel.timeline.step > 3, "steps")
    looked.until(lambda: looked.says("steps trained"), "what is shown")
    looked.click("Stop")
    looked.until(lambda: not looked.reel.timeline.playing, "stop")
    step = looked.reel.timeline.step
    looked.until(lambda: looked.says(f"step {step} of"), "the moment")
    where = os.environ.get(PICTURE)
    if where:
        looked.reel.post(lambda: looked.reel.timeline.go_to(60))
        looked.tab.locator(".mantine-Notification-closeButton").first.click()
        looked.tab.wait_for_timeout(8000)  # the scene fades in
        looked.tab.screenshot(path=where, timeout=SECONDS * 1000)


def test_it_is_scrubbed(looked: Looked) -> None:
    line, scenery = looked.reel.timeline, looked.reel.scenery
    looked.click("|◀")
    slider = looked.tab.get_by_role("slider").first
    looked.until(lambda: slider.get_attribute("aria-valuenow") == "0", "the beginning")
    slider.focus()

    def one_step_on() -> bool:
        """On a busy machine the page hears of the beginning late, and takes the key back; then it is pressed again."""
        if line.step == 0 and slider.get_attribute("aria-valuenow") == "0":
            slider.press("ArrowRight")
        return line.step == 1

    looked.until(one_step_on, "one step on")
    looked.click("▶")
    looked.until(lambda: line.step == 2, "another one")
    rewards = scenery.shown[0].rewards
    looked.until(lambda: looked.says(f"last reward {rewards[1]:.3f}"), "its reward")
    looked.click("▶|")
    looked.until(lambda: line.step == scenery.length, "the end")
    looked.until(lambda: looked.says(scenery.shown[0].ending), "how it ended")
    assert not line.playing


def test_another_trajectory_and_another_moment(looked: Looked) -> None:
    before = looked.reel.recording.trained_steps
    looked.choose("Trajectory", "2: return")
    looked.until(lambda: looked.reel.scenery.numbers == [1], "the trajectory")
    looked.choose("Training", "1,000 steps")
    looked.until(lambda: looked.reel.recording.trained_steps == 1_000, "the moment")
    assert before == 5_000
    looked.until(lambda: looked.says("1,000 steps trained"), "its words")
    assert looked.reel.scenery.numbers == [1]
    looked.choose("Trajectory", ALL)
    looked.until(lambda: looked.reel.scenery.count == 3, "all of them")
    looked.until(lambda: looked.says("return so far"), "their table")


def test_speed_and_the_end(looked: Looked) -> None:
    looked.choose("Speed", "4×")
    looked.until(lambda: looked.reel.timeline.speed == 4.0, "the speed")
    looked.click("Play")
    looked.until(lambda: looked.reel.timeline.step > 0, "playing")
    assert np.isfinite(looked.reel.scenery.scene_poses()).all()
    looked.click("End play")
    looked.until(lambda: looked.reel.ended, "the end")
