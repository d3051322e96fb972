"""Ctrl-C, SIGTERM, kill -9 and a full disk: what was saved is whole, the run goes on, nothing is left running."""

import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rl_baselines import train
from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.runs.run_folder import RunFolder, find_checkpoint, find_runs
from tests.end_to_end.conftest import environment

KUKA = "--env KukaButtonGymEnv-v0 --srl-model ground_truth --num-cpu 3 --env-kwargs max_steps:20"
MOBILE = "--env MobileRobotGymEnv-v0 --srl-model ground_truth --num-cpu 2 --env-kwargs max_steps:10"
MARK = "SRL3_TEST_MARK"
SECONDS = 150.0
"""longest time that anything here may take on a busy machine"""


class Training:
    """``train`` as a process in a session of its own, as a terminal starts it.

    Attributes:
        process: the training; its children, whatever their group, carry the same mark in their environment.
    """

    def __init__(self, folder: Path, flags: str) -> None:
        self.folder = folder
        self.mark = f"{MARK}={uuid.uuid4()}"
        name, _, value = self.mark.partition("=")
        self._output = (folder / "output.txt").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rl_baselines.train", *flags.split()],
            cwd=folder,
            env={**environment(), name: value},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        """What it has said so far."""
        return (self.folder / "output.txt").read_text()

    @property
    def run(self) -> RunFolder:
        """Its run folder."""
        (run,) = find_runs(self.folder / "logs")
        return run

    @property
    def episodes(self) -> int:
        """How many its environments have finished."""
        monitors = (self.folder / "logs").rglob("*.monitor.csv")
        return sum(max(0, len(path.read_text().splitlines()) - 2) for path in monitors)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that a living training brings about."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.01)

    def wait_until_saved(self, after_step: int = 0) -> None:
        """Wait for a ``latest.zip`` beyond ``after_step``."""

        def saved() -> bool:
            return any(run.latest.is_file() and steps(run.latest) > after_step for run in find_runs(self.folder))

        self.wait_until(saved)

    def send(self, number: signal.Signals, *, to_group: bool = False) -> None:
        """Send a signal."""
        (os.killpg if to_group else os.kill)(self.process.pid, number)

    def end(self) -> int:
        """Wait for its end and that of all that it started; gives the exit status."""
        status = self.process.wait(SECONDS)
        deadline = time.monotonic() + SECONDS
        while left := self.processes():
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.05)
        return status

    def processes(self) -> list[str]:
        """Command lines of the processes that it started and that still run."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdecimal() and self.mark.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it has just ended
        return found

    def kill(self) -> None:
        """End whatever still runs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._output.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Training]]:
    """``start(flags)`` starts ``train`` in an empty folder."""
    started: list[Training] = []

    def make(flags: str) -> Training:
        started.append(Training(tmp_path, flags))
        return started[-1]

    yield make
    for training in started:
        training.kill()


def steps(checkpoint: Path) -> int:
    return load_checkpoint(checkpoint).info.num_timesteps


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def hidden_files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


def test_ctrl_c_in_the_terminal_saves_and_ends_everything_and_the_run_goes_on(start):
    """The terminal sends SIGINT to training and workers alike; then SIGTERM to the resumed training alone."""
    training = start(f"{KUKA} --hyperparam n_steps:32 --port {free_port()}")
    training.wait_until_saved()
    assert sum("visdom_process" in line for line in training.processes()) >= 1
    assert len(training.processes()) > 3
    training.send(signal.SIGINT, to_group=True)
    assert training.end() == 130
    run = training.run
    first = steps(run.latest)
    assert first % (3 * 32) == 0
    assert run.learning_curve.read_bytes().startswith(b"\x89PNG")
    assert "Ctrl-C: finishing this rollout and saving; once more to leave at once." in training.output
    assert f"--resume {run.path.relative_to(training.folder)}" in training.output
    assert "Traceback" not in training.output
    assert "stopped by Ctrl-C" in run.log.read_text()

    resumed = start(f"--resume {run.path} --no-vis")
    resumed.wait_until_saved(after_step=first)
    resumed.send(signal.SIGTERM)
    assert resumed.end() == 143
    assert steps(run.latest) > first
    assert "SIGTERM: finishing this rollout" in resumed.output
    assert "Traceback" not in resumed.output
    assert hidden_files(run.path) == []


