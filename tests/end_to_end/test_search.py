"""Searches as their users run them: several processes on one storage, interruptions, storages that go away."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest

from tests.end_to_end.conftest import Command, environment
from tests.rl_baselines.search import postgresql

WORLD = (
    *("--algo", "a2c", "--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth"),
    *("--env-kwargs", "max_steps:10", "--num-cpu", "2", "--pruner", "none"),
)
SMALL = ("--num-timesteps", "200", "--n-evaluations", "2", "--n-eval-episodes", "2")
LONG = ("--num-timesteps", "100_000_000", "--n-evaluations", "50_000", "--n-eval-episodes", "1")
"""a trial that ends only with the search, and reports all the time"""


SECONDS = 900.0
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
        return self.path.read_text()

    def wait_until(self, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def end(self, seconds: float = SECONDS) -> int:
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it and its workers."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._output.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Search]]:
    started: list[Search] = []

    def make(*flags: str) -> Search:
        started.append(Search(tmp_path, *flags))
        return started[-1]

    yield make
    for search in started:
        search.kill()


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[postgresql.PostgreSQL]:
    with postgresql.server(request.config.cache.mkdir("postgresql")) as running:
        yield running


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def trials(storage: str | optuna.storages.BaseStorage, name: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=name, storage=storage).trials


def journal(path: Path) -> optuna.storages.JournalStorage:
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))


def check_shared(folder: Path, found: list[optuna.trial.FrozenTrial], n_trials: int) -> None:
    """Exactly ``n_trials``, no two alike, by both processes, and both folders tell of all of them."""
    complete = [trial for trial in found if trial.state is optuna.trial.TrialState.COMPLETE]
    assert len(complete) == n_trials
    assert len({str(trial.params) for trial in complete}) == n_trials
    assert len({trial.user_attrs["worker"]["pid"] for trial in complete}) == 2
    assert sum(bool(trial.user_attrs.get("default")) for trial in complete) == 1
    for name in ("one", "two"):
        best = (folder / name / "best.yaml").read_text()
        assert best == best.replace("two", "one") or "two" in best
        assert {row["trial"] for row in rows(folder / name / "trials.csv")} >= {str(trial.number) for trial in complete}


def test_two_machines_share_a_postgresql_server(start, tmp_path, server):
    url = server.new_database("shared")
    flags = (*SMALL, "--storage", url, "--study-name", "shared", "--n-trials", "6")
    searches = [start(*flags, "--log-dir", name) for name in ("one", "two")]
    for search in searches:
        assert search.end() == 0, search.said
        assert "postgresql://…@127.0.0.1" in search.said
        assert "srl3@127" not in search.said
    check_shared(tmp_path, trials(url.replace("://", "+psycopg://"), "shared"), 6)


def test_worker_processes_share_a_journal_file(start, tmp_path):
    search = start(*SMALL, "--storage", "study.log", "--n-trials", "6", "--n-jobs", "2", "--log-dir", "one")
    assert search.end() == 0, search.said
    (tmp_path / "two").symlink_to("one")
    check_shared(tmp_path, trials(journal(tmp_path / "study.log"), "one"), 6)


def test_a_server_that_comes_back_is_waited_for(start, tmp_path, server):
    url = server.new_database("away")
    flags = (*LONG, "--storage", url, "--log-dir", "away", "--n-trials", "2")
    search = start(*flags, "--storage-patience", "60")

    def reports() -> int:
        found = trials(url.replace("://", "+psycopg://"), "away")
        return len(found[0].intermediate_values)

    search.wait_until(lambda: "study 'away'" in search.said)
    search.wait_until(lambda: reports() > 3)
    server.stop()
    try:
        search.wait_until(lambda: "went away" in search.said)
    finally:
        server.start()
    search.wait_until(lambda: "the storage is back" in search.said)
    before = reports()
    search.wait_until(lambda: reports() > before)
    search.process.send_signal(signal.SIGTERM)
    assert search.end() == 143, search.said
    found = trials(url.replace("://", "+psycopg://"), "away")
    assert [trial.state.name for trial in found] == ["FAIL", "WAITING"]
    assert found[0].system_attrs["fixed_params"] == found[1].system_attrs["fixed_params"]


def test_a_server_that_stays_away_ends_the_workers_with_the_reason(start, tmp_path, server):
    url = server.new_database("gone")
    flags = ("--storage", url, "--log-dir", "gone")
    assert start(*SMALL, *flags, "--n-trials", "2").end() == 0
    slow = start(*SMALL, *flags, "--n-trials", "100000", "--n-jobs", "2", "--storage-patience", "2")
    slow.wait_until(lambda: slow.said.count("\ntrial ") >= 2)
    server.stop()
    try:
        assert slow.end() == 2
        (sentence,) = [line for line in slow.said.splitlines() if line.startswith("error: ")]
        assert sentence.startswith("error: the storage postgresql://…@127.0.0.1")
        assert "went away and was waited for" in sentence
        assert "the same command goes on" in sentence
        assert "Traceback" not in slow.said
        refused = start(*SMALL, *flags, "--n-trials", "9")
        assert refused.end() == 2
        assert "error: the storage postgresql://…@127.0.0.1" in refused.said
        assert "refuses: connection failed" in refused.said
    finally:
        server.start()
    said = [line for line in slow.said.splitlines() if line.startswith("trial ")]
    found = trials(url.replace("://", "+psycopg://"), "gone")
    finished = [trial for trial in found if trial.state is optuna.trial.TrialState.COMPLETE]
    assert len(finished) >= 2 + len(said), "every trial that ended is there"
    again = start(*SMALL, *flags, "--n-trials", str(len(finished) + 2))
    assert again.end() == 0, again.said
    found = trials(url.replace("://", "+psycopg://"), "gone")
    complete = [trial for trial in found if trial.state is optuna.trial.TrialState.COMPLETE]
    assert len(complete) == len(finished) + 2
    assert not [trial for trial in found if trial.state is optuna.trial.TrialState.RUNNING]


@pytest.mark.parametrize("n_jobs", ["1", "2"])
def test_ctrl_c_keeps_everything_and_the_same_command_goes_on(start, tmp_path, n_jobs):
    flags = (*SMALL, "--num-timesteps", "4000", "--log-dir", "study", "--n-jobs", n_jobs, "--n-trials")
    search = start(*flags, "500")
    search.wait_until(lambda: search.said.count("\ntrial ") >= 2)
    os.killpg(search.process.pid, signal.SIGINT)  # as a terminal does
    assert search.end() == 130, search.said
    assert "stopped by Ctrl-C" in search.said
    assert "the same command goes on" in search.said
    assert "Traceback" not in search.said
    table = rows(tmp_path / "study" / "trials.csv")
    complete = [row for row in table if row["state"] == "complete"]
    given_back = [row for row in table if row["state"] == "given back"]
    assert len(complete) >= 2
    assert len(given_back) <= int(n_jobs)
    assert (tmp_path / "study" / "best.yaml").is_file()
    again = start(*flags, str(len(complete) + 2))
    assert again.end() == 0, again.said
    after = rows(tmp_path / "study" / "trials.csv")
    assert [row for row in after if row["state"] == "complete"][: len(complete)] == complete
    assert sum(row["state"] == "complete" for row in after) == len(complete) + 2
    columns = ("learning_rate", "n_steps", "gamma", "ent_coef")
    repeated = {tuple(row[name] for name in columns) for row in after if row["state"] == "complete"}
    assert {tuple(row[name] for name in columns) for row in given_back if row["n_steps"]} <= repeated


def test_a_killed_search_goes_on(start, tmp_path):
    search = start(*SMALL, "--log-dir", "study", "--n-trials", "500")
    search.wait_until(lambda: search.said.count("\ntrial ") >= 2)
    search.kill()
    found = trials(f"sqlite:///{tmp_path}/study/study.db", "study")
    finished = [trial for trial in found if trial.state is optuna.trial.TrialState.COMPLETE]
    again = start(*SMALL, "--log-dir", "study", "--n-trials", str(len(finished) + 1))
    assert again.end() == 0, again.said
    states = [trial.state.name for trial in trials(f"sqlite:///{tmp_path}/study/study.db", "study")]
    assert states.count("COMPLETE") == len(finished) + 1
    assert "RUNNING" not in states


def test_what_is_wrong_is_said_in_one_line(command: Command, tmp_path):
    few = (*WORLD, *SMALL, "--n-trials", "1", "--log-dir", "study")
    done = command("hyperparam_search", *few)
    assert "best: trial 0" in done.stdout
    assert (tmp_path / "study" / "study.yaml").is_file()
    for flags, sentence in (
        (("--sampler", "best"), "invalid choice: 'best'"),
        (("--algo", "ppo2"), "has algo a2c, and this search has ppo2"),
        (("--study-name", "other"), "holds the results of study 'study' in sqlite:///study/study.db"),
        (("--storage", "nowhere"), "--storage takes sqlite://…"),
        (("--search-space", "none.yaml"), "can't read the search space none.yaml: No such file or directory"),
    ):
        refused = command("hyperparam_search", *few, *flags, status=2)
        (line,) = refused.stderr.splitlines()
        assert line.startswith("error: ")
        assert sentence in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study"]
