"""Run folders: the only place that knows the file names in them, and that finds runs and checkpoints."""

import dataclasses
import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from srl3.errors import UserError
from srl3.files import write_text

DEFAULT_LOG_DIR = Path("logs")
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: ten times as fast"""
_CHECKPOINT = re.compile(r"model_(\d+)_steps\.zip")


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """One run: ``<log-dir>/<env>/<srl-model>/<algo>/<YY-MM-DD_HHhMM_SS>[-suffix]/``."""

    path: Path

    @property
    def args(self) -> Path:
        """every flag as used, and the command line"""
        return self.path / "args.yaml"

    @property
    def plan(self) -> Path:
        """the training's plan, for programs"""
        return self.path / "plan.json"

    @property
    def env_kwargs(self) -> Path:
        """every environment parameter"""
        return self.path / "env_kwargs.yaml"

    @property
    def train_config(self) -> Path:
        """the resolved hyperparameters"""
        return self.path / "train_config.yaml"

    @property
    def versions(self) -> Path:
        """what the run was made with"""
        return self.path / "versions.yaml"

    @property
    def log(self) -> Path:
        """what the console showed"""
        return self.path / "train.log"

    @property
    def progress(self) -> Path:
        """SB3's scalars"""
        return self.path / "progress.csv"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files"""
        return self.path / "tensorboard"

    @property
    def best_model(self) -> Path:
        """the model with the best mean return so far"""
        return self.path / "best_model.zip"

    @property
    def latest(self) -> Path:
        """the newest model; `--resume` goes on from it"""
        return self.path / "latest.zip"

    @property
    def checkpoints(self) -> Path:
        """what ``--save-freq`` writes"""
        return self.path / "checkpoints"

    @property
    def replay_buffer(self) -> Path:
        """the replay buffer of ``latest`` (off-policy algorithms)"""
        return self.path / "replay_buffer.npz"

    def waiting_replay_buffer(self, steps: int) -> Path:
        """A replay buffer whose checkpoint is being written; `replay_buffer` once that is there."""
        return self.path / f"replay_buffer_{steps}.npz"

    def replay_buffer_at(self, steps: int) -> Path | None:
        """The replay buffer of the checkpoint of so many steps; None where there is none of any."""
        files = (self.waiting_replay_buffer(steps), self.replay_buffer)
        return next((path for path in files if path.is_file()), None)

    @property
    def tracking(self) -> Path:
        """which runs of tracking services mirror this one"""
        return self.path / "tracking.yaml"

    @property
    def plots(self) -> Path:
        """figures"""
        return self.path / "plots"

    @property
    def learning_curve(self) -> Path:
        """the learning curve as a picture"""
        return self.plots / "learning_curve.png"

    def checkpoint(self, steps: int) -> Path:
        """The checkpoint written at ``steps``."""
        return self.checkpoints / f"model_{steps}_steps.zip"

    def monitors(self) -> list[Path]:
        """The monitor files, by rank."""
        return sorted(self.path.glob("*.monitor.csv"), key=lambda path: int(path.name.partition(".")[0]))

    def monitor_sizes(self) -> dict[str, int]:
        """Bytes of each monitor file now."""
        return {path.name: path.stat().st_size for path in self.monitors()}

    def truncate_monitors(self, sizes: dict[str, int]) -> None:
        """Cut the monitor files back to what they held at a checkpoint."""
        for path in self.monitors():
            size = sizes.get(path.name, 0)
            if path.stat().st_size > size:
                os.truncate(path, size)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run against a second training in its folder, until the block or this process ends.

        Raises:
            UserError: when it is held.
        """
        with self.log.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"{self.path} is being trained by another process; wait for it, or stop it.") from None
            yield

    def remove_temporaries(self, steps: int | None = None) -> None:
        """Remove what a run that was killed was writing.

        Args:
            steps: those of ``latest``, whose replay buffer is kept.
        """
        kept = None if steps is None else self.waiting_replay_buffer(steps)
        for path in (*self.path.rglob(".*.tmp*"), *self.path.glob("replay_buffer_*.npz")):
            if path != kept:
                path.unlink()

    def write_yaml(self, path: Path, content: Any) -> None:
        """Write ``content`` as YAML in one piece."""
        write_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))

    def read_yaml(self, path: Path) -> dict[str, Any]:
        """Read one of the run's YAML files.

        Raises:
            UserError: when it is missing or damaged.
        """
        try:
            content = yaml.load(path.read_text(encoding="utf-8"), Loader=_SAFE_LOADER)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(f"{path} can't be read ({type(error).__name__}); is {self.path} a whole run?") from None
        if not isinstance(content, dict):
            raise UserError(f"{path} is damaged; is {self.path} a whole run?")
        return content


