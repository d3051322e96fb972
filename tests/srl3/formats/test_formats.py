"""Damaged files of every format: one sentence, or set aside."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from srl3.errors import UserError
from srl3.formats import csv, json, npz, yaml
from srl3.formats.damage import DamagedFile, read_or_set_aside

ADVICE = "make it again"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, a=np.arange(1000), b=np.ones((2, 2)))
    return path


def test_whole_files_are_read(tmp_path: Path, archive: Path):
    arrays = npz.read_arrays(archive, ADVICE, needs=("a", "b"))
    assert arrays["a"].tolist() == list(range(1000))
    assert arrays["b"].shape == (2, 2)
    (tmp_path / "a.yaml").write_text("a: 1\nb: [x, y]\n")
    assert yaml.read_mapping(tmp_path / "a.yaml", ADVICE, needs="ab") == {"a": 1, "b": ["x", "y"]}
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert json.read_mapping(tmp_path / "a.json", ADVICE) == {"a": 1}
    (tmp_path / "a.csv").write_text('x,y\n1,"2,3"\n4,5\n6')
    assert csv.read_table(tmp_path / "a.csv", ADVICE) == (["x", "y"], [{"x": "1", "y": "2,3"}, {"x": "4", "y": "5"}])
    (tmp_path / "empty.csv").write_text("")
    assert csv.read_table(tmp_path / "empty.csv", ADVICE) == ([], [])


@pytest.mark.parametrize("kept", [0, 1, 30, 100, 400, -1])
def test_an_archive_cut_anywhere_is_damaged(archive: Path, kept: int):
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(DamagedFile, match=r"arrays.npz is damaged \(.*\); make it again\."):
        npz.read_arrays(archive, ADVICE)


def test_an_archive_with_a_changed_byte_is_damaged(archive: Path):
    content = bytearray(archive.read_bytes())
    content[200] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DamagedFile):
        npz.read_arrays(archive, ADVICE)


def test_pickles_and_single_arrays_are_refused(tmp_path: Path):
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    with pytest.raises(DamagedFile, match="pickle"):
        npz.read_arrays(tmp_path / "objects.npz", ADVICE)
    with (tmp_path / "single.npz").open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(DamagedFile):
        npz.read_arrays(tmp_path / "single.npz", ADVICE)
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as opened:
        opened.writestr("a.npy", b"no array")
    with pytest.raises(DamagedFile):
        npz.read_arrays(tmp_path / "zip.npz", ADVICE, needs=("b",))


def test_missing_names_are_named(tmp_path: Path, archive: Path):
    with pytest.raises(DamagedFile, match="it lacks c, d"):
        npz.read_arrays(archive, ADVICE, needs=("a", "c", "d"))
    (tmp_path / "a.yaml").write_text("a: 1\n")
    with pytest.raises(DamagedFile, match="it lacks b"):
        yaml.read_mapping(tmp_path / "a.yaml", ADVICE, needs=("a", "b"))


@pytest.mark.parametrize("content", [b"a: [1", b"", b"- 1\n", b"text", b"\xff\xfe\x00", b"1: 2\n", b"a: \x00\n"])
def test_damaged_yaml(tmp_path: Path, content: bytes):
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(DamagedFile) as raised:
        yaml.read_mapping(tmp_path / "a.yaml", ADVICE)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b'{"a": ', b"", b"[]", b"\xff", b"[" * 100_000])
def test_damaged_json(tmp_path: Path, content: bytes):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DamagedFile):
        json.read_mapping(tmp_path / "a.json", ADVICE)


@pytest.mark.parametrize("content", [b"a,b\n1\n", b"a,b\n1,2,3\n", b"a,b\n\xff,1\n", b"a,a\n1,2\n", b"a,b\n\x00,1\n"])
def test_damaged_csv(tmp_path: Path, content: bytes):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DamagedFile):
        csv.read_table(tmp_path / "a.csv", ADVICE)


def test_a_missing_file_and_a_folder_are_no_damage(tmp_path: Path):
    with pytest.raises(UserError, match=r"none\.npz is missing; make it again") as raised:
        npz.read_arrays(tmp_path / "none.npz", ADVICE)
    assert not isinstance(raised.value, DamagedFile)
    with pytest.raises(UserError, match="is a folder, where a file is wanted") as raised:
        yaml.read_mapping(tmp_path, ADVICE)
    assert not isinstance(raised.value, DamagedFile)


def test_side_files_are_set_aside_with_a_warning(archive: Path, capsys: pytest.CaptureFixture[str]):
    def read(path: Path) -> object:
        return npz.read_arrays(path, ADVICE)

    assert set(read_or_set_aside(archive, read)) == {"a", "b"}
    for name in ("arrays.npz.damaged", "arrays.npz.damaged2"):
        archive.write_bytes(b"PK")
        assert read_or_set_aside(archive, read) is None
        assert (archive.parent / name).read_bytes() == b"PK"
        err = capsys.readouterr().err
        assert err.startswith(f"warning: {archive} is damaged (")
        assert err.endswith(f"): set aside as {name}.\n")
    assert read_or_set_aside(archive, read) is None
    assert capsys.readouterr().err == ""
