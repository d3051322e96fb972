"""Results: ``best.yaml`` trains the best trial again, ``trials.csv`` has all of them, the pages need no network."""

import csv
import re
from types import SimpleNamespace

import pytest
import yaml
from PIL import Image

from rl_baselines import train
from rl_baselines.runs.run_folder import find_runs
from rl_baselines.search.results import best_trials, print_summary, settings_of, train_command, write_results
from rl_baselines.search.studies.study import DEFAULT, REASON, open_study, tame_optuna

GOING_ON = SimpleNamespace(requested=False)


@pytest.fixture
def studied(make_plan):
    """``studied(*flags, values=…)``: plan and study whose trials, the default first, ended with these returns."""
    tame_optuna()

    def make(*flags, values=(1.0, 3.0, 2.0)):
        from rl_baselines.search.space import draw

        plan = make_plan(*flags)
        study, _ = open_study(plan, GOING_ON, print)

        def objective(trial):
            draw(trial, plan.space)
            value = values[trial.number]
            if value is None:
                trial.set_user_attr(REASON, 'ValueError: nan, in a "sentence"')
                raise ValueError
            return value

        study.optimize(objective, n_trials=len(values), catch=(ValueError,))
        return plan, study

    return make


@pytest.mark.parametrize(("algo", "values"), [("ppo2", (1.0, 3.0)), ("ppo2", (3.0, 1.0)), ("dqn", (1.0, 3.0))])
def test_train_takes_best_yaml_as_it_is(studied, tmp_path, algo, values):
    """Its run has exactly the hyperparameters of the best trial."""
    plan, study = studied(
        "--algo", algo, "--num-timesteps", "2100", "--hyperparam", "max_grad_norm:0.7", "--num-cpu", "1", values=values
    )
    write_results(study, plan)
    best = best_trials(study)[0]
    assert best.value == 3.0
    assert bool(best.user_attrs.get(DEFAULT)) == (values[0] == 3.0)
    words = train_command(plan).split()
    assert words[:3] == ["python", "-m", "rl_baselines.train"]
    shown = ["--log-dir", str(tmp_path / "logs"), "--no-vis", "--no-progress"]
    assert train.main([*words[3:], "--num-timesteps", "4", *shown]) == 0
    (run,) = find_runs(tmp_path / "logs")
    trained = {name: entry["value"] for name, entry in run.read_yaml(run.train_config).items()}
    assert trained == {name: setting.value for name, setting in settings_of(best, plan).items()}
    assert trained["max_grad_norm"] == 0.7
    searched = {name: trained[name] for name in plan.space if name in trained}
    if not best.user_attrs.get(DEFAULT):
        assert searched == {
            name: f"lin_{value!r}" if name == "learning_rate" and algo == "ppo2" else value
            for name, value in best.params.items()
        }
    assert run.read_yaml(run.env_kwargs)["max_steps"] == 10


def test_trials_csv_has_every_trial_with_its_reason(studied):
    plan, study = studied(values=(1.5, None, 2.5))
    write_results(study, plan)
    with (plan.folder / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["trial"], row["state"], row["mean_return"], row["default"]) for row in rows] == [
        ("0", "complete", "1.5", "True"),
        ("1", "fail", "", "False"),
        ("2", "complete", "2.5", "False"),
    ]
    assert rows[1]["reason"] == 'ValueError: nan, in a "sentence"'
    assert float(rows[2]["learning_rate"]) == study.trials[2].params["learning_rate"]


def test_pages_are_self_contained_and_pictures_are_drawn(studied):
    plan, study = studied(values=(1.0, 3.0, 2.0, -1.0))
    write_results(study, plan)
    plots = plan.folder / "plots"
    names = ("history", "importance", "parallel_coordinate")
    assert sorted(path.name for path in plots.iterdir()) == sorted(
        f"{n}.{end}" for n in names for end in ("html", "png")
    )
    for name in names:
        page = (plots / f"{name}.html").read_text(encoding="utf-8")
        assert "a2c on MobileRobotGymEnv-v0" in page
        assert len(page) > 1_000_000, "with plotly's script"
        assert re.findall(r"<(?:script|link|img|iframe)[^>]*\b(?:src|href)=[^>]*>", page) == []
        with Image.open(plots / f"{name}.png") as picture:
            assert picture.width >= 900
            assert len(picture.convert("RGB").getcolors(maxcolors=2**24)) > 20


def test_a_study_without_a_complete_trial_has_a_table_only(studied, capsys):
    plan, study = studied(values=(None,))
    write_results(study, plan)
    print_summary(study, plan)
    assert sorted(path.name for path in plan.folder.iterdir()) == ["study.db", "trials.csv"]
    assert "no trial has been trained to its end" in capsys.readouterr().out


def test_a_study_with_one_complete_trial_has_no_importance(studied):
    plan, study = studied(values=(1.0,))
    write_results(study, plan)
    assert sorted(path.name for path in (plan.folder / "plots").iterdir()) == ["history.html", "history.png"]


def test_the_summary_shows_the_default_beside_the_best(studied, capsys):
    plan, study = studied(values=(1.0, 3.0, 2.0, None))
    print_summary(study, plan)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "study 'study': 3 trials complete, 0 pruned, 1 failed"
    assert lines[1].split() == ["default", "trial", "1", "trial", "2"]
    assert lines[2].split() == ["mean", "return", "1.00", "3.00", "2.00"]
    assert lines[3].split()[:2] == ["learning_rate", "0.0007"]
    assert "best: trial 1, mean return 3.00" in lines


def test_the_best_of_equals_is_the_earlier(studied):
    _, study = studied(values=(1.0, 2.0, 2.0))
    assert [trial.number for trial in best_trials(study)] == [1, 2, 0]


def test_best_yaml_is_one_section_of_a_preset_file(studied):
    plan, study = studied("--num-cpu", "3", values=(1.0, 2.0))
    write_results(study, plan)
    text = (plan.folder / "best.yaml").read_text()
    assert text.startswith(
        "# a2c: trial 1 of study 'study', mean return 2.00 over 2 episodes after 300 steps.\n# python"
    )
    (section,) = yaml.safe_load(text).items()
    assert section[0] == "MobileRobotGymEnv-v0/ground_truth"
    assert section[1]["n_envs"] == 3
    assert "use_sde" not in section[1], "an algorithm's own default"
