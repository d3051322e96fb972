"""The monitor file of a batched world, in the format of `stable_baselines3.common.monitor.Monitor`."""

import json
import time
from pathlib import Path
from typing import Any

from srl3.errors import UserError
from srl3.formats.json import value_of


class MonitorFile:
    """One row per episode: return, length, seconds since the start; what SB3's ``load_results`` reads.

    Args:
        path: the file; its name must end in ``monitor.csv`` for SB3 to find it.
        env_id: written into the header.
        append: go on with the file if there is one, on its clock; a row cut short by a kill is removed, and a file
            that was emptied begins anew.

    Attributes:
        t_start: seconds since the epoch that the rows' times count from.
    """

    def __init__(self, path: Path | str, env_id: str, append: bool = False) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if append and has_head(path):
            self.t_start = _continue(path)
            self._file = path.open("a", encoding="utf-8", newline="\n")
            return
        self.t_start = time.time()
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._file.write(f"#{json.dumps({'t_start': self.t_start, 'env_id': env_id})}\nr,l,t\n")
        self._file.flush()

    def write(self, episodes: list[dict[str, Any]]) -> None:
        """Append these episodes (``r``, ``l``, ``t``) and flush."""
        self._file.write("".join(f"{episode['r']},{episode['l']},{episode['t']}\n" for episode in episodes))
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def has_head(path: Path) -> bool:
    """Whether a file is there that holds more than the beginning of a monitor file's two lines of head."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        lines = [file.readline(), file.readline()]
    cut_short = not lines[0] or (lines[0].startswith(b"#") and not lines[1].endswith(b"\n"))
    return not cut_short


def _continue(path: Path) -> float:
    """Cut what follows the last whole line of ``path``; returns the header's ``t_start``."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    try:
        header, columns = whole.decode("utf-8").splitlines()[:2]
        t_start = float(value_of(header.removeprefix("#"))["t_start"])
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} is not a monitor file that can be continued; move it away.") from None
    if columns != "r,l,t":
        raise UserError(f"{path} has the columns {columns}, not r,l,t; move it away.")
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return t_start
