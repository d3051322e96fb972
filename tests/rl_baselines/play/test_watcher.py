"""A changed file is told once, when it is whole, however it is written."""

import os
from pathlib import Path

import pytest

from rl_baselines.play.policies.watcher import Watcher, signature
from srl3.files import write_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "latest.zip"


def test_a_file_is_told_once(path):
    watcher = Watcher(path, settle=0.1)
    assert watcher.look(0.0) is None
    assert not watcher.present
    path.write_bytes(b"one")
    assert watcher.look(1.0) is None
    assert watcher.present
    assert watcher.look(1.1) == signature(path)
    assert watcher.look(1.2) is None


def test_a_file_that_is_written_in_place_is_left_alone_until_it_rests(path):
    watcher = Watcher(path, settle=0.1)
    told = []
    with path.open("wb") as file:
        for part in range(5):
            file.write(b"x" * 1000)
            file.flush()
            told.append(watcher.look(0.05 * part))
    assert told == [None] * 5
    assert watcher.look(0.31) == signature(path)


def test_a_file_that_is_replaced_is_told_again(path):
    watcher = Watcher(path, settle=0.0)
    for number in range(3):
        write_text(path, f"content {number}")
        assert watcher.look(number) == signature(path)
        assert watcher.look(number + 0.5) is None


def test_the_same_size_and_inode_at_another_time_is_another_file(path):
    watcher = Watcher(path, settle=0.0)
    path.write_bytes(b"one")
    os.utime(path, ns=(1, 1))
    first = watcher.look(0.0)
    os.utime(path, ns=(2, 2))
    second = watcher.look(1.0)
    assert first is not None
    assert second is not None
    assert (first.inode, first.size) == (second.inode, second.size)
    assert first != second


def test_a_file_that_goes_and_comes_back(path):
    watcher = Watcher(path, settle=0.0)
    path.write_bytes(b"one")
    assert watcher.look(0.0) is not None
    path.unlink()
    assert watcher.look(1.0) is None
    assert not watcher.present
    path.write_bytes(b"three")
    assert watcher.look(2.0) == signature(path)
