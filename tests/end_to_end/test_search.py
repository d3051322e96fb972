"""Searches as their users run them: interrupted, killed, and refused."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from rl_baselines import hyperparam_search
from srl3.errors import run_command
from tests.end_to_end.conftest import environment

WORLD = (
    *("--algo", "a2c", "--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth"),
    *("--env-kwargs", "max_steps:10", "--pruner", "none", "--log-dir", "study"),
    *("--num-timesteps", "1500", "--n-evaluations", "2", "--n-eval-episodes", "2"),
)
SECONDS = 200.0
"""longest time that anything here may take on a busy machine"""


class Search:
    """``hyperparam_search`` as a process of its own."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.path = folder / f"output-{time.monotonic_ns()}.txt"
        self._output = self.path.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rl_baselines.hyperparam_search", *WORLD, *flags],
            cwd=folder,
            env=environment(),
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self.path.read_text()

    def wait_for_trials(self, count: int) -> None:
        """Wait until it has told of the end of so many trials."""
        deadline = time.monotonic() + SECONDS
        while self.said.count("\ntrial ") < count:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def end(self) -> int:
        """Wait for its end; gives the exit status."""
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        """End it and its workers."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._output.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Search]]:
    """``start(*flags)`` starts a search in an empty folder."""
    started: list[Search] = []

    def make(*flags: str) -> Search:
        started.append(Search(tmp_path, *flags))
        return started[-1]

    yield make
    for search in started:
        search.kill()


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="study", storage=f"sqlite:///{folder}/study/study.db").trials


def _in_order(params: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(params.items()))


def test_ctrl_c_keeps_everything_and_the_same_command_goes_on(start, tmp_path):
    search = start("--n-jobs", "2", "--n-trials", "500")
    search.wait_for_trials(3)
    os.killpg(search.process.pid, signal.SIGINT)  # as a terminal does: the workers too
    assert search.end() == 130, search.said
    assert "stopped by Ctrl-C" in search.said
    assert "the same command goes on" in search.said
    assert "Traceback" not in search.said
    before = trials(tmp_path)
    states = [trial.state.name for trial in before]
    complete = [trial for trial in before if trial.state.name == "COMPLETE"]
    given_back = [_in_order(trial.params) for trial in before if trial.user_attrs.get("given_back") and trial.params]
    waiting = [_in_order(trial.system_attrs["fixed_params"]) for trial in before if trial.state.name == "WAITING"]
    assert states.count("COMPLETE") >= 3
    assert "RUNNING" not in states
    # each waits once; the second worker may have taken what the first one gave back, before it heard of the stop itself
    assert set(waiting) == set(given_back)
    assert len(waiting) == len(set(waiting)) <= 2
    with (tmp_path / "study" / "trials.csv").open(newline="") as file:
        assert [row["trial"] for row in csv.DictReader(file)] == [str(trial.number) for trial in before]
    files = {"best.yaml", "plots", "study.db", "study.yaml", "trials.csv"}
    assert {path.name for path in (tmp_path / "study").iterdir()} == files

    total = len(complete) + max(1, len(waiting))
    again = start("--n-trials", str(total))
    assert again.end() == 0, again.said
    assert f"going on: {len(complete)} of its trials are there already" in again.said
    after = [trial for trial in trials(tmp_path) if trial.state.name == "COMPLETE"]
    assert len(after) == total
    assert [trial for trial in after if trial in complete] == complete
    assert set(waiting) <= {_in_order(trial.params) for trial in after}


@pytest.mark.slow
def test_a_killed_search_goes_on_and_sigterm_ends_it(start, tmp_path):
    search = start("--n-trials", "500")
    search.wait_for_trials(2)
    search.kill()
    finished = sum(trial.state.name == "COMPLETE" for trial in trials(tmp_path))
    again = start("--n-trials", "500")
    again.wait_for_trials(2)
    again.process.send_signal(signal.SIGTERM)
    assert again.end() == 143, again.said
    states = [trial.state.name for trial in trials(tmp_path)]
    assert states.count("COMPLETE") >= finished + 2
    assert "RUNNING" not in states, "what the killed one was at runs again"


def test_what_is_wrong_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    def run(*flags: str) -> int:
        with pytest.raises(SystemExit) as end:
            run_command(hyperparam_search.main, [*WORLD, "--num-timesteps", "300", "--n-trials", "1", *flags])
        return int(end.value.code or 0)

    monkeypatch.chdir(tmp_path)
    assert run() == 0
    assert "best: trial 0" in capsys.readouterr().out
    for flags, sentence in (
        (("--sampler", "best"), "invalid choice: 'best'"),
        (("--algo", "ppo2"), "has algo a2c, and this search has ppo2"),
        (("--study-name", "other"), "holds the results of study 'study' in sqlite:///study/study.db"),
        (("--storage", "nowhere"), "--storage takes sqlite://…"),
        (("--search-space", "none.yaml"), "none.yaml is missing; --search-space takes lines such as"),
        (("--storage", "mysql://me:secret@host/x", "--log-dir", "b"), "the driver for mysql://…@host/x is missing"),
    ):
        assert run(*flags) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert sentence in line
    (tmp_path / "study" / "study.yaml").write_text("- damaged")
    assert run() == 2
    assert "study/study.yaml is damaged (it holds no mapping of names); move it away" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["study"], "no folder for what was refused"
