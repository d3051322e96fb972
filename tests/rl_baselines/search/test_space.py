"""Search spaces: files and what is wrong with them, the algorithms' own, drawing, and the nearest point."""

import json

import optuna
import pytest

from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, UniformFloat, UniformInt
from rl_baselines.registry import registered_rl
from rl_baselines.search.space import describe, draw, drawn_values, nearest, read_space
from srl3.errors import UserError

PPO2 = registered_rl["ppo2"].load_class()


def read(tmp_path, text, algo=PPO2):
    path = tmp_path / "space.yaml"
    path.write_text(text, encoding="utf-8")
    return read_space(path, algo, "ppo2")


def test_a_file_names_hyperparameters_and_ranges(tmp_path):
    space = read(
        tmp_path,
        """
learning_rate: {log: [1e-5, 1.0e-2]}
gamma: {uniform: [0.9, 1]}
n_epochs: {int: [1, 20]}
n_steps: {log_int: [16, 2_048]}
target_kl: {choice: [null, 0.01, 0.02]}
normalize_advantage: {choice: [true, false]}
policy_kwargs: {choice: [{net_arch: [64, 64]}, {net_arch: [256]}]}
""",
    )
    assert space == {
        "learning_rate": LogFloat(1e-5, 1e-2),
        "gamma": UniformFloat(0.9, 1.0),
        "n_epochs": UniformInt(1, 20),
        "n_steps": LogInt(16, 2048),
        "target_kl": Choice((None, 0.01, 0.02)),
        "normalize_advantage": Choice((True, False)),
        "policy_kwargs": Choice(({"net_arch": [64, 64]}, {"net_arch": [256]})),
    }
    assert {type(value) for value in (space["n_steps"].low, space["n_steps"].high)} == {int}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "learning_rat: {log: [1, 2]}",
            "unknown hyperparameter of ppo2 in .*'learning_rat'; did you mean learning_rate",
        ),
        ("gamma: {lgo: [0.9, 1]}", "unknown kind of range in .*gamma 'lgo'; did you mean log"),
        ("gamma: [0.9, 1]", "gamma must be one range such as {log: "),
        ("gamma: {uniform: [0.9, 1], log: [0.1, 1]}", "gamma must be one range"),
        ("gamma: {uniform: 0.9}", "gamma must give uniform a list, not 0.9"),
        ("gamma: {uniform: [0.9]}", "gamma must have two ends"),
        ("gamma: {uniform: [1, 0.9]}", "gamma must have its low end before its high one"),
        ("gamma: {uniform: [0.9, 0.9]}", "gamma must have its low end before its high one"),
        ("gamma: {uniform: [0.9, 1.5]}", "gamma must be at least 0 and at most 1, not 1.5"),
        ("gamma: {uniform: [low, 1]}", "gamma must be a number, not 'low'"),
        ("ent_coef: {log: [0, 1]}", "ent_coef is drawn on a logarithmic scale, whose low end must be above 0"),
        ("n_steps: {uniform: [16, 32]}", "n_steps is a whole number; use int, log_int or choice"),
        ("n_steps: {int: [16.5, 32]}", "n_steps must be a whole number, not 16.5"),
        ("gae_lambda: {int: [0.5, 1]}", "gae_lambda: 0.5 is no whole number"),
        ("learning_rate: {log: [lin_1e-4, 1e-3]}", "'lin_1e-4' is no number that a range can end in"),
        ("normalize_advantage: {int: [0, 1]}", "normalize_advantage must be true or false; use choice"),
        ("n_steps: {choice: []}", "n_steps must have 1 to 1000 choices, not 0"),
        ("n_steps: {choice: [16, 16.0]}", "n_steps has the choice 16 twice"),
        ("n_steps: {choice: [many]}", "n_steps must be a whole number, not 'many'"),
        (
            "policy_kwargs: {choice: [{net_arc: [64]}]}",
            "unknown key in policy_kwargs .*'net_arc'; did you mean net_arch",
        ),
        ("gamma: {uniform: [0.9, 1]}\ngamma: {choice: [0.9]}", "line 2: 'gamma' is written twice"),
        ("", "must be a mapping"),
        ("{}", "names no hyperparameter to search"),
        ("- gamma", "must be a mapping"),
        ("gamma: {uniform: [", "is not YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_sentence(tmp_path, line, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        read(tmp_path, line)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.yaml is missing"):
        read_space(tmp_path / "nowhere.yaml", PPO2, "ppo2")


@pytest.mark.parametrize("name", [name for name in registered_rl if name != "random_agent"])
def test_every_algorithm_has_a_space_whose_draws_it_takes(name):
    algo = registered_rl[name].load_class()
    parameters = algo.parameters()
    assert algo.search_space
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(20):
        trial = study.ask()
        values = draw(trial, algo.search_space)
        assert {key: parameters[key].convert(value) for key, value in values.items()} == values
        assert drawn_values(trial.params, algo.search_space) == values
        study.tell(trial, 0.0)


def test_only_the_algorithm_that_learns_nothing_has_no_space():
    assert [name for name, entry in registered_rl.items() if not entry.load_class().search_space] == ["random_agent"]


@pytest.mark.parametrize("name", registered_rl)
def test_a_space_written_to_a_file_reads_back_the_same(tmp_path, name):
    algo = registered_rl[name].load_class()
    if not algo.search_space:
        return
    text = "\n".join(f"{key}: {describe(found)}" for key, found in algo.search_space.items())
    assert read(tmp_path, text, algo) == algo.search_space


def test_what_a_study_can_hold_stands_for_a_choice_of_mappings():
    space = {"policy_kwargs": Choice(({"net_arch": [64]}, {"net_arch": [8, 8]})), "target_kl": Choice((None, 0.5))}
    study = optuna.create_study()
    study.enqueue_trial({"policy_kwargs": json.dumps({"net_arch": [8, 8]}), "target_kl": None})
    trial = study.ask()
    assert draw(trial, space) == {"policy_kwargs": {"net_arch": [8, 8]}, "target_kl": None}
    assert drawn_values(trial.params, space) == {"policy_kwargs": {"net_arch": [8, 8]}, "target_kl": None}


def test_the_nearest_point_is_in_every_range():
    space = {
        "inside": LogFloat(1e-5, 1e-2),
        "below": LogFloat(1e-8, 0.1),
        "above": UniformInt(1, 10),
        "falling": LogFloat(1e-5, 1e-2),
        "missing": LogInt(1, 100),
        "missing_too": UniformFloat(0.0, 3.0),
        "choice": Choice((32, 64, 128)),
        "between": Choice((0.9, 0.99, 0.999)),
        "other": Choice(("auto", 0.5, 0.1)),
        "text": Choice(("normal", "ornstein-uhlenbeck")),
        "truth": Choice((False, True)),
    }
    values = {
        "inside": 7e-4,
        "below": 0.0,
        "above": 40,
        "falling": "lin_2.5e-4",
        "missing": None,
        "choice": 64,
        "between": 0.98,
        "other": 0.2,
        "text": None,
        "truth": True,
    }
    assert nearest(space, values) == {
        "inside": 7e-4,
        "below": 1e-8,
        "above": 10,
        "falling": 2.5e-4,
        "missing": 10,
        "missing_too": 1.5,
        "choice": 64,
        "between": 0.99,
        "other": 0.1,
        "text": "ornstein-uhlenbeck",
        "truth": True,
    }
