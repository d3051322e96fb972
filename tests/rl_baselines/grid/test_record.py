"""What is remembered of a grid."""

import json
import subprocess
import sys

import pytest

from rl_baselines.grid.cells import Cell
from rl_baselines.grid.child import Result, write_result
from rl_baselines.grid.record import FINISHED, RUNNING, Entry, GridRecord
from srl3.errors import UserError

CELL = Cell("A-v0", "ground_truth", "ppo2", 3, ("--num-stack", "4"))


def began(record: GridRecord, folder: str) -> None:
    record.logs.mkdir(parents=True, exist_ok=True)
    write_result(record.result(CELL), Result(folder))


def said(record: GridRecord, *lines: str) -> None:
    record.logs.mkdir(parents=True, exist_ok=True)
    with record.log(CELL).open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_what_is_noted_is_read_again(tmp_path):
    record = GridRecord(tmp_path)
    assert record.entry(CELL) is None
    folder = tmp_path / "A-v0" / "ground_truth" / "ppo2" / "26-01-01_00h00_00"
    folder.mkdir(parents=True)
    began(record, "/before/it/was/moved/A-v0/ground_truth/ppo2/26-01-01_00h00_00")
    record.note(CELL, FINISHED, 0)
    again = GridRecord(tmp_path)
    assert again.entry(CELL) == Entry(FINISHED, "A-v0/ground_truth/ppo2/26-01-01_00h00_00", 0)
    assert again.run_folder(CELL) == folder
    again.result(CELL).unlink()
    assert again.run_folder(CELL) == folder, "without the result too"
    assert [path.name for path in tmp_path.glob("*.json*")] == ["pipeline.json"]


def test_the_run_folder_of_the_last_attempt(tmp_path):
    record = GridRecord(tmp_path)
    assert record.run_folder(CELL) is None
    for name in ("first", "second"):
        (tmp_path / "A-v0/ground_truth/ppo2" / name).mkdir(parents=True)
        began(record, f"logs/A-v0/ground_truth/ppo2/{name}")
    record.note(CELL, RUNNING)
    assert record.run_folder(CELL) == tmp_path / "A-v0/ground_truth/ppo2/second"
    (tmp_path / "A-v0/ground_truth/ppo2/second").rmdir()
    assert record.run_folder(CELL) is None, "gone"


def test_the_end_of_a_log(tmp_path):
    record = GridRecord(tmp_path)
    assert record.last_lines(CELL) == []
    said(record, "one", "two", " 1%|\r 2%| drawn again", "four")
    assert record.last_lines(CELL, 3) == ["two", " 2%| drawn again", "four"]


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "runs": {}}', '{"format": 1, "runs": {"x": {"y": 1}}}'])
def test_a_damaged_record(tmp_path, text):
    (tmp_path / "pipeline.json").write_text(text)
    with pytest.raises(UserError, match=r"json (is damaged|has format 2, and).*; move it away to begin the grid anew"):
        GridRecord(tmp_path)


def test_a_log_folder_is_for_one_pipeline_at_a_time(tmp_path):
    record = GridRecord(tmp_path / "logs")
    second = pytest.raises(UserError, match="another pipeline, or a run that one left behind")
    with record.locked(), second, record.locked():
        pass
    with record.locked() as held:
        sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        child = subprocess.Popen(sleeper, stdin=subprocess.PIPE, pass_fds=[held.fileno()])
    try:
        with pytest.raises(UserError, match="left behind"), record.locked():
            pass
    finally:
        child.communicate(b"", timeout=20)
    with record.locked():
        pass
    assert not record.path.exists()


def test_grids_share_a_record(tmp_path):
    record = GridRecord(tmp_path)
    record.note(CELL, FINISHED, 0)
    other = Cell("A-v0", "ground_truth", "ppo2", 3, ())
    record.note(other, RUNNING)
    assert set(json.loads(record.path.read_text())["runs"]) == {CELL.key, other.key}
    assert record.log(CELL) != record.log(other)
