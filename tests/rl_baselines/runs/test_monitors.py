"""Reading monitor files."""

from pathlib import Path

import numpy as np
import pytest

from rl_baselines.runs.monitors import read_monitor, read_run
from srl3.errors import UserError

HEAD = '#{"t_start": 1.0, "env_id": "x"}\nr,l,t\n'


def write(folder: Path, text: str, name: str = "0.monitor.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_reads_every_column(tmp_path: Path) -> None:
    episodes = read_monitor(write(tmp_path, HEAD + "1.5,10,0.5\n-2,20,1.25\n"))
    assert episodes.count == 2
    assert episodes.returns.tolist() == [1.5, -2.0]
    assert episodes.lengths.tolist() == [10, 20]
    assert episodes.times.tolist() == [0.5, 1.25]
    assert episodes.timesteps.tolist() == [10, 30]
    assert np.isnan(episodes.successes).all()


def test_reads_success_and_other_columns(tmp_path: Path) -> None:
    text = "#{}\nr,l,t,colour,is_success\n1,2,3,red,True\n1,2,4,blue,False\n1,2,5,,1.0\n"
    assert read_monitor(write(tmp_path, text)).successes.tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("half", ["7", "7.25,1", "7.25,12,", "7.25,12,3.0"])
def test_a_line_still_being_written_is_left_out(tmp_path: Path, half: str) -> None:
    assert read_monitor(write(tmp_path, HEAD + "1,2,3\n" + half)).returns.tolist() == [1.0]


@pytest.mark.parametrize("text", ["", "#{", HEAD[:-3], HEAD])
def test_a_run_that_has_just_begun_has_no_episodes(tmp_path: Path, text: str) -> None:
    assert read_monitor(write(tmp_path, text)).count == 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("r,l,t\n1,2,3\n", 1),
        ("#{}\na,b\n1,2\n", 2),
        (HEAD + "1,2,3\n1,2\n1,2,3\n", 4),
        (HEAD + "1,2,3\n\n1,2,3\n", 4),
        (HEAD + "1,2,3\n1,x,3\n", 4),
        (HEAD + "1,2,3\n1,2,3\n1.0,2.5,3\n", 5),
    ],
)
def test_damage_is_named_by_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError, match=f"0.monitor.csv, line {line}: "):
        read_monitor(path)


@pytest.mark.parametrize("number", ["1-2", "1.2.3", "1e", "--1", "1 2", "1.5x", "", "0x10", "e5", "+-1", "1e5e5", "."])
def test_what_is_no_number_is_damage(tmp_path: Path, number: str) -> None:
    path = write(tmp_path, HEAD + f"1,2,3\n1,2,{number}\n1,2,4\n")
    with pytest.raises(UserError, match=r"0\.monitor\.csv, line 4: "):
        read_monitor(path)


@pytest.mark.parametrize("number", [0.1, 1e-5, -1.5e300, 123456789.123456789, 5e-324, 2.5, -0.0, 1 / 3])
def test_numbers_are_read_to_the_last_bit(tmp_path: Path, number: float) -> None:
    episodes = read_monitor(write(tmp_path, HEAD + f"{number!r},2,3\n" * 3))
    assert episodes.returns.tolist() == [number] * 3


@pytest.mark.parametrize(
    ("text", "value"), [("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf), (" 1 ", 1), ("+2", 2)]
)
def test_other_spellings(tmp_path: Path, text: str, value: float) -> None:
    episodes = read_monitor(write(tmp_path, HEAD + f"1,2,3\n{text},2,3\n"))
    np.testing.assert_equal(episodes.returns, [1, value])


def test_damage_can_be_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    path = write(tmp_path, HEAD + "1,2,3\nx,2,3\n1,2.5,3\n4,2,4\n")
    assert read_monitor(path, said.append).returns.tolist() == [1, 4]
    assert [sentence.partition(": ")[0] for sentence in said] == [f"{path}, line 4", f"{path}, line 5"]
    for text in ("no head\n", "#{}\na,b\n"):
        assert read_monitor(write(tmp_path, text), said.append).count == 0
    assert len(said) == 4


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"1\.monitor\.csv is missing"):
        read_monitor(tmp_path / "1.monitor.csv")
    binary = tmp_path / "2.monitor.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"2\.monitor\.csv is damaged \(it is not a text file\)"):
        read_monitor(binary)


def test_the_clock_of_a_resumed_run_goes_on(tmp_path: Path) -> None:
    episodes = read_monitor(write(tmp_path, HEAD + "1,5,10.0\n1,5,20.0\n1,5,3.0\n1,5,9.0\n1,5,2.0\n"))
    assert episodes.times.tolist() == [10.0, 20.0, 23.0, 29.0, 31.0]


def test_a_run_is_merged_by_lockstep(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "1,10,1\n2,30,4\n")
    write(tmp_path, HEAD + "3,20,2\n4,15,3.5\n", "1.monitor.csv")
    write(tmp_path, HEAD + "", "10.monitor.csv")
    run = read_run(tmp_path)
    assert run.timesteps.tolist() == [30, 60, 105, 120]
    assert run.returns.tolist() == [1.0, 3.0, 4.0, 2.0]
    assert run.lengths.tolist() == [10, 20, 15, 30]
    assert run.times.tolist() == [1.0, 2.0, 3.5, 4.0]


def test_a_folder_without_monitors_is_an_empty_run(tmp_path: Path) -> None:
    run = read_run(tmp_path)
    assert run.count == 0
    assert run.timesteps.dtype == np.int64
