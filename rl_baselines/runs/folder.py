"""Run folders: the only place that knows the file names in them."""

import dataclasses
import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from srl3.errors import UserError
from srl3.files import make_folder, remove_empty, write_text
from srl3.formats.yaml import read_mapping
from srl3.os_errors import NO_LOCKS, broken_link

DEFAULT_LOG_DIR = Path("logs")
_CHECKPOINT = re.compile(r"model_(\d+)_steps\.zip")
_RECORDING = re.compile(r"step_(\d+)\.npz")
LATEST_LINK = "latest"
"""in a log folder: a link to its newest run"""


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
    def policy(self) -> Path:
        """the exported policy, of ``best_model`` where ``--export`` writes it"""
        return self.path / "policy.onnx"

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
    def checkpoint_state(self) -> Path:
        """which checkpoint is being watched (`rl_baselines.play`)"""
        return self.checkpoint_state_of(1)

    def checkpoint_state_of(self, place: int) -> Path:
        """The same of one of several slots that show this run side by side, counted from 1 on."""
        return self.path / (".checkpoint_state.json" if place == 1 else f".checkpoint_state_{place}.json")

    @property
    def mirror_lock(self) -> Path:
        """held by the process that mirrors this run from another machine"""
        return self.path / ".mirror.lock"

    @property
    def videos(self) -> Path:
        """films"""
        return self.path / "videos"

    @property
    def recordings(self) -> Path:
        """trajectories that the training recorded"""
        return self.path / "recordings"

    def recording(self, steps: int) -> Path:
        """Of the policy that had learned from so many steps."""
        return self.recordings / f"step_{steps}.npz"

    def all_recordings(self) -> list[Path]:
        """Every recording that is there, lowest step first."""
        return _numbered(self.recordings, _RECORDING)

    @property
    def states(self) -> Path:
        """moments that `rl_baselines.play` saved"""
        return self.path / "states"

    @property
    def cross_evaluation(self) -> Path:
        """returns in several tasks, which ``--perform-cross-evaluation-cc`` notes"""
        return self.path / "cross_evaluation.npz"

    @property
    def plots(self) -> Path:
        """figures"""
        return self.path / "plots"

    @property
    def learning_curve(self) -> Path:
        """the learning curve as a picture"""
        return self.plots / "learning_curve.png"

    @property
    def forgetting_curves(self) -> Path:
        """returns in several tasks as a picture"""
        return self.plots / "forgetting.png"

    def checkpoint(self, steps: int) -> Path:
        """The checkpoint written at ``steps``."""
        return self.checkpoints / f"model_{steps}_steps.zip"

    def numbered(self) -> list[Path]:
        """What ``--save-freq`` wrote, lowest step first."""
        return numbered_checkpoints(self.checkpoints)

    def all_checkpoints(self) -> list[Path]:
        """Every checkpoint that is there: the latest, the best, the numbered ones from the highest on."""
        found = [path for path in (self.latest, self.best_model) if path.is_file()]
        return [*found, *reversed(self.numbered())]

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

        Where the file system has no locks, a warning says so and nothing is held.

        Raises:
            UserError: when it is held.
        """
        with self.log.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"{self.path} is being trained by another process; wait for it, or stop it.") from None
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                said = f"warning: {self.path} is on a file system without locks: let no second training go on in it."
                print(said, file=sys.stderr, flush=True)
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
        return read_mapping(path, f"see whether {self.path} is a whole run")


def check_writable(log_dir: Path) -> None:
    """Raise `UserError` unless folders can be made under ``log_dir``; makes nothing."""
    if (broken := broken_link(log_dir.absolute())) is not None:
        raise UserError(f"{broken} is a link to {os.readlink(broken)}, which does not exist; choose another --log-dir.")
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


def make_run_folder(path: Path) -> RunFolder:
    """Make the folder of a new run at ``path``, or with a number after it: an existing one is never taken.

    Where it can't be made, nothing is left.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    make_folder(path.parent)
    for number in range(1, 1000):
        numbered = path if number == 1 else path.with_name(f"{path.name}_{number}")
        try:
            numbered.mkdir()
        except FileExistsError:
            continue
        except OSError:
            remove_empty(missing)
            raise
        return RunFolder(numbered)
    raise UserError(f"{path} exists a thousand times over; choose another name.")


def remove_run(run: RunFolder, kept: Path) -> None:
    """Remove the folder of a run that never began, and the folders above it, up to ``kept``, that are now empty."""
    shutil.rmtree(run.path)
    folder = run.path.parent
    while folder != kept and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def link_latest(run: RunFolder, log_dir: Path) -> None:
    """Let ``<log-dir>/latest`` point to this run; nothing happens where there are no links, or something else is."""
    link = log_dir / LATEST_LINK
    temporary = log_dir / f".{LATEST_LINK}.{os.getpid()}.tmp"
    if link.exists() and not link.is_symlink():
        return
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.path.relpath(run.path, log_dir), target_is_directory=True)
        temporary.replace(link)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def unlink_latest(run: RunFolder, log_dir: Path) -> None:
    """Remove ``<log-dir>/latest`` where it points to this run."""
    link = log_dir / LATEST_LINK
    if link.is_symlink() and link.resolve() == run.path.resolve():
        link.unlink()


def numbered_checkpoints(folder: Path) -> list[Path]:
    """``model_<steps>_steps.zip`` in ``folder``, lowest number first."""
    return _numbered(folder, _CHECKPOINT)


def _numbered(folder: Path, name: re.Pattern[str]) -> list[Path]:
    """Files whose name is one of these, with a number in it, lowest number first."""
    if not folder.is_dir():
        return []
    matches = [(match, path) for path in folder.iterdir() if (match := name.fullmatch(path.name))]
    return [path for match, path in sorted(matches, key=lambda pair: int(pair[0].group(1)))]