def test_sigterm_to_all_processes_at_once_as_a_cluster_sends_it(start):
    training = start(f"{KUKA} --hyperparam n_steps:32 --no-vis")
    training.wait_until_saved()
    training.send(signal.SIGTERM, to_group=True)
    assert training.end() == 143, training.output
    assert steps(training.run.latest) % (3 * 32) == 0
    assert "Traceback" not in training.output


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_twice_leaves_at_once(start, number, status):
    """In the middle of a rollout that would take half an hour more."""
    training = start(f"{KUKA} --hyperparam n_steps:1_000_000 nminibatches:1 --no-vis --num-timesteps 3e6")
    training.wait_until(lambda: training.episodes > 0)
    training.send(number, to_group=number == signal.SIGINT)
    training.wait_until(lambda: "once more to leave at once" in training.output)
    before = training.episodes
    training.wait_until(lambda: training.episodes > before + 3)  # it goes on with its rollout
    training.send(number, to_group=number == signal.SIGINT)
    assert training.end() == status
    assert "Traceback" not in training.output
    assert list(training.run.path.rglob("*.zip")) == hidden_files(training.run.path) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_training_that_has_not_begun_leaves_nothing(start, number, status):
    training = start(f"{KUKA} --no-vis")
    training.wait_until(lambda: any(training.folder.rglob("train.log")))
    training.send(number, to_group=True)
    assert training.end() in (status, -number)  # Python may die of a SIGINT itself, which shells report as 130 too
    assert "Traceback" not in training.output
    assert not (training.folder / "logs").exists() or training.run.latest.is_file()


@pytest.mark.parametrize("tries", [2, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_kill_9_leaves_only_whole_checkpoints_and_the_run_goes_on(start, tries):
    flags = "--hyperparam n_steps:32 n_epochs:1 --save-freq 64 --min-episodes-save 1 --no-vis --num-timesteps 1e7"
    moments = random.Random(0)
    training = start(f"{MOBILE} {flags}")
    seen: set[Path] = set()
    reached = 0
    for _ in range(tries):
        training.wait_until_saved(after_step=reached)
        time.sleep(moments.uniform(0, 1.5))
        training.send(signal.SIGKILL)
        assert training.end() == -signal.SIGKILL
        run = training.run
        reached = steps(run.latest)
        for checkpoint in {run.latest, run.best_model, *set(run.checkpoints.iterdir()) - seen}:
            if checkpoint.suffix == ".zip":
                assert steps(checkpoint) > 0
        seen = set(run.checkpoints.iterdir())
        assert find_checkpoint(str(run.path)) in (run.best_model, run.latest)
        assert find_checkpoint(str(run.checkpoints)).name.startswith("model_")
        training = start(f"--resume {run.path} --no-vis")
    training.wait_until_saved(after_step=reached)
    training.send(signal.SIGTERM)
    assert training.end() == 143
    assert hidden_files(training.run.path) == []


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


FULL_DISKS = [(MOBILE, "--save-freq 64"), pytest.param(KUKA, "--save-freq 96", marks=pytest.mark.slow), (MOBILE, "")]


@pytest.mark.skipif(not may_mount(), reason="needs a file system of its own, which this system does not allow")
@pytest.mark.parametrize(("world", "flags"), FULL_DISKS)
def test_a_full_disk_ends_the_run_with_its_checkpoints(tmp_path, world, flags):
    """On a real file system of 1 MB; without checkpoints it is the logs that fill it."""
    (tmp_path / "logs").mkdir()
    size = "1m" if flags else "200k"
    script = f'mount -t tmpfs -o size={size} none logs && {{ "$@"; status=$?; cp -r logs kept; exit $status; }}'
    command = f"-m rl_baselines.train {world} {flags} --hyperparam n_steps:32 n_epochs:1 --no-vis --no-progress"
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", sys.executable, *command.split()],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 1, done.stderr
    assert "error: the disk is full" in done.stderr
    assert "--resume logs/" in done.stderr
    checkpoints = list((tmp_path / "kept").rglob("*.zip"))
    assert len(checkpoints) >= (3 if flags else 1)
    assert all(steps(checkpoint) > 0 for checkpoint in checkpoints)
    assert hidden_files(tmp_path / "kept") == []


def test_a_disk_that_fills_up_while_saving(tmp_path, monkeypatch, capsys):
    original = Path.write_bytes

    def write_bytes(path: Path, content: bytes) -> int:
        if ".model_" in path.name:
            original(path, content[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return original(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    flags = f"{MOBILE} --hyperparam n_steps:32 --save-freq 200 --num-timesteps 1000 --no-vis --no-progress"
    assert train.main([*flags.split(), "--log-dir", str(tmp_path)]) == 1
    (run,) = find_runs(tmp_path)
    assert "error: the disk is full" in capsys.readouterr().err
    assert steps(run.latest) == 64
    assert [path.name for path in run.path.rglob("*.zip")] == ["latest.zip"]
    assert hidden_files(run.path) == []
    monkeypatch.undo()
    assert train.main(["--resume", str(run.path), "--no-vis", "--no-progress"]) == 0
    assert steps(run.latest) == 1024
