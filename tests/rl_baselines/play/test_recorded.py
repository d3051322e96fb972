"""Recordings without a browser: the time line, what is found and refused, what is said and drawn of a moment."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_baselines import play
from rl_baselines.play.recorded.library import find_library
from rl_baselines.play.recorded.reel import Reel
from rl_baselines.play.recorded.timeline import Timeline
from rl_baselines.play.recorded.words import moment_label, values
from rl_baselines.recordings import recorder
from rl_baselines.recordings.files import read_recording, write_recording
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from tests.rl_baselines.play.conftest import Clock
from tests.rl_baselines.recordings.drawing import record


class Looking:
    """A viewer of a reel."""

    looks = True

    def watched(self) -> bool:
        return self.looks

    def show(self, reel: Reel, now: float) -> None:
        pass


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run folder with recordings of two moments of two mobile robots; tests leave it as it is."""
    run = RunFolder(tmp_path_factory.mktemp("recorded") / "logs" / "robot_1")
    run.recordings.mkdir(parents=True)
    run.args.write_text("command: none\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "MAX_STEPS", 6)
        for steps in (900, 12_000):
            made = record("MobileRobotGymEnv-v0", 2, steps=steps, seed=steps, env_kwargs={"srl_model": "ground_truth"})
            write_recording(run.recording(steps), made)
    return run


def test_the_time_line_plays_stops_and_begins_again() -> None:
    line = Timeline(10, 0.5)
    line.advance(0.0)
    line.toggle()
    for now in (1.0, 1.4, 2.0):
        line.advance(now)
    assert line.step == 2, "a second of the clock is two steps"
    line.speed = 4.0
    line.advance(2.5)
    assert line.step == 6
    line.rest()
    line.advance(100.0)
    assert line.step == 6, "nobody looked"
    line.advance(103.0)
    assert (line.step, line.playing) == (10, False)
    line.toggle()
    assert (line.step, line.playing) == (0, True)
    line.again = True
    line.advance(0.0)
    line.advance(1.5)
    assert (line.step, line.playing) == (2, True)
    line.go_to(99)
    assert (line.step, line.playing) == (10, False)
    line.resize(4, 0.5)
    assert line.step == 4


def test_a_reel_shows_the_newest_moment_first_and_others_on_demand(recorded: RunFolder) -> None:
    clock, viewer = Clock(), Looking()
    reel = Reel(find_library(str(recorded.path), Path("logs")), clock=clock)
    assert (reel.path, reel.recording.trained_steps) == (recorded.recording(12_000), 12_000)
    reel.turn(viewer)
    clock.sleep(2.01 * reel.recording.step_seconds)
    reel.turn(viewer)
    assert reel.scenery.step == 2
    viewer.looks = False
    clock.sleep(100.0)
    reel.turn(viewer)
    assert reel.scenery.step == 2
    reel.post(lambda: reel.pick(1))
    reel.post(lambda: reel.choose(recorded.recording(900)))
    reel.turn(viewer)
    assert (reel.scenery.numbers, reel.scenery.step, reel.version) == ([1], 2, 2)
    reel.pick(None)
    reel.choose(recorded.recording(12_000))
    assert reel.scenery.numbers == [0, 1], "all of them stay all"
    reel.choose(recorded.recording(7))
    assert "is missing" in reel.problem
    assert reel.path == recorded.recording(12_000), "what was shown stays"


def test_a_moment_has_its_picture_and_its_values(recorded: RunFolder) -> None:
    reel = Reel(find_library(str(recorded.recordings), Path("logs")))
    trajectory = reel.recording.trajectories[0]
    reel.scenery.step = 3
    said = values(reel.scenery)
    assert f"last reward {trajectory.rewards[2]:.3f} · return so far {trajectory.rewards[:3].sum():.2f}" in said
    assert "step 3 of 6" in said
    (third,) = reel.scenery.images()
    reel.scenery.step = 4
    (fourth,) = reel.scenery.images()
    assert third is not None
    assert fourth is not None
    assert third.shape == (240, 240, 3)
    assert not np.array_equal(third, fourth), "nothing moves"
    reel.scenery.step = 0
    assert "last reward –" in values(reel.scenery)
    reel.pick(None)
    reel.scenery.step = 6
    assert values(reel.scenery).count("cut") == 2


def test_the_list_of_moments_grows_with_the_training(recorded: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(recorded.path, tmp_path / "run"))
    library = find_library(str(run.path), tmp_path)
    assert [moment_label(path) for path in library.paths()] == ["900 steps", "12,000 steps"]
    shutil.copy(run.recording(900), run.recording(20_000))
    (run.recordings / "step_2.tmp.npz").touch()
    assert [moment_label(path) for path in library.paths()][2:] == ["20,000 steps"]


def test_without_a_window_it_is_summed_up(recorded: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["--recording", str(recorded.path), "--viewer", "none"]
    assert play.main([*line, "--json"]) == 0
    first, second = (json.loads(each) for each in capsys.readouterr().out.splitlines())
    assert (first["trained_steps"], second["trained_steps"]) == (900, 12_000)
    assert first["recording"] == str(recorded.recording(900))
    wanted = read_recording(recorded.recording(900)).trajectories
    assert [each["return"] for each in first["trajectories"]] == [each.episode_return for each in wanted]
    assert play.main([*line[:1], str(recorded.recording(900)), *line[2:]]) == 0
    assert f"1: return {wanted[0].episode_return:.2f}, 6 steps, cut" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["nothing.npz"], "there is no recording nothing.npz"),
        (["nowhere"], "no run at nowhere"),
        (["RUN", "--run", "random"], "--recording shows what was recorded; leave out --run"),
        (["RUN", "--num-envs", "2"], "leave out --num-envs"),
        (["RUN", "--speed", "max"], "at a speed from 0.01 to 100"),
        (["TEXT"], "is damaged"),
        (["EMPTY"], "has no recordings; train with --record-trajectories"),
    ],
)
def test_what_can_not_be_shown_is_one_sentence(
    recorded: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "args.yaml").touch()
    places: dict[str, Any] = {"RUN": recorded.path, "TEXT": "text.npz", "EMPTY": "empty"}
    with pytest.raises(UserError, match=sentence) as raised:
        play.main(["--recording", *(str(places.get(flag, flag)) for flag in flags)])
    assert "\n" not in str(raised.value)
