"""Samplers and pruners: all work on a mixed space, draw the same again, and prune what is poor."""

import optuna
import pytest
from optuna.trial import TrialState

from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, UniformFloat, UniformInt
from rl_baselines.search.plan import PRUNERS, SAMPLERS
from rl_baselines.search.space import draw
from rl_baselines.search.studies.samplers import make_pruner, make_sampler
from rl_baselines.search.studies.study import tame_optuna

SPACE = {
    "rate": LogFloat(1e-5, 1.0),
    "share": UniformFloat(0.0, 1.0),
    "steps": LogInt(1, 1000),
    "epochs": UniformInt(1, 10),
    "kind": Choice(("a", "b", 0.5)),
}


@pytest.fixture(autouse=True)
def quiet():
    tame_optuna()


def search(plan, n_trials, *, interrupted=False):
    """Draws of a study whose best is rate 0.01 and share 1."""
    storage = optuna.storages.InMemoryStorage()
    drawn = []

    def objective(trial):
        drawn.append(draw(trial, SPACE))
        return drawn[-1]["share"] - abs(drawn[-1]["rate"] - 0.01)

    parts = (n_trials // 2, n_trials - n_trials // 2) if interrupted else (n_trials,)
    for part in parts:
        study = optuna.create_study(
            study_name="s", storage=storage, sampler=make_sampler(plan), direction="maximize", load_if_exists=True
        )
        study.optimize(objective, n_trials=part)
    return drawn


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_seed_draws_the_same_trials_in_one_go_and_in_two(make_plan, sampler):
    plan = make_plan("--sampler", sampler, "--n-startup-trials", "3", "--seed", "7")
    drawn = search(plan, 5)
    assert search(plan, 5, interrupted=True) == drawn
    assert len({str(values) for values in drawn}) == 5
    other = make_plan("--sampler", sampler, "--n-startup-trials", "3", "--seed", "8")
    assert search(other, 2) != drawn[:2]


def test_tpe_finds_more_than_random_draws(make_plan):
    def mean_of_last(sampler):
        drawn = search(make_plan("--sampler", sampler, "--n-startup-trials", "5"), 30)[-10:]
        return sum(values["share"] for values in drawn) / 10

    assert mean_of_last("tpe") > mean_of_last("random") + 0.15


@pytest.mark.parametrize("pruner", PRUNERS)
def test_a_poor_trial_is_pruned_unless_nothing_is(make_plan, pruner):
    plan = make_plan("--pruner", pruner, "--n-startup-trials", "3", "--num-timesteps", "900", "--n-evaluations", "9")
    assert plan.points == [100, 200, 300, 400, 500, 600, 700, 800, 900]
    study = optuna.create_study(study_name="s", direction="maximize", pruner=make_pruner(plan))

    def objective(trial):
        quality = -trial.number
        for point in plan.points:
            trial.report(quality + point / 1e6, step=point)
            if trial.should_prune():
                raise optuna.TrialPruned
        return quality

    study.optimize(objective, n_trials=12)
    states = [trial.state for trial in study.trials]
    assert states[0] is TrialState.COMPLETE, "there was nothing to compare it with"
    last_steps = [trial.last_step for trial in study.trials if trial.state is TrialState.PRUNED]
    assert bool(last_steps) == (pruner != "none")
    assert all(step >= 100 for step in last_steps)
    if pruner == "median":
        assert states[:3] == [TrialState.COMPLETE] * 3, "start-up trials"
        assert set(last_steps) == {400}, "a third of the evaluations is left to warm up"


def test_points_of_evaluation_end_with_the_training(make_plan):
    assert make_plan("--num-timesteps", "100", "--n-evaluations", "3").points == [33, 66, 100]
    assert make_plan("--num-timesteps", "2", "--n-evaluations", "5").points == [1, 2]
    assert make_plan("--num-timesteps", "100", "--n-evaluations", "1").points == [100]


def test_the_toolbox_optimizers_are_presets(make_plan):
    def methods(*flags):
        plan = make_plan(*flags)
        return plan.sampler, plan.pruner, plan.n_trials

    assert methods() == ("tpe", "median", 100)
    assert methods("--optimizer", "hyperband") == ("random", "hyperband", 100)
    assert methods("--optimizer", "hyperopt", "--max-eval", "7") == ("tpe", "none", 7)
    assert methods("--optimizer", "hyperband", "--sampler", "gp") == ("gp", "hyperband", 100)
