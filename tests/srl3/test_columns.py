"""Tables and paragraphs as wide as the terminal."""

import pytest

from srl3.columns import paragraph, table

HEAD, ROWS = ("name", "empty", "words"), [("first", "", "one two three four five six seven"), ("second", "", "one")]


def test_a_table_that_fits_has_one_line_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert table(HEAD, ROWS, rule=True, indent="  ") == [
        "  name    words",
        "  ------  ---------------------------------",
        "  first   one two three four five six seven",
        "  second  one",
    ]


def test_the_widest_column_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    lines = table(HEAD, ROWS)
    assert lines == ["name    words", "first   one two three four", "        five six seven", "second  one"]


def test_a_narrow_terminal_still_shows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "5")
    words = " ".join(table(HEAD, ROWS)).split()
    assert [word for word in ROWS[0][2].split() if word not in words] == []
    assert "three" in paragraph("one two three", indent="  ")


def test_paragraphs_keep_flags_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = paragraph("train --num-timesteps 500_000 --env-kwargs relative_pos:false", indent="  ", hanging="  ")
    assert text.splitlines() == ["  train --num-timesteps 500_000", "    --env-kwargs relative_pos:false"]
