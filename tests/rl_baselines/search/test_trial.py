"""Trials: the same training as `train`'s, evaluations beside it, and every way to end."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from optuna.trial import TrialState

from rl_baselines import train
from rl_baselines.acting.evaluation import Evaluation
from rl_baselines.rl_algorithm.a2c import A2CModel
from rl_baselines.runs.run_folder import find_runs
from rl_baselines.search import evaluator, worker
from rl_baselines.search import trial as module
from rl_baselines.search.studies.study import GIVEN_BACK, REASON, open_study, tame_optuna
from rl_baselines.search.trial import SECONDS, DefaultRefused, Objective
from rl_baselines.search.worker import run_trials
from rl_baselines.training import session
from srl3.errors import UserError
from tests.rl_baselines.search.conftest import Recorder, StopAfter

TRIAL_SECONDS = 1.0
"""what a trial may cost beside its training and its evaluations"""


@pytest.fixture(autouse=True)
def quiet():
    tame_optuna()


def run(plan, stop=None):
    """The study after a search, and what its listener was told."""
    listener = Recorder()
    run_trials(plan, stop or StopAfter(), listener)
    study, _ = open_study(plan, StopAfter(), print)
    return study, listener


def test_a_study_has_its_trials_and_goes_on_to_more(make_plan):
    study, listener = run(make_plan("--n-trials", "3", "--pruner", "none"))
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3
    assert [(end.number, end.finished) for end in listener.ends] == [(0, 1), (1, 2), (2, 3)]
    assert all(sorted(trial.intermediate_values) == [150, 300] for trial in study.trials)
    assert all(trial.value == trial.intermediate_values[300] for trial in study.trials)
    assert listener.ends[-1].best == (study.best_value, study.best_trial.number)
    before = study.trials
    study, listener = run(make_plan("--n-trials", "4", "--pruner", "none"))
    assert [end.number for end in listener.ends] == [3]
    assert study.trials[:3] == before


def test_the_same_seed_gives_the_same_study(make_plan):
    def outcome(*flags):
        study, _ = run(make_plan("--n-trials", "3", "--n-startup-trials", "1", *flags, folder=flags[-1]))
        return [(trial.params, trial.state, trial.intermediate_values) for trial in study.trials]

    first = outcome("--study-name", "one")
    assert outcome("--study-name", "two") == first
    assert outcome("--seed", "1", "--study-name", "three") != first


def test_a_trial_is_the_training_that_train_does(make_plan, tmp_path, monkeypatch):
    """Evaluations between the rollouts change nothing: the default's weights are those of `train`."""
    kept = {}
    learn = A2CModel.model_class().learn

    def keeping(self, *args, **kwargs):
        result = learn(self, *args, **kwargs)
        kept["weights"] = {name: value.numpy().copy() for name, value in self.policy.state_dict().items()}
        return result

    monkeypatch.setattr(A2CModel.model_class(), "learn", keeping)
    run(make_plan("--n-trials", "1", "--random-target", "--seed", "5"))
    of_trial = kept.pop("weights")
    flags = "--algo a2c --env MobileRobotGymEnv-v0 --srl-model ground_truth -r --seed 5 --env-kwargs max_steps:10"
    where = ["--num-timesteps", "300", "--log-dir", str(tmp_path / "logs"), "--no-vis", "--no-progress"]
    assert train.main([*flags.split(), *where]) == 0
    assert of_trial.keys() == kept["weights"].keys()
    for name, value in kept["weights"].items():
        assert np.array_equal(of_trial[name], value), name
    assert len(find_runs(tmp_path / "logs")) == 1


def test_every_evaluation_plays_the_same_episodes(make_plan, monkeypatch):
    seen = []
    evaluate = evaluator.evaluate

    def spying(actor, env, *args, **kwargs):
        env.seed(evaluator.EVAL_SEED_OFFSET)
        seen.append(env.reset())
        env.seed(evaluator.EVAL_SEED_OFFSET)
        return evaluate(actor, env, *args, **kwargs)

    monkeypatch.setattr(evaluator, "evaluate", spying)
    run(make_plan("--n-trials", "2", "--pruner", "none", "--random-target", "--hyperparam", "normalize:false"))
    assert len(seen) == 4
    assert all(np.array_equal(observation, seen[0]) for observation in seen)


@pytest.fixture
def second_trial(monkeypatch):
    """``second_trial(error)``: the training of the second trial raises, or what ``error`` returns is its return."""

    def arrange(what):
        count = iter(range(100))
        evaluate = evaluator.evaluate

        def worse(actor, env, *args, **kwargs):
            if next(count) >= 2:  # the default is evaluated twice
                if isinstance(what, Exception):
                    raise what
                return Evaluation([what(actor)], [1], [])
            return evaluate(actor, env, *args, **kwargs)

        monkeypatch.setattr(evaluator, "evaluate", worse)

    return arrange


