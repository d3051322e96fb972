"""What a Ray task does, without Ray."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rl_baselines.grid import ray_cluster
from rl_baselines.grid.ray_cluster import run_job

SLEEPER = (
    "import signal, sys, time; signal.signal(2, lambda *_: sys.exit(130)); print('up', flush=True); time.sleep(60)"
)


@pytest.fixture
def job(tmp_path, monkeypatch):
    """``job(program)`` runs a program in place of train, in a thread whose signals are blocked as Ray blocks them."""
    signals, log = tmp_path / "signals", tmp_path / "log"

    def start_train(arguments, log: Path, result: Path, environment, *, folder):
        with log.open("ab") as output:
            return subprocess.Popen([sys.executable, "-c", *arguments], stdout=output, start_new_session=True)

    monkeypatch.setattr(ray_cluster, "start_train", start_train)

    def start(program: str) -> tuple[threading.Thread, list[int]]:
        answers: list[int] = []

        def task() -> None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            answers.append(run_job((program,), str(log), str(tmp_path / "result"), {}, str(tmp_path), str(signals)))

        thread = threading.Thread(target=task)
        thread.start()
        return thread, answers

    return start


def test_the_exit_status_comes_back(job):
    thread, answers = job("raise SystemExit(3)")
    thread.join(30)
    assert answers == [3]


@pytest.mark.parametrize(("numbers", "status"), [([signal.SIGINT], 130), ([signal.SIGKILL], -9)])
def test_signals_are_handed_on(job, tmp_path, numbers, status):
    thread, answers = job(SLEEPER)
    while "up" not in ((tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""):
        thread.join(0.02)
    (tmp_path / "signals").write_text("".join(f"{number.value}\n" for number in numbers))
    thread.join(30)
    assert answers == [status]


def test_a_job_that_had_not_begun_does_not_begin(job, tmp_path):
    (tmp_path / "signals").write_text("2\n")
    thread, answers = job(SLEEPER)
    thread.join(30)
    assert answers == [130]
    assert not (tmp_path / "log").exists()
