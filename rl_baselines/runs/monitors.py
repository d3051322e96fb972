"""Reading ``N.monitor.csv``, the files in which SB3's monitors note every episode."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srl3.errors import UserError
from srl3.formats.csv import values_of
from srl3.formats.text import read_text

_SUFFIX = ".monitor.csv"
_COMMA, _NEWLINE = ord(","), ord("\n")
_DIGIT, _POINT, _MINUS, _SEPARATOR, _OTHER = range(5)
_KINDS = np.full(256, _OTHER, np.uint8)
_KINDS[ord("0") : ord("9") + 1] = _DIGIT
_KINDS[ord(".")], _KINDS[ord("-")], _KINDS[_COMMA], _KINDS[_NEWLINE] = _POINT, _MINUS, _SEPARATOR, _SEPARATOR
_FOLLOWS = np.zeros((5, 5), np.bool_)
"""which kind of byte may follow which in lines of plain decimal numbers"""
_FOLLOWS[_DIGIT, [_DIGIT, _POINT, _SEPARATOR]] = True
_FOLLOWS[[_POINT, _MINUS], _DIGIT] = True
_FOLLOWS[_SEPARATOR, [_DIGIT, _MINUS]] = True


@dataclass(frozen=True)
class Episodes:
    """Episodes in the order in which they ended; every array has shape ``(n_episodes,)``."""

    timesteps: np.ndarray
    """int64: environment steps, over all environments of the run, done when the episode ended"""
    returns: np.ndarray
    """float64: undiscounted sum of the rewards"""
    lengths: np.ndarray
    """int64: environment steps"""
    successes: np.ndarray
    """float64: 1 or 0, nan where the world did not say"""
    times: np.ndarray
    """float64: seconds since the training began when the episode ended"""

    @property
    def count(self) -> int:
        """Number of episodes."""
        return len(self.returns)


OnDamage = Callable[[str], None]
"""takes a sentence that names a damaged file and line"""


def refuse(sentence: str) -> None:
    """An `OnDamage` that raises `UserError`."""
    raise UserError(sentence)


def read_monitor(path: Path | str, on_damage: OnDamage = refuse) -> Episodes:
    """The episodes of one monitor file; ``timesteps`` counts this file's own steps.

    A last line that is still being written is left out. A file that a resumed run goes on with starts
    its clock at 0 again; the times of the parts are put one after the other.

    Args:
        path: the file.
        on_damage: called for each damaged line; where it returns, the line is left out
            (for a damaged head, the whole file).

    Raises:
        UserError: for a file that is missing or no text, and from the default ``on_damage``.
    """
    path = Path(path)
    text = read_text(path, "a monitor file is a text")
    text = text[: text.rfind("\n") + 1]  # without a line that is not whole yet
    first, _, rest = text.partition("\n")
    second, _, body = rest.partition("\n")
    if first and not first.startswith("#"):
        on_damage(f"{path}, line 1: a monitor file begins with '#{{', not {first[:20]!r}.")
        return _NO_EPISODES
    names = second.strip().split(",") if second else ["r", "l", "t"]
    if not {"r", "l", "t"} <= set(names):
        on_damage(f"{path}, line 2: a monitor file has the columns r,l,t, not {second.strip()!r}.")
        return _NO_EPISODES
    if not body:
        return _NO_EPISODES
    table = _all_numbers(body, len(names))
    if table is None or (table[:, names.index("l")] % 1 != 0).any():
        table = _line_by_line(path, body, names, on_damage)
    successes = table[:, names.index("is_success")] if "is_success" in names else np.full(len(table), np.nan)
    returns, lengths, times = (table[:, names.index(name)] for name in ("r", "l", "t"))
    return _episodes(returns, lengths, times, successes)


def monitor_files(folder: Path | str) -> list[Path]:
    """The monitor files of a folder, by rank: ``N.monitor.csv``, ``<name>.monitor.csv`` and ``monitor.csv``."""
    found = Path(folder).glob(f"*{_SUFFIX.removeprefix('.')}")
    return sorted((path for path in found if f".{path.name}".endswith(_SUFFIX)), key=_rank)


def read_run(folder: Path | str, on_damage: OnDamage = refuse) -> Episodes:
    """All episodes of a run folder, merged over its monitor files (none gives empty arrays).

    A run's environments step in lockstep, so an episode that ended at step k of one of n files ended
    at step n·k of the training. A file of a batched world holds the episodes of all its worlds in
    the order in which they ended; there the steps of the episodes are added up, which leaves out those in progress.

    Raises:
        UserError: as `read_monitor`.
    """
    parts = [read_monitor(path, on_damage) for path in monitor_files(folder)]
    if not parts:
        return _NO_EPISODES
    if len(parts) == 1:
        return parts[0]
    timesteps = np.concatenate([part.timesteps * len(parts) for part in parts])
    order = np.argsort(timesteps, kind="stable")
    times = np.concatenate([part.times for part in parts])[order]
    return Episodes(
        timesteps=timesteps[order],
        returns=np.concatenate([part.returns for part in parts])[order],
        lengths=np.concatenate([part.lengths for part in parts])[order],
        successes=np.concatenate([part.successes for part in parts])[order],
        times=np.maximum.accumulate(times) if len(times) else times,
    )


def _all_numbers(body: str, n_columns: int) -> np.ndarray | None:
    """``(n_lines, n_columns)`` of lines that hold numbers only; None where one does not."""
    raw = np.frombuffer(body.encode(), np.uint8)
    separators = raw[(raw == _COMMA) | (raw == _NEWLINE)]
    expected = np.array([_COMMA] * (n_columns - 1) + [_NEWLINE], np.uint8)
    if len(separators) % n_columns or not (separators.reshape(-1, n_columns) == expected).all():
        return None
    try:
        numbers = _plain_numbers(body) if _are_plain(raw) else _any_numbers(body)
    except ValueError:
        return None
    return numbers.reshape(-1, n_columns)


def _are_plain(raw: np.ndarray) -> bool:
    """Whether between all separators stands an optional minus, digits, and perhaps a point and more digits."""
    kinds = np.concatenate([[np.uint8(_SEPARATOR)], _KINDS[raw]])
    if not _FOLLOWS[kinds[:-1], kinds[1:]].all():
        return False
    is_point = kinds[(kinds == _POINT) | (kinds == _SEPARATOR)] == _POINT
    return not (is_point[1:] & is_point[:-1]).any()


def _plain_numbers(body: str) -> np.ndarray:
    """They are the entries of a dense matrix in the Matrix Market's format, for which SciPy has a fast parser.

    It takes a third of the time of `float` on each and a tenth of `numpy.loadtxt`'s, but stops in silence where
    a number goes on in a way that it doesn't know.
    """
    from scipy.io import mmread

    lines = body.replace(",", "\n")
    head = f"%%MatrixMarket matrix array real general\n{lines.count(chr(_NEWLINE))} 1\n"
    return np.asarray(mmread(io.BytesIO((head + lines).encode())))


def _any_numbers(body: str) -> np.ndarray:
    """The same of numbers in any spelling."""
    return np.array([float(number) for number in body[:-1].replace("\n", ",").split(",")])


def _line_by_line(path: Path, body: str, names: Sequence[str], on_damage: OnDamage) -> np.ndarray:
    """The same of lines that may hold texts (0 in the table) or be damaged; nan where there is no success."""
    lines = body.split("\n")[:-1]
    rows = []
    for number, line in enumerate(lines, start=3):
        try:
            row = values_of(line)
            if len(row) != len(names):
                raise ValueError
            rows.append([_value(name, text) for name, text in zip(names, row, strict=True)])
        except ValueError:
            on_damage(
                f"{path}, line {number}: {line.strip()!r} is not an episode; "
                f"a line has {len(names)} values ({','.join(names)})."
            )
    return np.array(rows, dtype=np.float64).reshape(-1, len(names))


def _value(name: str, text: str) -> float:
    if name in ("r", "t"):
        return float(text)
    if name == "l":
        return int(text)
    if name == "is_success":
        named = {"True": 1.0, "False": 0.0, "": np.nan}
        return named[text] if text in named else float(text)
    return 0.0


def _episodes(returns: np.ndarray, lengths: np.ndarray, times: np.ndarray, successes: np.ndarray) -> Episodes:
    restarts = np.flatnonzero(np.diff(times) < 0) + 1
    offsets = np.zeros(len(times))
    offsets[restarts] = times[restarts - 1]
    steps = lengths.astype(np.int64)
    return Episodes(
        timesteps=np.cumsum(steps),
        returns=returns.copy(),
        lengths=steps,
        successes=successes.copy(),
        times=times + np.cumsum(offsets),
    )


_NO_EPISODES = _episodes(*np.empty((4, 0)))


def _rank(path: Path) -> tuple[int, str]:
    rank = path.name.removesuffix(_SUFFIX)
    return (int(rank) if rank.isdecimal() else 1 << 62, path.name)
