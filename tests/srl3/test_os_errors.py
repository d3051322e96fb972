"""Errors of the file system as one sentence, and bugs left loud."""

import errno
import os
import re
from pathlib import Path

import pytest

from srl3.errors import run_command
from srl3.files import atomic_path, make_folder, write_text
from srl3.os_errors import DISK_FULL, broken_link, in_words


def said(action) -> str | None:
    with pytest.raises(OSError) as raised:
        action()
    return in_words(raised.value)


def test_a_dangling_link_where_a_folder_is_wanted(tmp_path: Path):
    (tmp_path / "link").symlink_to("nowhere")
    wanted = f"{tmp_path}/link is a link to nowhere, which does not exist; make that, or choose another place."
    assert said(lambda: (tmp_path / "link" / "run").mkdir(parents=True)) == wanted
    assert said(lambda: (tmp_path / "link").mkdir(exist_ok=True)) == wanted
    assert said(lambda: write_text(tmp_path / "link" / "file", "")) == wanted


def test_a_file_where_a_folder_is_wanted(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert said(lambda: (tmp_path / "file").mkdir(exist_ok=True)).startswith(
        f"{tmp_path}/file is a file, where a folder is wanted"
    )
    assert "goes through a file" in said(lambda: (tmp_path / "file" / "run").mkdir())


def test_a_folder_where_a_file_is_wanted(tmp_path: Path):
    assert said(lambda: tmp_path.read_text()).startswith(f"{tmp_path} is a folder, where a file is wanted")
    assert said(lambda: write_text(tmp_path, "")).startswith(f"{tmp_path} is a folder, where a file is wanted")


def test_a_name_that_is_too_long(tmp_path: Path):
    sentence = said(lambda: (tmp_path / ("x" * 300)).mkdir())
    assert sentence == f"the name {'x' * 50}… is too long for the file system; choose a shorter one."
    assert said(lambda: write_text(tmp_path / ("x" * 300), "")) == sentence


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs the folder /proc")
def test_a_folder_of_the_kernel_takes_no_files():
    wanted = "/proc/run can't be made: the kernel's own folders take no files; choose another place."
    assert said(lambda: Path("/proc/run").mkdir()) == wanted
    assert said(lambda: write_text("/proc/run", "")) == wanted


def test_a_missing_folder_is_the_users_and_a_missing_file_is_a_bug(tmp_path: Path):
    assert said(lambda: write_text(tmp_path / "missing" / "file", "")).startswith(
        f"the folder {tmp_path}/missing does not exist"
    )
    assert said(lambda: (tmp_path / "file").read_text()) is None


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EACCES, "there may not be read or written"),
        (errno.EROFS, "there is on a read-only file system"),
        (errno.ELOOP, "there is a link that leads back to itself"),
        (DISK_FULL[0], r"the disk is full \(there\)"),
        (DISK_FULL[1], r"the disk is full \(there\)"),
        (errno.EMFILE, "too many files are open"),
    ],
)
def test_other_kinds(number: int, says: str):
    sentence = in_words(OSError(number, os.strerror(number), "there"))
    assert sentence is not None
    assert re.match(says, sentence)


@pytest.mark.parametrize("error", [ConnectionRefusedError(errno.ECONNREFUSED, "no"), OSError("no number")])
def test_what_is_of_the_network_or_unknown_stays_loud(error: OSError):
    assert in_words(error) is None
    with pytest.raises(OSError, match="no"):
        run_command(lambda argv: (_ for _ in ()).throw(error))


def test_a_command_ends_with_status_2_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        run_command(lambda argv: (tmp_path / "file" / "run").mkdir())
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {tmp_path}/file/run goes through a file")


def test_of_folders_that_can_not_be_made_none_is_left(tmp_path: Path):
    with pytest.raises(OSError, match="too long"):
        make_folder(tmp_path / "a" / "b" / ("x" * 300))
    assert list(tmp_path.iterdir()) == []
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_an_error_while_writing_names_the_file_and_leaves_the_previous_one(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    with pytest.raises(OSError, match="full") as raised, atomic_path(path):
        raise OSError(errno.ENOSPC, "full")
    assert raised.value.filename == str(path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("table.csv", "before")]


def test_the_broken_part_of_a_path(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert broken_link(tmp_path / "link" / "a" / "b") == tmp_path / "link"
    assert broken_link(tmp_path / "a") is None
    assert broken_link(tmp_path) is None
