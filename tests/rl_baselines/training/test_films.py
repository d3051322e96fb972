"""A training films itself by another process, and is the same training."""

import sys

import imageio_ffmpeg
import numpy as np
import pytest

from rl_baselines.acting.film import film_policy
from rl_baselines.runs.monitors import read_run
from srl3.errors import UserError
from tests.rl_baselines.conftest import MOBILE, SMALL


def frames(path) -> list[np.ndarray]:
    reader = imageio_ffmpeg.read_frames(str(path))
    meta = next(reader)
    assert meta["codec"] == "h264"
    assert meta["pix_fmt"].startswith("yuv420p"), "browsers play no other"
    width, height = meta["size"]
    return [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]


def test_films_come_on_the_way_and_at_the_end(small_train, tmp_path):
    filming = ["--video", "--video-interval", "150", "--video-length", "12", "--num-videos", "2"]
    filmed = small_train("--algo", "ppo2", *MOBILE, *SMALL, *filming, log_dir=tmp_path / "filmed")
    plain = small_train("--algo", "ppo2", *MOBILE, *SMALL, log_dir=tmp_path / "plain")
    films = sorted(path.name for path in filmed.videos.iterdir())
    assert films[:2] == ["final_1.mp4", "final_2.mp4"]
    assert films[2:], "no film on the way"
    assert {int(name.removeprefix("step_").removesuffix(".mp4")) for name in films[2:]} <= {150, 200, 300, 350}
    first, second = (frames(filmed.videos / name) for name in films[:2])
    assert len(first) == len(second) == 12
    assert first[0].std() > 10
    assert any(not np.array_equal(first[0], frame) for frame in first[1:]), "nothing moves"
    assert not np.array_equal(first[0], second[0]), "both begin alike"
    assert not plain.videos.exists()
    np.testing.assert_array_equal(read_run(filmed.path).returns, read_run(plain.path).returns)


def test_what_can_not_be_filmed_is_warned_of_once(small_train, tmp_path, capfd, monkeypatch):
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\necho 'error: this machine draws nothing.' >&2\nexit 2\n")
    failing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(failing))
    small_train("--algo", "ppo2", *MOBILE, *SMALL, "--num-videos", "2")
    assert capfd.readouterr().err.count("warning: no film (this machine draws nothing.)") == 1


def test_an_interval_without_films_is_refused(small_train):
    with pytest.raises(UserError, match="give --video too"):
        small_train("--algo", "ppo2", *MOBILE, *SMALL, "--video-interval", "100")


def test_what_is_no_checkpoint_is_not_filmed(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        film_policy(tmp_path / "gone.zip", tmp_path / "film.mp4", 5, 0)
    assert not (tmp_path / "film.mp4").exists()
