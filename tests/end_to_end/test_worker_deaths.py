"""A training whose worker dies, or whose environment raises: it says so and ends with its checkpoints whole."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.runs.run_folder import find_runs
from tests.end_to_end.conftest import environment
from tests.end_to_end.test_interrupts import KUKA, Training, hidden_files, steps


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Callable[[str], Training]]:
    """``training(flags)`` starts ``train`` in an empty folder."""
    started: list[Training] = []

    def make(flags: str) -> Training:
        started.append(Training(tmp_path, flags))
        return started[-1]

    yield make
    for each in started:
        each.kill()


def children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and (folder / "stat").read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(folder.name))
        except OSError:
            continue  # it has just ended
    return found


def test_kill_9_of_a_worker_ends_the_run_with_its_checkpoints(training):
    started = training(f"{KUKA} --seed 40 --hyperparam n_steps:32 --num-timesteps 1e6 --no-vis")
    started.wait_until_saved()
    workers = [pid for server in children(started.process.pid) for pid in children(server)]
    assert workers
    os.kill(workers[-1], signal.SIGKILL)
    assert started.end() == 1
    run = started.run
    assert "of KukaButtonGymEnv-v0 (seed" in started.output
    assert "42) was ended by SIGKILL" in started.output
    assert f"--resume {run.path.relative_to(started.folder)} (what it saved is whole)" in started.output
    assert "Traceback" not in started.output
    reached = steps(run.latest)
    assert reached % 96 == 0
    assert hidden_files(run.path) == []

    resumed = training(f"--resume {run.path} --no-vis")
    resumed.wait_until_saved(after_step=reached)
    resumed.send(signal.SIGTERM)
    assert resumed.end() == 143


def test_an_environment_that_raises_ends_the_run_with_its_checkpoints(tmp_path):
    code = (
        "import sys\n"
        "import rl_baselines.vec_envs.create\n"
        "from rl_baselines import train\n"
        "from tests.rl_baselines.toy_workers import FailingSpec\n"
        "if __name__ == '__main__':\n"
        "    rl_baselines.vec_envs.create.EnvSpec = FailingSpec\n"
        "    sys.exit(train.main(sys.argv[1:]))\n"
    )
    flags = f"{KUKA} --seed 40 --hyperparam n_steps:32 --num-timesteps 1e6 --no-vis --no-progress"
    done = subprocess.run(
        [sys.executable, "-c", code, *flags.split()],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "error: environment 1 of KukaButtonGymEnv-v0 (seed 41) raised an error:\nTraceback" in done.stderr
    assert "in failing" in done.stderr
    (run,) = find_runs(tmp_path / "logs")
    assert load_checkpoint(run.latest).info.num_timesteps == 96
    assert f"go on with --resume {run.path.relative_to(tmp_path)}" in done.stderr
    assert hidden_files(run.path) == []
