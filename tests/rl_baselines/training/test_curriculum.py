"""What is trained in stages is evaluated, kept, shown and trained on in the stage that it has reached."""

import json
from typing import Any

import numpy as np
import pytest
import yaml

from rl_baselines import enjoy
from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.runs.monitors import read_run
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.callbacks import best_model
from tests.rl_baselines.conftest import Train

SMALL = ("--algo", "ppo2", "--num-cpu", "2", "--hyperparam", "n_steps:16", "batch_size:16", "n_epochs:1")
LENGTH = 8


def ant(*stages: tuple[int, float]) -> tuple[str, ...]:
    """Ants that are paid another number for each step on their feet after so many steps."""
    curriculum = [{"after": after, "values": {"rewards.alive": paid}} for after, paid in stages]
    world = (f"max_steps:{LENGTH}", "sim.threads:1", f"curriculum:{json.dumps(curriculum)}")
    return ("--env", "AntGymEnv-v0", "--env-kwargs", *world)


def kwargs_of(run: RunFolder) -> dict[str, Any]:
    return yaml.safe_load(run.env_kwargs.read_text())


@pytest.mark.parametrize("wrapper", [(), ("env_wrapper:gymnasium.wrappers.TimeAwareObservation",)])
def test_evaluations_are_of_the_stage_that_the_training_is_in(small_train: Train, wrapper: tuple[str, ...]) -> None:
    often = (*wrapper, "--num-timesteps", "96", "--eval-freq", "32", "--eval-episodes", "2")
    run = small_train(*ant((20, 100.0), (60, 0.0)), *SMALL, *often)
    with np.load(run.path / "evaluations.npz", allow_pickle=False) as file:
        assert file["timesteps"].tolist() == [32, 64, 96]
        assert (file["results"][0] < 100).all()
        assert (file["results"][1:] > 90 * LENGTH).all()
    assert load_checkpoint(run.best_model).info.num_timesteps >= 64

    held = small_train(*ant((20, 100.0), (60, 0.0)), *SMALL, *often, "--eval-env-kwargs", "rewards.alive:1000")
    with np.load(held.path / "evaluations.npz", allow_pickle=False) as file:
        assert (file["results"] > 900 * LENGTH).all()


def test_the_best_of_an_easier_stage_is_forgotten(small_train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_model, "WINDOW", 4)
    flags = (*ant((24, -100.0)), *SMALL, "--min-episodes-save", "1")
    before = small_train(*flags, "--num-timesteps", "96")
    assert load_checkpoint(before.best_model).info.num_timesteps <= 48
    run = small_train(*flags, "--num-timesteps", "160")
    best = load_checkpoint(run.best_model).info
    assert best.num_timesteps > 96
    assert best.env_kwargs_here["rewards"]["alive"] == -100


@pytest.mark.parametrize("algo", ["ppo2", "batched_ppo"])
def test_it_is_shown_and_trained_on_where_it_has_come_to(
    small_train: Train, capsys: pytest.CaptureFixture[str], algo: str
) -> None:
    run = small_train(*ant((20, 100.0), (60, 7.0)), *SMALL, "--algo", algo, "--num-timesteps", "96")
    info = load_checkpoint(run.latest).info
    assert info.env_kwargs_here["rewards"]["alive"] == 100
    assert info.env_kwargs_here["curriculum"] == []
    assert len(kwargs_of(run)["curriculum"]) == 2, "the run itself goes on as it was planned"

    capsys.readouterr()
    shown = ("--log-dir", str(run.latest), "--num-episodes", "2", "--seed", "0", "--json")
    assert enjoy.main([*shown]) == 0
    assert json.loads(capsys.readouterr().out)["mean_return"] > 90 * LENGTH
    assert enjoy.main([*shown, "--env-kwargs", "rewards.alive:0"]) == 0
    assert json.loads(capsys.readouterr().out)["mean_return"] < 90 * LENGTH

    further = kwargs_of(small_train("--load-rl-model-path", str(run.latest), "--num-timesteps", "32"))
    assert further["rewards"]["alive"] == 100
    assert further["curriculum"] == [{"after": 60 - 96 // 2, "values": {"rewards.alive": 7.0}}]
    asked = ("--env-kwargs", "rewards.alive:3")
    held = kwargs_of(small_train("--load-rl-model-path", str(run.latest), "--num-timesteps", "32", *asked))
    assert (held["rewards"]["alive"], held["curriculum"]) == (3, [])


def test_a_task_of_several_keeps_what_it_says(small_train: Train) -> None:
    tasks = ("--mix-tasks", "free=rewards.heading:0", "held=rewards.alive:1")
    few = ("--num-timesteps", "96", "--eval-freq", "96", "--eval-episodes", "2", "--min-episodes-save", "1")
    run = small_train(*ant((4, 1000.0)), *SMALL, *tasks, *few)
    returns = read_run(run.path).returns
    assert (returns > 500).any()
    assert (returns < 100).sum() > 1
