"""Studies: what they are of, which trials count, and trials that are given back."""

import subprocess
import sys
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState

from rl_baselines.search.studies.liveness import is_dead, this_worker
from rl_baselines.search.studies.study import (
    DEATHS,
    DEFAULT,
    GIVEN_BACK,
    REASON,
    WORKER,
    counts,
    give_back_dead,
    open_study,
    place_of,
    run_again,
    tame_optuna,
)
from srl3.errors import UserError

GOING_ON = SimpleNamespace(requested=False)
A2C_DEFAULTS = {"learning_rate": 7e-4, "n_steps": 5, "gamma": 0.99, "ent_coef": 0.01, "normalize_advantage": False}


@pytest.fixture(autouse=True)
def quiet():
    tame_optuna()


def opened(plan):
    return open_study(plan, GOING_ON, print)


def dead_worker():
    """A worker of this machine that has ended."""
    code = "from rl_baselines.search.studies.liveness import this_worker; import json; print(json.dumps(this_worker()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return __import__("json").loads(done.stdout)


def test_the_default_parameters_are_trial_0(make_plan):
    study, _ = opened(make_plan())
    (first,) = study.trials
    assert (first.number, first.state, first.user_attrs) == (0, TrialState.WAITING, {DEFAULT: True})
    fixed = first.system_attrs["fixed_params"]
    assert {name: fixed[name] for name in A2C_DEFAULTS} == A2C_DEFAULTS
    again, _ = opened(make_plan())
    assert len(again.trials) == 1


@pytest.mark.parametrize(
    ("flags", "sides"),
    [
        (["--algo", "ppo2"], "algo a2c, and this search has ppo2"),
        (["--env", "MobileRobot1DGymEnv-v0", "--srl-model", "ground_truth"], "env MobileRobotGymEnv-v0, and this"),
        (["--random-target"], "env-kwargs random_target False, and this search has True"),
        (["--num-timesteps", "400"], "num-timesteps 300, and this search has 400"),
        (["--hyperparam", "gamma:0.9"], "search space gamma .*, and this search has none"),
        (["--num-cpu", "2"], "hyperparameter n_envs 1, and this search has 2"),
        (["--seed", "3"], "seed 0, and this search has 3"),
    ],
)
def test_a_study_of_something_else_is_refused_with_both_sides(make_plan, flags, sides):
    opened(make_plan())
    with pytest.raises(UserError, match=f"the study 'study' in sqlite:///.*study.db has {sides}.*--study-name"):
        opened(make_plan(*flags))


def test_a_study_over_another_space_is_refused_with_both_ranges(make_plan, tmp_path):
    opened(make_plan())
    space = tmp_path / "space.yaml"
    space.write_text("n_steps: {int: [4, 8]}")
    with pytest.raises(UserError, match=r"search space n_steps \{log_int: \[4, 256\]\}, and this search has \{int: "):
        opened(make_plan("--search-space", str(space)))


def test_another_sampler_or_more_trials_go_on_with_a_study(make_plan):
    study, _ = opened(make_plan("--n-trials", "3"))
    finish(study)
    again, _ = opened(make_plan("--n-trials", "9", "--sampler", "random", "--pruner", "none", "--n-jobs", "2"))
    assert again.study_name == study.study_name
    assert [trial.state for trial in again.trials] == [trial.state for trial in study.trials]


def finish(study, *, state=TrialState.COMPLETE, **attributes):
    trial = study.ask()
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
    if state is not TrialState.RUNNING:
        study.tell(trial, 1.0 if state is TrialState.COMPLETE else None, state=state)
    return trial.number


def test_trials_that_another_one_replaces_do_not_count():
    study = optuna.create_study()
    finish(study)
    finish(study, state=TrialState.PRUNED)
    finish(study, state=TrialState.FAIL, **{REASON: "ValueError: nan"})
    finish(study, state=TrialState.RUNNING)
    given_back = finish(study, state=TrialState.FAIL, **{REASON: "stopped", GIVEN_BACK: True})
    silent = finish(study, state=TrialState.FAIL)
    study.enqueue_trial({"x": 1})
    assert [counts(trial) for trial in study.trials] == [True] * 4 + [False] * 3
    assert place_of(given_back, study.trials) == 4
    assert place_of(silent + 2, study.trials) == 5, "the one that waits comes first"


def test_a_trial_given_back_runs_again_with_its_parameters():
    study = optuna.create_study()
    study.enqueue_trial({"x": 0.25, "y": 2}, user_attrs={DEFAULT: True})
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    study.tell(trial, state=TrialState.FAIL)
    run_again(study, study.trials[0])
    again = study.ask()
    assert (again.suggest_float("x", 0, 1), again.suggest_int("y", 1, 3)) == (0.25, 2)
    assert again.user_attrs == {DEFAULT: True}
    study.tell(again, 1.0)
    unbegun = study.ask()
    study.tell(unbegun, state=TrialState.FAIL)
    run_again(study, study.trials[-1])
    assert study.trials[-1].number == unbegun.number, "nothing was drawn, so nothing is repeated"


def test_trials_of_dead_workers_run_again_up_to_three_deaths(make_plan):
    dead = dead_worker()
    study, storage = opened(make_plan())
    for deaths in (1, 2):
        trial = study.ask()
        trial.set_user_attr(WORKER, dead)
        assert trial.user_attrs[DEFAULT]
        give_back_dead(study, storage)
        assert [trial.state for trial in study.trials[-2:]] == [TrialState.FAIL, TrialState.WAITING]
        assert study.trials[-1].user_attrs == {DEFAULT: True, DEATHS: deaths}
        assert not any(map(counts, study.trials))
    study.ask().set_user_attr(WORKER, dead)
    give_back_dead(study, storage)
    assert study.trials[-1].state is TrialState.FAIL
    assert study.trials[-1].user_attrs[REASON] == "its worker died, 3 times (out of memory?)"
    assert [counts(trial) for trial in study.trials] == [False, False, True]


def test_trials_of_living_and_of_distant_workers_are_left_alone(make_plan):
    study, storage = opened(make_plan())
    study.ask().set_user_attr(WORKER, this_worker())
    study.ask().set_user_attr(WORKER, {**dead_worker(), "place": "another machine"})
    give_back_dead(study, storage)
    assert [trial.state for trial in study.trials] == [TrialState.RUNNING] * 2


def test_a_process_number_that_was_given_again_is_another_worker():
    worker = this_worker()
    assert not is_dead(worker)
    assert is_dead({**worker, "started": int(worker["started"]) - 1})
    assert not is_dead({})