def to_nan(model):
    next(model.policy.parameters()).data.fill_(float("nan"))
    return 1.0


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (lambda model: float("nan"), "the mean return after 160 steps is nan"),
        (to_nan, "the weights policy.mlp_extractor.policy_net.0.weight became non-finite at step 160"),
        (ZeroDivisionError("by zero\nand more"), "ZeroDivisionError: by zero"),
        (MemoryError(), "MemoryError: no message"),
        (UserError("a replay buffer of 9 steps is too large."), "a replay buffer of 9 steps is too large."),
    ],
)
def test_a_trial_that_fails_keeps_its_reason_and_the_study_goes_on(make_plan, second_trial, what, reason):
    second_trial(what)
    flags = ("--n-trials", "3", "--hyperparam", "n_steps:20")
    study, listener = run(make_plan(*flags))
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.FAIL]
    assert {trial.user_attrs[REASON] for trial in study.trials[1:]} == {reason}
    assert [(end.state, end.reason) for end in listener.ends[1:]] == [("FAIL", reason)] * 2
    if isinstance(what, ZeroDivisionError):
        assert "in worse" in study.trials[1].user_attrs["traceback"]


def test_a_default_that_is_refused_ends_the_search_and_is_kept_for_the_next(make_plan, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(session, "create_envs", lambda *_, **__: (_ for _ in ()).throw(UserError("no Box2D here.")))
        with pytest.raises(DefaultRefused, match=r"no Box2D here\."):
            run(make_plan("--n-trials", "2"))
    study, _ = run(make_plan("--n-trials", "2"))
    assert [trial.state.name for trial in study.trials[:2]] == ["FAIL", "COMPLETE"]
    assert study.trials[0].user_attrs[GIVEN_BACK]
    assert study.trials[1].user_attrs["default"]


def test_impossible_combinations_are_pruned_without_a_training(make_plan, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text("n_steps: {choice: [64]}\nnminibatches: {choice: [64]}\n")
    plan = make_plan("--algo", "ppo2", "--search-space", str(space), "--n-trials", "2", "--num-cpu", "1")
    study, _ = run(plan)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert study.trials[1].user_attrs[REASON].startswith("impossible together: ppo2 normalises advantages over")
    assert SECONDS not in study.trials[1].user_attrs


def test_a_rollout_longer_than_the_trial_is_pruned(make_plan, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text("n_steps: {choice: [301]}\n")
    study, _ = run(make_plan("--search-space", str(space), "--n-trials", "2"))
    assert study.trials[1].user_attrs[REASON] == (
        "impossible together: one rollout of 301 steps is longer than the trial."
    )


def test_a_stopped_trial_is_given_back_and_comes_first_the_next_time(make_plan):
    whole, _ = run(make_plan("--n-trials", "3", "--pruner", "none", folder="whole"))
    plan = make_plan("--n-trials", "3", "--pruner", "none", folder="stopped")
    study, listener = run(plan, StopAfter(600))
    states = [trial.state.name for trial in study.trials]
    assert states[-2:] == ["FAIL", "WAITING"], states
    assert study.trials[-2].user_attrs[REASON] == "the search was stopped"
    assert len(listener.ends) == len(states) - 2 < 3
    study, _ = run(plan)
    complete = [trial for trial in study.trials if trial.state is TrialState.COMPLETE]
    assert [(trial.params, trial.value) for trial in complete[:2]] == [(t.params, t.value) for t in whole.trials[:2]]
    assert len(complete) == 3


def test_no_more_trials_run_than_were_asked_for(make_plan):
    """Two workers that both see one trial missing: the later one gives its own back."""
    plan = make_plan("--n-trials", "2", "--pruner", "none")
    study, _ = run(plan)
    objective = Objective(plan, StopAfter(), lambda share: None)
    study.optimize(objective, n_trials=1, catch=(module.TrialGivenBack,))
    objective.close()
    assert study.trials[-1].state is TrialState.FAIL
    assert study.trials[-1].user_attrs == {REASON: "there were enough trials already", GIVEN_BACK: True}


def test_no_trial_begins_after_the_timeout(make_plan, monkeypatch):
    looks = itertools.count()
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: 0.2 * next(looks)))
    study, listener = run(make_plan("--n-trials", "1000", "--timeout", "0.5"))
    assert [end.number for end in listener.ends] == [0, 1], "begun after 0.2 and 0.4 s, and none after 0.6 s"
    assert study.trials[-1].state.is_finished()


def test_a_rate_that_falls_by_default_falls_in_every_trial(make_plan):
    plan = make_plan("--algo", "ppo2", "--num-timesteps", "9999")
    assert plan.training.settings["learning_rate"].value == "lin_1e-3"
    assert plan.settings({"learning_rate": 0.0005})["learning_rate"].value == "lin_0.0005"
    assert make_plan().settings({"learning_rate": 0.0005})["learning_rate"].value == 0.0005


def test_what_is_fixed_is_not_searched(make_plan, tmp_path):
    plan = make_plan(
        "--algo", "ppo2", "--hyperparam", "batch_size:32", "gamma:0.9", "--num-cpu", "4", "--num-timesteps", "999"
    )
    assert {"nminibatches", "gamma"}.isdisjoint(plan.space)
    assert {name: setting.value for name, setting in plan.settings({"n_epochs": 2}).items()}.items() >= {
        ("batch_size", 32),
        ("gamma", 0.9),
        ("n_envs", 4),
        ("n_epochs", 2),
    }
    space = tmp_path / "space.yaml"
    for line, flags, flag in (
        ("gamma: {uniform: [0.9, 1]}", ("--hyperparam", "gamma:0.9"), "--hyperparam fixes gamma"),
        ("nminibatches: {int: [1, 4]}", ("--hyperparam", "batch_size:8"), "--hyperparam fixes nminibatches"),
        ("n_envs: {int: [1, 4]}", ("--num-cpu", "2"), "--num-cpu fixes n_envs"),
    ):
        space.write_text(line)
        with pytest.raises(UserError, match=flag):
            make_plan("--algo", "ppo2", "--search-space", str(space), *flags)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--algo", "random_agent"], "random_agent leaves nothing to search"),
        (["--algo", "ppo3"], "unknown algorithm 'ppo3'; did you mean"),
        (["--algo", "dqn", "-c"], "dqn takes no continuous actions"),
        (["--sampler", "tpee"], "invalid choice: 'tpee'.*tpe"),
        (["--n-trials", "0"], "'0' is not at least 1"),
        (["--timeout", "-1"], "'-1' is not a number above 0"),
        (["--seed", "-1"], "a search needs a seed to go on with later"),
        (["--n-trials", "3", "--max-eval", "3"], "give one of them"),
        (["--hyperparam", "gama:1"], "unknown hyperparameter of a2c in --hyperparam 'gama'; did you mean gamma"),
        (["--srl-model", "joints"], "MobileRobotGymEnv-v0 does not observe 'joints'"),
        (["--study-name", "x" * 300], "--study-name must have 1 to 200 characters"),
    ],
)
def test_what_is_wrong_with_the_flags_is_said_before_anything_is_written(make_plan, tmp_path, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        make_plan(*flags)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("algo", ["cma-es", "qrdqn", "ars", "recurrent_ppo", "trpo"])
def test_algorithms_of_every_kind_are_searched(make_plan, algo):
    study, _ = run(make_plan("--algo", algo, "--n-trials", "1", "--num-timesteps", "40", "--n-evaluations", "1"))
    assert study.best_value == pytest.approx(study.trials[0].value)


@pytest.mark.parametrize("algo", ["sac", "crossq"])
def test_continuous_algorithms_are_searched(make_plan, algo):
    study, _ = run(make_plan("--algo", algo, "-c", "--n-trials", "1", "--num-timesteps", "40", "--n-evaluations", "1"))
    assert study.trials[0].state is TrialState.COMPLETE


@pytest.mark.slow
def test_a_trial_adds_less_than_a_second_to_its_training(make_plan, record_property):
    study, _ = run(make_plan("--n-trials", "4", "--pruner", "none", "--n-evaluations", "5", "--num-timesteps", "500"))
    costs = []
    for trial in study.trials[1:]:  # the first one makes the evaluation's environment
        spent = trial.user_attrs[SECONDS]
        costs.append(trial.duration.total_seconds() - spent["training"] - spent["evaluation"])
    print(f"a trial costs {np.mean(costs):.3f} s beside its training and evaluations")
    record_property("seconds", costs)
    assert min(costs) < TRIAL_SECONDS


def test_pixels_and_stacked_frames_are_evaluated_as_they_are_trained(make_plan):
    world = ("--env", "MobileRobotGymEnv-v0", "--srl-model", "raw_pixels", "--img-shape", "36x36", "--num-stack", "2")
    study, _ = run(make_plan(*world, "--env-kwargs", "max_steps:5", "--n-trials", "1", "--num-timesteps", "10"))
    assert study.trials[0].state is TrialState.COMPLETE
