"""SB3's ``progress.csv``, continued by a resumed run."""

import csv
import io
from pathlib import Path

from stable_baselines3.common.logger import CSVOutputFormat

from srl3.files import atomic_path

STEPS_COLUMN = "time/total_timesteps"


class ResumableCSV(CSVOutputFormat):
    """SB3's CSV output that keeps the rows of an earlier part of the run.

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
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]  # a run that was killed may end in half a row
    reader = csv.DictReader(io.StringIO(whole))
    rows = [row for row in reader if row.get(STEPS_COLUMN) and float(row[STEPS_COLUMN]) <= keep_steps]
    return list(reader.fieldnames or []), rows
