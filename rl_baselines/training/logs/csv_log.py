"""SB3's ``progress.csv``, continued by a resumed run."""

import csv
from pathlib import Path

from stable_baselines3.common.logger import CSVOutputFormat

from srl3.files import atomic_path
from srl3.formats.csv import read_table
from srl3.formats.damage import DamagedFile, read_or_set_aside

STEPS_COLUMN = "time/total_timesteps"
_ADVICE = "the run can do without it"


class ResumableCSV(CSVOutputFormat):
    """SB3's CSV output that keeps the rows of an earlier part of the run; a damaged file is set aside.

    Args:
        path: the file.
        keep_steps: rows up to this many steps are kept; 0 begins a new file.
    """

    def __init__(self, path: Path, keep_steps: int) -> None:
        keys, rows = _read(path, keep_steps) if keep_steps and path.is_file() else ([], [])
        with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, keys, lineterminator="\n")
            if keys:
                writer.writeheader()
                writer.writerows(rows)
        self.file = path.open("r+", encoding="utf-8")
        self.file.seek(0, 2)
        self.keys = keys
        self.separator = ","
        self.quotechar = '"'


def _read(path: Path, keep_steps: int) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and the rows to keep; none of a damaged file, which is set aside."""

    def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
        names, rows = read_table(path, _ADVICE)
        kept = []
        for row in rows:
            for name, text in row.items():
                _check_number(path, name, text)
            if row.get(STEPS_COLUMN) and float(row[STEPS_COLUMN]) <= keep_steps:
                kept.append(row)
        return names, kept

    return read_or_set_aside(path, read) or ([], [])


def _check_number(path: Path, name: str, text: str) -> None:
    try:
        float(text or 0)
    except ValueError:
        raise DamagedFile(path, f"{name} is {text!r}, which is no number", _ADVICE) from None