def check_writable(log_dir: Path) -> None:
    """Raise `UserError` unless folders can be made under ``log_dir``; makes nothing."""
    folder = nearest_existing(log_dir.absolute())
    if not folder.is_dir():
        raise UserError(f"{folder} is a file, not a folder; choose another --log-dir.")
    if not os.access(folder, os.W_OK | os.X_OK) or _read_only(folder):
        raise UserError(f"{folder} may not be written to; choose another --log-dir.")


def nearest_existing(path: Path) -> Path:
    """``path``, or the nearest folder above it that is there."""
    while not path.exists():
        path = path.parent
    return path


def _read_only(folder: Path) -> bool:
    """A folder without any write bit is meant to be left alone, also by root."""
    return not folder.stat().st_mode & 0o222


def new_run_folder(
    log_dir: Path,
    env_id: str,
    srl_model: str,
    algo: str,
    suffix: str | None,
    experiment_name: str | None = None,
) -> RunFolder:
    """Make the folder of a new run; an existing one is never taken.

    Returns:
        ``<log-dir>/<env>/<srl-model>/<algo>/<time>[-suffix]/``, or ``<log-dir>/<experiment-name>_<time>/``.
    """
    if experiment_name is None:
        parent = log_dir / env_id / srl_model / algo
        name = time.strftime("%y-%m-%d_%Hh%M_%S") + (f"-{suffix}" if suffix else "")
    else:
        parent = log_dir
        name = f"{experiment_name}_{time.strftime('%Y-%m-%d_%H-%M-%S')}"
    parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        path = parent / (name if number == 1 else f"{name}_{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return RunFolder(path)
    raise UserError(f"{parent / name} exists a thousand times over; choose another name.")


def remove_run(run: RunFolder, kept: Path) -> None:
    """Remove the folder of a run that never began, and the folders above it, up to ``kept``, that are now empty."""
    shutil.rmtree(run.path)
    folder = run.path.parent
    while folder != kept and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def find_runs(folder: Path) -> list[RunFolder]:
    """The runs in and below ``folder``, oldest first."""
    runs = [RunFolder(Path(root)) for root, _, files in os.walk(folder) if "args.yaml" in files]
    return sorted(runs, key=lambda run: (run.args.stat().st_mtime_ns, run.path.name))


def find_run(spec: str, log_dir: Path = DEFAULT_LOG_DIR) -> RunFolder:
    """The run that ``spec`` names: its folder, one above it (newest run), or part of its name (newest match).

    Raises:
        UserError: for a miss, listing what is there instead.
    """
    path = Path(spec)
    if path.is_file():
        path = path.parent
    if path.name == "checkpoints":
        path = path.parent
    if (path / "args.yaml").is_file():
        return RunFolder(path)
    runs = find_runs(path) if path.is_dir() else _matching_runs(spec, log_dir)
    if not runs:
        raise UserError(f"no run at {spec}; {_what_is_there(path, log_dir)}")
    return runs[-1]


def find_checkpoint(spec: str, log_dir: Path = DEFAULT_LOG_DIR) -> Path:
    """The checkpoint that ``spec`` names.

    A file; a run folder (its best model, else its latest); a folder above runs (its newest run with a
    checkpoint); a ``checkpoints/`` folder (its highest number); part of a run's name (its newest match
    below ``log_dir``); or the S-RL Toolbox's ``…/ppo2.pkl``, which stands for the run folder it is in.

    Raises:
        UserError: for a miss, listing what is there instead.
    """
    path = Path(spec)
    if path.is_file():
        return path
    if path.suffix == ".pkl" and path.parent.is_dir():
        path = path.parent
    if path.is_dir():
        found = _in_folder(path)
    else:
        found = next((file for run in reversed(_matching_runs(spec, log_dir)) for file in _of_run(run)), None)
    if found is None:
        raise UserError(f"no checkpoint at {spec}; {_what_is_there(path, log_dir)}")
    return found


def _in_folder(folder: Path) -> Path | None:
    if (folder / "args.yaml").is_file():
        return next(_of_run(RunFolder(folder)), None)
    numbered = _numbered(folder)
    if numbered:
        return numbered[-1]
    return next((file for run in reversed(find_runs(folder)) for file in _of_run(run)), None)


def _of_run(run: RunFolder) -> Iterator[Path]:
    yield from (path for path in (run.best_model, run.latest) if path.is_file())
    yield from reversed(_numbered(run.checkpoints))


def _numbered(folder: Path) -> list[Path]:
    """``model_<steps>_steps.zip`` in ``folder``, lowest number first."""
    if not folder.is_dir():
        return []
    matches = [(match, path) for path in folder.iterdir() if (match := _CHECKPOINT.fullmatch(path.name))]
    return [path for match, path in sorted(matches, key=lambda pair: int(pair[0].group(1)))]


def _matching_runs(spec: str, log_dir: Path) -> list[RunFolder]:
    """Runs below ``log_dir`` (or the folder that ``spec`` begins with) whose path has ``spec`` in it."""
    wanted = os.path.normpath(spec)
    return [run for run in find_runs(log_dir) if wanted in str(run.path) or wanted in str(run.path.absolute())]


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
