"""Tables in CSV files."""

import csv
import io
from pathlib import Path

from srl3.formats.damage import DamagedFile, damage_is_said


def read_table(path: Path, advice: str) -> tuple[list[str], list[dict[str, str]]]:
    """Column names and rows (texts by column) of a CSV file (UTF-8) with a head.

    A last line without its line break, which a process that was killed leaves, is left out.

    Args:
        path: the file.
        advice: what to do when it can't be read, the second half of the sentence.

    Raises:
        DamagedFile: when it is no text, or a row has more or fewer values than there are columns.
        UserError: when it is missing or may not be read.
    """
    with damage_is_said(path, advice, (csv.Error, ValueError)):
        text = path.read_bytes().decode("utf-8")
        whole = text[: text.rfind("\n") + 1]
        if "\0" in whole:
            raise DamagedFile(path, "it holds bytes that are no text", advice)
        lines = list(csv.reader(io.StringIO(whole, newline="")))
    if not lines:
        return [], []
    names, *body = lines
    if len(set(names)) < len(names):
        raise DamagedFile(path, "two columns have one name", advice)
    for number, row in enumerate(body, start=2):
        if len(row) != len(names):
            raise DamagedFile(path, f"line {number} has {len(row)} values, and there are {len(names)} columns", advice)
    return names, [dict(zip(names, row, strict=True)) for row in body]


def values_of(line: str) -> list[str]:
    """The values of one line, for readers that can do without a damaged one.

    Raises:
        ValueError: when it is no line of a table.
    """
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    return rows[0] if rows else []
