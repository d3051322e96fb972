"""The Makefile: what it runs, and when it makes ``.venv``. A shell script stands in for Python and pip."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
echo "$*" >> log
case "$*" in
  --version) echo Python 3.11.7 ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *--editable*) test ! -e broken ;;
esac
"""
OLD_PYTHON = """#!/bin/sh
case "$*" in
  --version) echo Python 3.9.2 ;;
  *) exit 1 ;;
esac
"""
ENVIRONMENT = {"PATH": os.environ["PATH"]}
"""without what an outer make passes on: its ARGS, its flags"""
INSTALL = "--editable .[dev,visdom,box2d,search,postgresql,ray,wandb,mlflow,completion,export,play,hub]"

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def checkout(tmp_path):
    for name in ("Makefile", "constraints.txt", "setup.py"):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (1, 1))
    for name, script in (("python3.11", PYTHON), ("python3.9", OLD_PYTHON)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "PYTHON=./python3.11", *arguments]
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def calls(folder: Path) -> list[str]:
    """What the stand-in for Python was called with since the last look."""
    log = folder / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def installs(folder: Path) -> int:
    return sum(INSTALL in call for call in calls(folder))


def test_help_lists_the_targets(checkout):
    done = make(checkout)
    assert done.returncode == 0
    for target in ("train", "test", "test-slow", "lint", "types", "clean"):
        assert f"  make {target} " in done.stdout
    assert calls(checkout) == []


def test_train_runs_the_main_job_or_what_args_say(checkout):
    make(checkout, "train")
    assert calls(checkout)[-1] == (
        "-m rl_baselines.train --algo ppo2 --env KukaButtonGymEnv-v0 --srl-model ground_truth --num-timesteps 100_000"
    )
    make(checkout, "train", "ARGS=--env MobileRobotGymEnv-v0 --hyperparam 'n_steps:5, 6'")
    assert calls(checkout) == ["-m rl_baselines.train --env MobileRobotGymEnv-v0 --hyperparam n_steps:5, 6"]


def test_the_gate_leaves_out_what_is_slow(checkout):
    make(checkout, "test", "ARGS=tests/srl3")
    gate = calls(checkout)[-1]
    make(checkout, "test-slow", "ARGS=tests/srl3")
    assert calls(checkout) == [gate.replace("tests/srl3", "-m slow tests/srl3")]


def test_the_pinned_pip_comes_first(checkout):
    make(checkout, "venv")
    pip, project = [call for call in calls(checkout) if "pip install" in call]
    assert pip.endswith("--constraint constraints.txt --upgrade pip")
    assert project.endswith(f"--constraint constraints.txt --build-constraint constraints.txt {INSTALL}")


def test_a_whole_installation_is_not_repeated(checkout):
    assert make(checkout, "venv").returncode == 0
    assert installs(checkout) == 1
    assert make(checkout, "venv").returncode == 0
    assert calls(checkout) == []


@pytest.mark.parametrize("changed", ["constraints.txt", "setup.py"])
def test_changed_requirements_are_installed_into_the_same_venv(checkout, changed):
    make(checkout, "venv")
    (checkout / ".venv" / "mine").touch()
    calls(checkout)
    later = (checkout / ".venv" / ".installed").stat().st_mtime + 1
    os.utime(checkout / changed, (later, later))
    make(checkout, "venv")
    assert installs(checkout) == 1
    assert (checkout / ".venv" / "mine").exists()


def test_an_interrupted_installation_starts_afresh(checkout):
    (checkout / "broken").touch()
    assert make(checkout, "test").returncode == 2
    assert "-m pytest" not in " ".join(calls(checkout))
    (checkout / ".venv" / "half").touch()
    (checkout / "broken").unlink()
    assert make(checkout, "venv").returncode == 0
    assert not (checkout / ".venv" / "half").exists()
    assert installs(checkout) == 1


@pytest.mark.skipif(shutil.which("flock") is None, reason="needs flock")
def test_two_at_once_install_once(checkout):
    command = ["make", "PYTHON=./python3.11", "venv"]
    both = [subprocess.Popen(command, cwd=checkout, env=ENVIRONMENT, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert installs(checkout) == 1


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("./python3.9", "error: SRL3 needs Python 3.11 or newer, and ./python3.9 is Python 3.9.2; name another:"),
        ("python2.0", "error: there is no 'python2.0'; install Python 3.11,"),
    ],
)
def test_a_wrong_interpreter_is_one_sentence(checkout, python, sentence):
    done = make(checkout, "train", f"PYTHON={python}")
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(errors) == 1
    assert errors[0].startswith(sentence)
    assert not (checkout / ".venv").exists()


def test_clean_leaves_runs_and_datasets(checkout):
    make(checkout, "venv")
    for name in ("logs", "data", "build"):
        (checkout / name).mkdir()
    make(checkout, "clean")
    assert {path.name for path in checkout.iterdir() if path.is_dir()} == {"logs", "data"}


def test_train_names_what_comes_next(checkout):
    def said(*arguments: str) -> str:
        command = ["make", "--dry-run", "--silent", "train", *arguments]
        return subprocess.run(command, cwd=checkout, env=ENVIRONMENT, capture_output=True, text=True).stdout

    assert (
        """'next, an ant that learns to run in some minutes: make train ARGS="--env Ant --num-timesteps 10e6"'"""
        in said()
    )
    assert "next, an ant" not in said("ARGS=--env Ant")
