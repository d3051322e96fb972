"""Finds runs and checkpoints by what users call them."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rl_baselines.runs.folder import DEFAULT_LOG_DIR, LATEST_LINK, RunFolder, numbered_checkpoints
from rl_baselines.runs.zoo import find_zoo_runs
from srl3.errors import UserError

_OTHER_SPELLING = re.compile(r"(?:(?P<run>.*)/)?nn(?:/(?P<file>[^/]*))?/?")
"""``<run>/nn/<file>.pth``, where other toolboxes keep checkpoints"""
_NUMBERED = re.compile(r"checkpoint_(\d+)\.pth")
_SHOWN = 3
"""runs named when a name means several"""


def find_runs(folder: Path) -> list[RunFolder]:
    """The runs in and below ``folder``, oldest first, each once; links to folders are followed."""
    runs = [RunFolder(path) for path in _run_folders(folder, set())]
    return sorted(runs, key=lambda run: (run.args.stat().st_mtime_ns, run.path.name))


def find_run(spec: str, log_dir: Path = DEFAULT_LOG_DIR) -> RunFolder:
    """The run that ``spec`` names: its folder, one above it (newest run), or part of its name (newest match).

    Raises:
        UserError: for a miss, listing what is there instead.
    """
    path = _path(spec)
    other = _OTHER_SPELLING.fullmatch(os.fspath(path))
    if other and not path.exists():
        return find_run(other["run"] or ".", log_dir)
    if path.is_file():
        path = _without_link(path).parent
    if path.name.isdecimal() and path.parent.name == "checkpoints" and not path.exists():
        path = path.parent
    if path.name == "checkpoints":
        path = path.parent
    if (path / "args.yaml").is_file():
        return RunFolder(path)
    runs = find_runs(path) if path.is_dir() else _matching_runs(spec, log_dir)
    if not runs:
        raise UserError(f"no run at {spec}; {_what_is_there(path, log_dir)}")
    if not path.is_dir():
        _say_which(spec, runs[-1], runs)
    return runs[-1]


def find_checkpoint(spec: str, log_dir: Path = DEFAULT_LOG_DIR) -> Path:
    """The checkpoint that ``spec`` names.

    A file; a run folder (its best model, else its latest); a folder above runs (its newest run with a
    checkpoint); a ``checkpoints/`` folder (its highest number); part of a run's name (its newest match
    below ``log_dir``); a run folder of rl-zoo3, or one above such; the S-RL Toolbox's ``…/ppo2.pkl``, which
    stands for the run folder it is in; or the spellings ``…/nn/latest.pth``, ``…/nn/checkpoint_best.pth``,
    ``…/nn/checkpoint_<steps>.pth`` and ``…/checkpoints/<number>``, which is that of so many steps, else the
    first, second … one.

    Raises:
        UserError: for a miss, listing what is there instead.
    """
    path = _path(spec)
    if path.is_file():
        return _without_link(path)
    other = _OTHER_SPELLING.fullmatch(os.fspath(path))
    if other and not path.exists():
        return _in_other_spelling(spec, other["run"] or ".", other["file"], log_dir)
    if path.name.isdecimal() and path.parent.name == "checkpoints" and not path.exists():
        return _counted(spec, find_run(str(path.parent.parent), log_dir), int(path.name))
    if path.suffix == ".pkl" and path.parent.is_dir():
        path = path.parent
    if path.is_dir():
        found = _in_folder(path)
    else:
        runs = [run for run in _matching_runs(spec, log_dir) if any(_of_run(run))]
        found = next(_of_run(runs[-1]), None) if runs else None
        if runs:
            _say_which(spec, runs[-1], runs)
    if found is None:
        raise UserError(f"no checkpoint at {spec}; {_what_is_there(path, log_dir)}")
    return found


def _path(spec: str) -> Path:
    """The path that a user wrote, ``latest`` being the run that it points to."""
    if not os.fspath(spec).strip():
        raise UserError("the name of a run is empty; give a file, a folder or part of a run's name.")
    path = Path(spec)
    try:
        path = path.expanduser()
    except RuntimeError:  # a home folder of nobody
        return path
    parts = list(path.parts)
    for index, part in enumerate(parts):
        link = Path(*parts[: index + 1])
        if part == LATEST_LINK and link.is_symlink():
            return Path(os.path.normpath(link.parent / os.readlink(link)), *parts[index + 1 :])
    return path


def _run_folders(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Folders of runs, real folders before links to them; one that was seen already is left out."""
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
        folders = [Path(entry.path) for entry in entries if entry.is_dir()]
    except OSError:  # gone, a broken link, or not for us to read
        return
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    if any(entry.name == "args.yaml" for entry in entries):
        yield folder
        return
    for each in folders:
        yield from _run_folders(each, seen)


