"""Worker processes on a shared storage, and a storage that goes away under a search."""

import os
import signal
import threading
import time

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.processes import run_in_processes
from rl_baselines.search.studies.storage import StorageLost
from rl_baselines.search.studies.study import counts, open_study, tame_optuna
from rl_baselines.search.worker import run_trials
from srl3.errors import UserError
from tests.rl_baselines.search.conftest import Recorder, StopAfter


@pytest.fixture(autouse=True)
def quiet():
    tame_optuna()


def trials_of(plan: SearchPlan) -> list[FrozenTrial]:
    return open_study(plan, StopAfter(), print)[0].trials


def storage_flags(kind: str, request: pytest.FixtureRequest, tmp_path) -> tuple[str, ...]:
    if kind == "journal":
        return ("--storage", str(tmp_path / "study.log"))
    return ("--storage", request.getfixturevalue("server").new_database("shared"))


@pytest.mark.parametrize("kind", ["postgresql", "journal"])
def test_two_processes_share_a_study(make_plan, kind, request, tmp_path):
    """Exactly as many trials as were asked for, no two alike, one default, by both."""
    plan = make_plan("--n-trials", "6", "--n-jobs", "2", "--pruner", "none", *storage_flags(kind, request, tmp_path))
    listener = Recorder()
    assert run_in_processes(plan, StopAfter(), listener)
    trials = [trial for trial in trials_of(plan) if counts(trial)]
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6
    assert len({str(trial.params) for trial in trials}) == 6
    assert len({trial.user_attrs["worker"]["pid"] for trial in trials}) == 2
    assert [bool(trial.user_attrs.get("default")) for trial in trials] == [True] + [False] * 5
    assert sorted(end.number for end in listener.ends) == [trial.number for trial in trials]
    assert max(end.finished for end in listener.ends) == 6
    assert not (plan.folder / "study.db").exists()


def test_two_workers_that_begin_together_make_one_study(make_plan, server):
    plan = make_plan("--storage", server.new_database("together"))
    errors: list[BaseException] = []

    def opening() -> None:
        try:
            open_study(plan, StopAfter(), print)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=opening) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    (default,) = trials_of(plan)
    assert default.state is TrialState.WAITING


def test_a_worker_that_dies_is_noted_and_its_trial_is_repeated(make_plan):
    flags = ("--n-trials", "4", "--n-jobs", "2", "--pruner", "none", "--num-timesteps", "3000")
    plan = make_plan(*flags, "--hyperparam", "n_steps:50")
    study, _ = open_study(plan, StopAfter(), print)  # made before the workers start, as the command does
    killed: list[int] = []

    def half_to_go() -> list[FrozenTrial]:
        """Trials that train and won't end before the signal comes: all is drawn, and none of two evaluations made."""
        running = study.get_trials(states=(TrialState.RUNNING,))
        return [t for t in running if t.params.keys() == plan.space.keys() and not t.intermediate_values]

    def kill_one(count: int) -> None:
        deadline = time.monotonic() + 100
        while not killed:
            for trial in half_to_go()[-1:]:
                killed.append(trial.user_attrs["worker"]["pid"])
                os.kill(killed[0], signal.SIGKILL)
            assert time.monotonic() < deadline
            time.sleep(0.02)

    listener = Recorder(kill_one)
    assert not run_in_processes(plan, StopAfter(), listener)
    (note,) = listener.notes
    assert note in ("worker 1 died (SIGKILL)", "worker 2 died (SIGKILL)")
    trials = study.get_trials()
    assert sum(trial.state is TrialState.COMPLETE for trial in trials) == 4
    (lost,) = [trial for trial in trials if trial.state is TrialState.FAIL]
    assert lost.user_attrs["worker"]["pid"] == killed[0]
    (again,) = [trial for trial in trials if trial.user_attrs.get("deaths")]
    assert again.params == lost.params


def test_a_worker_s_mistake_ends_all_and_is_told(make_plan, tmp_path):
    plan = make_plan("--n-trials", "6", "--n-jobs", "1", "--algo", "maskable_ppo")
    with pytest.raises(UserError, match=r"maskable_ppo needs an environment with action_masks\(\)"):
        run_in_processes(plan, StopAfter(), Recorder())


def test_a_server_that_comes_back_is_waited_for(make_plan, server):
    plan = make_plan("--n-trials", "4", "--pruner", "none", "--storage", server.new_database("back"))
    listener = Recorder(lambda count: go_away() if count == 2 else None)
    timer = threading.Timer(1.5, server.start)

    def go_away() -> None:
        server.stop()
        timer.start()

    try:
        run_trials(plan, StopAfter(), listener)
    finally:
        timer.join()
    away, back = listener.notes
    assert away.startswith("the storage postgresql://…@127.0.0.1")
    assert "went away" in away
    assert back.startswith("the storage is back after")
    trials = trials_of(plan)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert [end.number for end in listener.ends] == [0, 1, 2, 3]


def test_a_server_that_stays_away_ends_the_worker_and_nothing_is_lost(make_plan, server):
    flags = ("--n-trials", "4", "--pruner", "none", "--storage", server.new_database("gone"))
    plan = make_plan(*flags, "--storage-patience", "1.2")
    listener = Recorder(lambda count: server.stop() if count == 2 else None)
    try:
        with pytest.raises(StorageLost, match=r"went away and was waited for \d+ s \(.+\); what had finished is in it"):
            run_trials(plan, StopAfter(), listener)
        with pytest.raises(UserError, match=r"the storage postgresql://…@127\.0\.0\.1:\d+/gone refuses: connection"):
            open_study(plan, StopAfter(), print)
    finally:
        server.start()
    before = [trial for trial in trials_of(plan) if trial.state is TrialState.COMPLETE]
    assert len(before) == 2
    run_trials(plan, StopAfter(), Recorder())
    trials = trials_of(plan)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert trials[:2] == before


def test_a_server_that_goes_away_within_a_trial_has_it_repeated(make_plan, server, monkeypatch):
    flags = ("--n-trials", "3", "--pruner", "none", "--storage", server.new_database("within"))
    plan = make_plan(*flags, "--storage-patience", "1.2")
    report = optuna.Trial.report

    def failing(trial: optuna.Trial, value: float, step: int) -> None:
        if trial.number == 1 and step == 150:
            server.stop()
        report(trial, value, step)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Trial, "report", failing)
        try:
            with pytest.raises(StorageLost):
                run_trials(plan, StopAfter(), Recorder())
        finally:
            server.start()
    monkeypatch.setattr("rl_baselines.search.studies.study.is_dead", lambda worker: True)  # as after this process's end
    run_trials(plan, StopAfter(), Recorder())
    trials = trials_of(plan)
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[2].params == trials[1].params
