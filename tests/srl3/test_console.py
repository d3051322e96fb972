"""``train.log``: what the console showed."""

import sys
from pathlib import Path

import pytest

from srl3.os_errors import DISK_FULL
from srl3.runtime.console import full_disk_said_once, logged_console


def test_both_streams_are_shown_and_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = tmp_path / "train.log"
    with logged_console(log):
        print("begin")
        print("careful", file=sys.stderr)
        sys.stdout.write("in two ")
        sys.stdout.write("parts\n")
    print("after")
    assert capsys.readouterr() == ("begin\nin two parts\nafter\n", "careful\n")
    assert log.read_text() == "begin\ncareful\nin two parts\n"


def test_a_line_that_is_drawn_again_is_logged_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = tmp_path / "train.log"
    with logged_console(log):
        for percent in (10, 50, 100):
            sys.stderr.write(f"\r{percent} %")
        sys.stderr.write("\n")
    assert log.read_text() == "100 %\n"
    assert capsys.readouterr().err == "\r10 %\r50 %\r100 %\n"


def test_a_resumed_run_goes_on_in_its_log(tmp_path: Path):
    log = tmp_path / "train.log"
    for text in ("first", "second"):
        with logged_console(log):
            print(text)
    assert log.read_text() == "first\nsecond\n"


def test_the_log_is_written_line_by_line(tmp_path: Path):
    log = tmp_path / "train.log"
    with logged_console(log):
        print("now")
        assert log.read_text() == "now\n"


def test_the_streams_come_back_after_an_error(tmp_path: Path):
    out, err = sys.stdout, sys.stderr
    with pytest.raises(ZeroDivisionError), logged_console(tmp_path / "train.log"):
        raise ZeroDivisionError
    assert (sys.stdout, sys.stderr) == (out, err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_hides_no_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = tmp_path / "train.log"
    log.symlink_to("/dev/full")
    with logged_console(log):
        print("one")
        print("two", file=sys.stderr)
    out, err = capsys.readouterr()
    assert out == "one\n"
    assert err == f"warning: {log} can't be written (No space left on device), and ends here.\ntwo\n"


@pytest.mark.parametrize(("number", "traceback"), [(DISK_FULL[0], False), (5, True)])
def test_a_thread_on_a_full_disk_prints_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int, traceback: bool
):
    import threading

    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def fail() -> None:
        raise OSError(number, "of no use")

    with full_disk_said_once():
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert ("of no use" in capsys.readouterr().err) is traceback
    assert threading.excepthook is threading.__excepthook__
