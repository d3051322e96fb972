"""A student is evaluated in the tasks of its teachers, pass by pass and round by round."""

import csv
import io
from pathlib import Path

import pytest

from environments import dataset_merger
from environments.datasets.dataset import open_dataset
from environments.datasets.merging import worlds_of
from rl_baselines import train
from rl_baselines.cross_evaluation.history import chapters_of, read_history
from rl_baselines.plots import main as plots
from rl_baselines.plots.tasks.forgetting import forgetting_curves
from rl_baselines.runs.run_folder import RunFolder, find_runs
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError
from tests.rl_baselines.distillation.lessons_of_rules import recorded_at_random, taught

SMALL = ("--hyperparam", "batch_size:64", "policy_kwargs:{net_arch: [8]}", "--srl-model", "ground_truth")
CROSS = ("--perform-cross-evaluation-cc", "--eval-episodes", "2")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Datasets of two tasks, 60 steps each, and both merged."""
    folder = tmp_path_factory.mktemp("data")
    for name, steps in (("short", 10), ("long", 20)):
        source = recorded_at_random(folder, f"{name}_source", "--env-kwargs", *kwargs(steps), episodes=60 // steps)
        taught(source, folder / name)
    merged = [str(folder / name) for name in ("short", "long", "both")]
    labels = ("--continual-learning-labels", "S", "L", "--no-progress")
    assert dataset_merger.main(["--merge", *merged, *labels]) == 0
    merged[-1] = str(folder / "mingled")
    assert dataset_merger.main(["--merge", *merged, "--no-progress"]) == 0
    return folder


def kwargs(steps: int) -> tuple[str, str]:
    return f"max_steps:{steps}", "random_target:true"


def student(log_dir: Path, *flags: str, teachers: tuple[Path, ...]) -> RunFolder:
    given = ("--algo", "distillation", "--teacher-data-folder", *map(str, teachers))
    assert train.main([*given, *SMALL, *flags, "--log-dir", str(log_dir), "--no-vis", "--no-progress"]) == 0
    return find_runs(log_dir)[-1]


def test_after_each_pass_in_the_tasks_of_its_teachers(data, tmp_path, capsys):
    two = (data / "short", data / "long")
    plain = student(tmp_path / "plain", "--epochs-distillation", "2", teachers=two)
    run = student(tmp_path / "runs", "--epochs-distillation", "2", *CROSS, teachers=two)
    found = read_history(run.cross_evaluation)
    assert found.tasks == ("max_steps:10 random_target:true", "max_steps:20 random_target:true")
    size = found.timesteps[1]
    assert found.timesteps.tolist() == [0, size, 2 * size], "at the beginning, and after each pass"
    assert (found.episodes.tolist(), found.rounds.tolist()) == ([0, 1, 2], [0, 0, 0])
    assert found.returns.shape == (3, 2, 2)
    assert run.forgetting_curves.is_file()
    rows = list(csv.DictReader(run.progress.open(newline="")))
    assert [float(row[f"cross_eval/{found.tasks[1]}"]) for row in rows] == found.returns[1:, 1].mean(axis=1).tolist()
    shown = [list(csv.DictReader(each.progress.open(newline="")))[-1]["validation/loss"] for each in (plain, run)]
    assert shown[0] == shown[1], "it learns the same"

    again = ("--load-rl-model-path", str(run.latest), "--algo", "ppo2", "--num-timesteps", "40", *CROSS)
    small = ("--hyperparam", "n_steps:20", "n_envs:2", "--log-dir", str(tmp_path / "on"))
    assert train.main([*again, *small, "--no-vis", "--no-progress"]) == 0
    (further,) = find_runs(tmp_path / "on")
    assert read_history(further.cross_evaluation).tasks == found.tasks, "what it was taught it has seen"
    assert forgetting_curves(chapters_of(run)).axes[-1].get_xlabel() == "recorded steps learned from"
    chapters = chapters_of(further)
    assert forgetting_curves(chapters).axes[-1].get_xlabel() == "recorded steps learned from, then timesteps"
    capsys.readouterr()
    table, picture = tmp_path / "curves.csv", tmp_path / "curves.svg"
    assert plots(["forgetting", "-i", str(further.path), "-o", str(picture), "--data", str(table)]) == 0
    assert "max_steps:10 random_target:true: mean return" in capsys.readouterr().out
    assert max(int(row["timesteps"]) for row in csv.DictReader(io.StringIO(table.read_text()))) == 2 * size + 40


def plan_of(folder: Path, log_dir: Path, **choices):
    cross = {"perform_cross_evaluation_cc": True, "srl_model": "ground_truth", "log_dir": log_dir, "no_vis": True}
    return resolve(TrainingRequest(algo="distillation", teacher_data_folder=(folder,), **cross, **choices))


def test_a_merged_dataset_says_of_which_worlds_it_is(data, tmp_path):
    both = open_dataset(data / "both")
    assert both.info.label_kwargs == {"S": {"max_steps": 10}, "L": {"max_steps": 20}}
    assert [world["max_steps"] for world in worlds_of(both.info)] == [10, 20]
    again = (str(data / "both"), str(data / "both"), str(tmp_path / "again"))
    assert dataset_merger.main(["--merge", *again, "--no-progress"]) == 0
    assert open_dataset(tmp_path / "again").info.label_kwargs == both.info.label_kwargs

    plan = plan_of(data / "both", tmp_path, cross_evaluation_tasks=("far=max_steps:20,random_target:true",))
    assert [task.name for task in plan.tasks.evaluated] == ["max_steps:10 random_target:true", "far"]
    assert plan.tasks.episode_window == 1
    longer = plan_of(data / "both", tmp_path, env_kwargs={"random_target": False}, eval_episode_window=4)
    assert [task.name for task in longer.tasks.evaluated] == ["max_steps:10", "max_steps:20"]
    assert longer.tasks.episode_window == 4
    mingled = open_dataset(data / "mingled")
    assert worlds_of(mingled.info) == []
    with pytest.raises(UserError, match="mingled does not say in which worlds its teachers acted; name the tasks"):
        plan_of(data / "mingled", tmp_path)
    named = plan_of(data / "mingled", tmp_path, cross_evaluation_tasks=("far=max_steps:20",))
    assert [task.name for task in named.tasks.evaluated] == ["far"]
