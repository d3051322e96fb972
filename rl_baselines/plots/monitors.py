"""Reading ``N.monitor.csv``, the files in which SB3's monitors note every episode."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srl3.errors import UserError

_SUFFIX = ".monitor.csv"


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


def read_monitor(path: Path | str) -> Episodes:
    """The episodes of one monitor file; ``timesteps`` counts this file's own steps.

    A last line that is still being written is left out. A file that a resumed run goes on with starts
    its clock at 0 again; the times of the parts are put one after the other.

    Raises:
        UserError: for a file that is missing, no monitor file, or damaged (naming the line).
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read ({type(error).__name__}); is it a monitor file?") from None
    lines = text.split("\n")
    lines.pop()  # nothing after the last newline, or a line that is not whole yet
    if not lines:
        return _episodes([], [], [], [])
    if not lines[0].startswith("#"):
        raise UserError(f"{path}, line 1: a monitor file begins with '#{{', not {lines[0][:20]!r}.")
    names = lines[1].strip().split(",") if len(lines) > 1 else ["r", "l", "t"]
    if not {"r", "l", "t"} <= set(names):
        raise UserError(f"{path}, line 2: a monitor file has the columns r,l,t, not {lines[1].strip()!r}.")
    column = {name: index for index, name in enumerate(names)}
    success_column = column.get("is_success")

    returns: list[float] = []
    lengths: list[int] = []
    successes: list[float] = []
    times: list[float] = []
    for number, row in enumerate(csv.reader(lines[2:]), start=3):
        try:
            if len(row) != len(names):
                raise ValueError
            returns.append(float(row[column["r"]]))
            lengths.append(int(row[column["l"]]))
            times.append(float(row[column["t"]]))
            successes.append(_success(row[success_column]) if success_column is not None else np.nan)
        except ValueError:
            raise UserError(
                f"{path}, line {number}: {lines[number - 1].strip()!r} is not an episode; "
                f"a line has {len(names)} values ({','.join(names)})."
            ) from None
    return _episodes(returns, lengths, successes, times)


def read_run(folder: Path | str) -> Episodes:
    """All episodes of a run folder, merged over its monitor files (none gives empty arrays).

    A run's environments step in lockstep, so an episode that ended at step k of one of n files ended
    at step n·k of the training. A file of a batched world holds the episodes of all its worlds in
    the order in which they ended; there the steps of the episodes are added up, which leaves out those in progress.

    Raises:
        UserError: for a damaged monitor file (naming the line).
    """
    paths = sorted(Path(folder).glob(f"*{_SUFFIX}"), key=_rank)
    parts = [read_monitor(path) for path in paths]
    if not parts:
        return _episodes([], [], [], [])
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


def _episodes(returns: list[float], lengths: list[int], successes: list[float], times: list[float]) -> Episodes:
    clock = np.array(times, dtype=np.float64)
    restarts = np.flatnonzero(np.diff(clock) < 0) + 1
    offsets = np.zeros(len(clock))
    offsets[restarts] = clock[restarts - 1]
    steps = np.array(lengths, dtype=np.int64)
    return Episodes(
        timesteps=np.cumsum(steps),
        returns=np.array(returns, dtype=np.float64),
        lengths=steps,
        successes=np.array(successes, dtype=np.float64),
        times=clock + np.cumsum(offsets),
    )


def _success(text: str) -> float:
    named = {"True": 1.0, "False": 0.0, "": np.nan}
    return named[text] if text in named else float(text)


def _rank(path: Path) -> tuple[int, str]:
    rank = path.name.removesuffix(_SUFFIX)
    return (int(rank) if rank.isdecimal() else 1 << 62, path.name)
