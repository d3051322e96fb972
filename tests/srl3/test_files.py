"""Files that are whole or not there at all."""

import errno
import os
import stat
import subprocess
import sys
import tempfile

import pytest

from srl3.errors import UserError
from srl3.files import atomic_path, check_takes_files, check_target, write_text


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_previous_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail_halfway() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with path.open() as reader, atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_kill_leaves_the_previous_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = (
        "import sys, time\n"
        "from srl3.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    print('written', flush=True)\n"
        "    time.sleep(60)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"written\n"
    writer.kill()
    writer.wait()
    writer.stdout.close()
    assert path.read_text() == "old"


def test_others_may_read_it_as_with_open(tmp_path):
    previous = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "text")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_text_is_utf_8(tmp_path):
    write_text(str(tmp_path / "a.txt"), "réward 奖励\n")
    assert (tmp_path / "a.txt").read_bytes() == "réward 奖励\n".encode()


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "nowhere" / "a.txt", "text")


def test_a_folder_that_takes_no_files_is_said(tmp_path, monkeypatch):
    check_takes_files(tmp_path, "film.mp4")
    assert list(tmp_path.iterdir()) == []

    def refused(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    with pytest.raises(UserError, match=r"film.mp4 can't be written \(No such file or directory\); choose another"):
        check_takes_files(tmp_path, "film.mp4")


def test_a_target_that_can_not_be_written_is_refused(tmp_path):
    check_target(tmp_path / "a.png", (".png", ".svg"), "-o")
    check_target(tmp_path / "anything")
    for path, message in (
        (tmp_path / "a.txt", r"^-o writes \.png, \.svg; name a file that ends so, not .*a\.txt\.$"),
        (tmp_path / "no" / "a.png", r"^the folder of .*a\.png does not exist; make it first\.$"),
        (tmp_path / "folder.png", r"folder\.png is a folder, where a file is wanted; choose another name\.$"),
    ):
        (tmp_path / "folder.png").mkdir(exist_ok=True)
        with pytest.raises(UserError, match=message):
            check_target(path, (".png", ".svg"), "-o")
