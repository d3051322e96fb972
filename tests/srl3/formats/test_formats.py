"""Damaged files of every format: one sentence, or set aside."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from srl3.errors import UserError
from srl3.formats import csv, json, npz, tensors, text, yaml
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


@pytest.mark.parametrize(
    "tag", ["!!int ''", "!!bool maybe", "!!timestamp soon", "!!python/name:os.system", "2024-13-45", "[" * 2000]
)
def test_values_that_are_none_of_their_kind(tmp_path: Path, tag: str):
    (tmp_path / "a.yaml").write_text(f"a: {tag}\n")
    for read in (yaml.read_mapping, yaml.read_by_hand):
        with pytest.raises(DamagedFile):
            read(tmp_path / "a.yaml", ADVICE)
    with pytest.raises(ValueError, match="is no value that YAML can read"):
        yaml.value_of(tag)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: 1\nb: {c: 1, c: 2}\n", "line 2: 'c' is written twice"),
        (b"a: [1\n", "line 2: "),
        (b"\xff\xfe\x00", "it is not a text file"),
    ],
)
def test_what_a_person_wrote_is_not_called_damaged(tmp_path: Path, content: bytes, reason: str):
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(DamagedFile) as raised:
        yaml.read_by_hand(tmp_path / "a.yaml", ADVICE)
    assert str(raised.value).startswith(f"{tmp_path}/a.yaml is not YAML ({reason}")


def test_a_mapping_merged_into_another_is_not_written_twice(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("base: &base {x: 1, y: 2}\nmine: {<<: *base, x: 3}\n")
    assert yaml.read_by_hand(tmp_path / "a.yaml", ADVICE)["mine"] == {"x": 3, "y": 2}


def test_a_mapped_array_is_read_only(tmp_path: Path, archive: Path):
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    mapped = npz.map_array(tmp_path / "a.npy", ADVICE)
    assert mapped.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not mapped.flags.writeable
    with pytest.raises(DamagedFile, match="not a single array"):
        npz.map_array(archive, ADVICE)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-1])
    with pytest.raises(DamagedFile):
        npz.map_array(tmp_path / "a.npy", ADVICE)


def test_texts_and_lines(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"caf\xc3\xa9\n")
    assert text.read_text(tmp_path / "a.txt", ADVICE) == "café\n"
    (tmp_path / "a.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(DamagedFile, match="it is not a text file"):
        text.read_text(tmp_path / "a.txt", ADVICE)
    assert csv.values_of('1,"2,3",') == ["1", "2,3", ""]
    assert csv.values_of("") == []
    for line, words in (('1,"2', "end of data"), ("x" * 200_000, "larger than field limit")):
        with pytest.raises(ValueError, match=words):
            csv.values_of(line)


def test_tensors_with_any_byte_changed_are_whole_or_damaged(tmp_path: Path):
    path = tmp_path / "a.pth"
    torch.save({"weight": torch.arange(4.0), "step": 3}, path)
    whole = path.read_bytes()
    assert tensors.read_tensors(path, ADVICE)["weight"].tolist() == [0, 1, 2, 3]
    said = 0
    for place in range(0, len(whole), 7):
        content = bytearray(whole)
        content[place] ^= 0xFF
        path.write_bytes(content)
        try:
            tensors.read_tensors(path, ADVICE)
        except DamagedFile:
            said += 1
    assert said > 0


def test_a_missing_file_and_a_folder_are_no_damage(tmp_path: Path):
    with pytest.raises(UserError, match=r"none\.npz is missing; make it again") as raised:
        npz.read_arrays(tmp_path / "none.npz", ADVICE)
    assert not isinstance(raised.value, DamagedFile)
    with pytest.raises(UserError, match="is a folder, where a file is wanted") as raised:
        yaml.read_mapping(tmp_path, ADVICE)
    assert not isinstance(raised.value, DamagedFile)


def test_a_link_to_nothing_is_named(tmp_path: Path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"link is missing, since .*link is a link to what does not exist; make it"):
        json.read_mapping(tmp_path / "link", ADVICE)


def test_a_flag_s_value_with_a_key_twice_says_which():
    with pytest.raises(ValueError, match=r"is no value that YAML can read \('a' is written twice\)"):
        yaml.value_of("{a: 1, a: 2}")


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("-5E-3", -5e-3),
        ("1e6", 1_000_000),
        ("1.5e3", 1500.0),
        (".5e1", 5.0),
        ("1_0e2", 1000),
        ("1e-400", 0.0),
        ("1e400", "1e400"),
    ],
)
def test_exponents_are_numbers_in_files_and_flags(tmp_path: Path, text: str, value: float):
    (tmp_path / "a.yaml").write_text(f"a: {text}\nb: [{text}, 'x1e3', e3, 1e]\nc: '{text}'\n")
    found = yaml.read_by_hand(tmp_path / "a.yaml", ADVICE)
    assert found == {"a": value, "b": [value, "x1e3", "e3", "1e"], "c": text}
    assert type(found["a"]) is type(value)
    assert yaml.value_of(text) == value
