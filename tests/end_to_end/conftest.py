"""Running the real commands: as processes of their own, or their mains in this process, which takes a tenth as long."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from srl3.errors import run_command

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


def environment() -> dict[str, str]:
    """The variables of a command under test: this checkout's code, one thread."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """``command("train", "--algo", …, status=0)`` runs ``python -m rl_baselines.train …`` in an empty folder."""

    def run(name: str, *arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", f"rl_baselines.{name}", *map(str, arguments)],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """``here("train", "--algo", …, status=0)``: the same as `command` by the command's main, in this process."""

    def run(name: str, *arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        argv = [*map(str, arguments)]
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            run_command(main_of(name), argv)
        done = subprocess.CompletedProcess([name, *argv], int(ended.value.code or 0), *capfd.readouterr())
        assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def main_of(name: str) -> Callable[[list[str] | None], int | None]:
    """What ``srl3`` or ``python -m rl_baselines.<name>`` calls."""
    if name == "srl3":
        return importlib.import_module("srl3.cli").dispatch
    return importlib.import_module(f"rl_baselines.{name}").main
