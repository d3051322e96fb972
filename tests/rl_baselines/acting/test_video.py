"""Videos that can't be written: said in one sentence, and nothing half-written."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rl_baselines.acting.video import VideoRecorder
from srl3.errors import UserError
from srl3.os_errors import in_words

ENV: Any = SimpleNamespace(get_images=lambda: [np.zeros((240, 240, 3), np.uint8)])


def test_a_whole_video_is_put_in_place(tmp_path: Path):
    with VideoRecorder(tmp_path / "film.mp4", fps=10) as recorder:
        recorder.record(ENV)
    assert os.listdir(tmp_path) == ["film.mp4"]
    assert (tmp_path / "film.mp4").stat().st_size > 100


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing/film.mp4", "missing does not exist; make it"),
        (f"{'x' * 300}.mp4", "is too long"),
        ("file/film.mp4", "goes through a file"),
    ],
)
def test_a_place_where_nothing_can_be_written(tmp_path: Path, name: str, says: str):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="") as raised, VideoRecorder(tmp_path / name, fps=10):
        pass
    assert says in str(in_words(raised.value))
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_of_that_name(tmp_path: Path):
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises(OSError, match="") as raised, VideoRecorder(tmp_path / "film.mp4", fps=10) as recorder:
        recorder.record(ENV)
    assert in_words(raised.value) == f"{tmp_path}/film.mp4 is a folder, where a file is wanted; choose another name."
    assert os.listdir(tmp_path) == ["film.mp4"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_disk_that_is_full(tmp_path: Path):
    recorder = VideoRecorder(tmp_path / "film.mp4", fps=10)
    noise = np.random.default_rng(0)
    env: Any = SimpleNamespace(get_images=lambda: [noise.integers(0, 256, (240, 240, 3), dtype=np.uint8)])

    def film() -> None:
        with recorder:
            recorder._temporary.unlink()
            recorder._temporary.symlink_to("/dev/full")
            for _ in range(2000):
                recorder.record(env)

    with pytest.raises(UserError, match="can't be written"):
        film()
    assert os.listdir(tmp_path) == []
