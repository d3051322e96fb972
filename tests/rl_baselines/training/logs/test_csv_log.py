"""``progress.csv``, continued by a resumed run."""

import csv
from pathlib import Path

import pytest
from stable_baselines3.common.logger import Logger

from rl_baselines.training.logs.csv_log import STEPS_COLUMN, ResumableCSV


def write(path: Path, keep_steps: int, *records: dict[str, float]) -> None:
    logger = Logger(None, [ResumableCSV(path, keep_steps)])
    for record in records:
        for name, value in record.items():
            logger.record(name, value)
        logger.dump(int(record[STEPS_COLUMN]))
    logger.close()


def rows(path: Path, *columns: str) -> list[tuple[str, ...]]:
    """The table's rows, whatever the order of its columns."""
    with path.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert all(set(row) == set(columns) for row in table)
    return [tuple(row[column] for column in columns) for row in table]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of three rollouts."""
    path = tmp_path / "progress.csv"
    write(path, 0, *({"loss": steps / 100, STEPS_COLUMN: steps} for steps in (50, 100, 150)))
    return path


def test_rows_up_to_the_checkpoint_are_kept(path: Path):
    write(path, 100, {"loss": 9.0, STEPS_COLUMN: 150})
    assert rows(path, "loss", STEPS_COLUMN) == [("0.5", "50"), ("1.0", "100"), ("9.0", "150")]


def test_a_new_run_begins_a_new_file(path: Path):
    write(path, 0, {"loss": 9.0, STEPS_COLUMN: 50})
    assert rows(path, "loss", STEPS_COLUMN) == [("9.0", "50")]


def test_new_columns_are_added_to_kept_rows(path: Path):
    write(path, 50, {"loss": 9.0, "extra": 1, STEPS_COLUMN: 100})
    assert rows(path, "loss", STEPS_COLUMN, "extra") == [("0.5", "50", ""), ("9.0", "100", "1")]


def test_half_a_row_of_a_killed_run_is_dropped(path: Path):
    with path.open("a") as file:
        file.write("2")  # the beginning of a row whose step is 200
    write(path, 150, {"loss": 9.0, STEPS_COLUMN: 200})
    assert rows(path, "loss", STEPS_COLUMN) == [("0.5", "50"), ("1.0", "100"), ("1.5", "150"), ("9.0", "200")]


def test_a_lost_file_is_begun_again(tmp_path: Path):
    write(tmp_path / "progress.csv", 100, {STEPS_COLUMN: 150})
    assert (tmp_path / "progress.csv").read_text() == f"{STEPS_COLUMN}\n150\n"


@pytest.mark.parametrize("damage", [b"0.5,50\nno number,100\n", b"0.5,\xff50\n", b"0.5\n", b"0.5,50,1\n"])
def test_a_damaged_file_is_set_aside(path: Path, damage: bytes, capsys: pytest.CaptureFixture[str]):
    content = f"loss,{STEPS_COLUMN}\n".encode() + damage
    path.write_bytes(content)
    write(path, 100, {"loss": 9.0, STEPS_COLUMN: 150})
    assert rows(path, "loss", STEPS_COLUMN) == [("9.0", "150")]
    assert path.with_name("progress.csv.damaged").read_bytes() == content
    assert f"warning: {path} is damaged (" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"loss,ti"])
def test_an_emptied_file_is_begun_again(path: Path, content: bytes):
    path.write_bytes(content)
    write(path, 100, {"loss": 9.0, STEPS_COLUMN: 150})
    assert rows(path, "loss", STEPS_COLUMN) == [("9.0", "150")]