def _in_other_spelling(spec: str, base: str, file: str | None, log_dir: Path) -> Path:
    run = find_run(base, log_dir)
    if not file:
        found = next(_of_run(run), None)
    elif numbered := _NUMBERED.fullmatch(file):
        found = run.checkpoint(int(numbered[1]))
    else:
        found = {"latest.pth": run.latest, "checkpoint_best.pth": run.best_model}.get(file)
    if found is None or not found.is_file():
        there = ", ".join(str(path.relative_to(run.path)) for path in _of_run(run)) or "no checkpoint yet"
        raise UserError(f"no checkpoint at {spec}; {run.path} has {there}.")
    return found


def _counted(spec: str, run: RunFolder, number: int) -> Path:
    if run.checkpoint(number).is_file():
        return run.checkpoint(number)
    there = run.numbered()
    if 1 <= number <= len(there):
        return there[number - 1]
    names = ", ".join(path.name for path in there) or "no numbered checkpoint"
    raise UserError(f"no checkpoint at {spec}; {run.checkpoints} has {names}.")


def _without_link(path: Path) -> Path:
    """The file of a run by its own name, where ``path`` is a link beside or below it that other systems know."""
    if not path.is_symlink():
        return path
    target = Path(os.path.normpath(path.parent / os.readlink(path)))
    folder = path.parent.parent if path.parent.name == "nn" else path.parent
    return target if target.is_relative_to(folder) and target.is_file() else path


def _in_folder(folder: Path) -> Path | None:
    if (folder / "args.yaml").is_file():
        return next(_of_run(RunFolder(folder)), None)
    numbered = numbered_checkpoints(folder)
    if numbered:
        return numbered[-1]
    own = next((file for run in reversed(find_runs(folder)) for file in _of_run(run)), None)
    return own or next((file for run in reversed(find_zoo_runs(folder)) for file in run.models()), None)


def _of_run(run: RunFolder) -> Iterator[Path]:
    yield from (path for path in (run.best_model, run.latest) if path.is_file())
    yield from reversed(run.numbered())


def _matching_runs(spec: str, log_dir: Path) -> list[RunFolder]:
    """Runs below ``log_dir`` (or the folder that ``spec`` begins with) whose path has ``spec`` in it, oldest first.

    Those whose last part is ``spec`` itself go before others that only contain it.
    """
    wanted = os.path.normpath(spec)
    runs = [run for run in find_runs(log_dir) if wanted in str(run.path) or wanted in str(run.path.absolute())]
    exact = [run for run in runs if f"/{run.path.absolute()}".endswith(f"/{wanted}")]
    return exact or runs


def _say_which(spec: str, taken: RunFolder, runs: Sequence[RunFolder]) -> None:
    """Where a name means several runs: which one is taken, and which others there are."""
    others = [str(run.path) for run in reversed(runs) if run != taken]
    if not others:
        return
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    print(f"'{spec}' is in the names of {len(runs)} runs: taking the newest, {taken.path}", file=sys.stderr)
    print(f"  not {', '.join(others[:_SHOWN])}{more}", file=sys.stderr, flush=True)


def _what_is_there(path: Path, log_dir: Path) -> str:
    """A half sentence for an error: what could have been meant."""
    folder = path
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    if folder in (Path("."), Path("/")) or not find_runs(folder):
        folder = log_dir
    runs = find_runs(folder) if folder.is_dir() else []
    if not runs:
        return f"there are no runs in {log_dir}/ either; train one with python -m rl_baselines.train."
    names = [str(run.path) for run in reversed(runs[-3:])]
    files = [file.name for file in _of_run(runs[-1])]
    without = "" if files else " (which has no checkpoint yet)"
    return f"the newest runs are {', '.join(names)}{without}."
