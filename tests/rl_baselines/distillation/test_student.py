"""A student from its teachers' datasets to a checkpoint that acts, is resumed and is opened by plain PPO."""

import dataclasses
import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from environments import dataset_generator
from environments.datasets.copying import rows_of
from environments.datasets.dataset import Dataset, open_dataset
from environments.datasets.writer import DatasetWriter, is_dataset
from rl_baselines import enjoy, train
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.recorded_policy import VecStage
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.cross_evaluation.history import chapters_of, read_history
from rl_baselines.distillation import dagger
from rl_baselines.plots.tasks.forgetting import forgetting_curves
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.callbacks.checkpoints import CheckpointWriter
from rl_baselines.training.callbacks.episodes import EpisodeRecorder
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from rl_baselines.training.run import run_training
from srl3.errors import UserError
from tests.rl_baselines.distillation.lessons_of_rules import WORLD, offsets, recorded_at_random, taught
from tests.rl_baselines.training.test_resume_registry import different, draw_much

NOT_SAVED = ("lessons", "validation", "dagger_folder")
"""attributes that say where the one run is, or that are made anew"""
SMALL = ("batch_size:32", "n_epochs:12", "learning_rate:3e-3", "policy_kwargs:{net_arch: [32]}")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Datasets of two teachers, one of continuous actions, and one without distributions."""
    folder = tmp_path_factory.mktemp("data")
    discrete = recorded_at_random(folder)
    taught(discrete, folder / "toward")
    taught(discrete, folder / "away", sign=-1)
    taught(discrete, folder / "chosen", distribution=False)
    taught(recorded_at_random(folder, "free", "-c"), folder / "continuous")
    return folder


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset ``seen`` of a teacher that can be asked."""
    folder = tmp_path_factory.mktemp("asked")
    world = ["--env", WORLD, "--img-shape", "36x36", "--env-kwargs", "max_steps:20", "random_target:true"]
    ppo = ["--srl-model", "ground_truth", "--num-timesteps", "64", "--hyperparam", "n_steps:32", "n_envs:2"]
    assert train.main([*world, *ppo, "--log-dir", str(folder / "logs"), "--no-vis", "--no-progress"]) == 0
    (teacher,) = folder.rglob("latest.zip")
    record = ["--save-path", str(folder), "--name", "seen", "--num-episode", "4", "--no-progress"]
    assert dataset_generator.main([*record, "--run-policy", "custom", "--log-custom-policy", str(teacher)]) == 0
    return folder


def request(data: Path, name: str, log_dir: Path, **choices: Any) -> TrainingRequest:
    given = {"srl_model": "ground_truth", "hyperparam": SMALL, **choices}
    return TrainingRequest(
        algo="distillation",
        teacher_data_folder=(data / name,),
        log_dir=log_dir,
        no_vis=True,
        no_progress=True,
        **given,
    )


def student(data: Path, name: str, log_dir: Path, **choices: Any) -> RunFolder:
    result = run_training(resolve(request(data, name, log_dir, **choices)))
    assert result.status == 0
    assert result.run is not None
    return result.run


def judgements(run: RunFolder) -> list[tuple[float, float]]:
    """Loss and agreement on the validation steps, epoch by epoch."""
    import csv

    with run.progress.open(newline="") as file:
        return [(float(row["validation/loss"]), float(row["validation/agreement"])) for row in csv.DictReader(file)]


def actions_at(run: RunFolder, dataset: Dataset) -> np.ndarray:
    """What the student does where the robot is at ``offsets`` of its target."""
    relative = (dataset.ground_truth[:, :2] - dataset.targets).astype(np.float32)
    return Actor.load(run.best_model).act(relative, deterministic=True)


@pytest.mark.parametrize("loss", ["kl", "mse", "cross_entropy"])
def test_it_learns_to_act_as_its_teacher(data: Path, tmp_path: Path, loss: str) -> None:
    run = student(data, "toward", tmp_path / "logs", hyperparam=(*SMALL, f"loss:{loss}"))
    found = judgements(run)
    assert len(found) == 12
    assert found[-1][0] < found[0][0]
    assert found[-1][1] > 0.85
    dataset = open_dataset(data / "toward")
    offset = offsets(dataset)
    clear = abs(abs(offset[:, 0]) - abs(offset[:, 1])) > 0.2
    assert (actions_at(run, dataset) == dataset.teacher_actions)[clear].mean() > 0.9
    info = load_checkpoint(run.best_model).info
    assert (info.algo, info.env_id, info.env_kwargs["max_steps"]) == ("distillation", WORLD, 30)


@pytest.mark.parametrize("loss", ["kl", "mse"])
def test_continuous_actions(data: Path, tmp_path: Path, loss: str) -> None:
    run = student(data, "continuous", tmp_path / "logs", hyperparam=(*SMALL, f"loss:{loss}"))
    dataset = open_dataset(data / "continuous")
    assert dataset.action_means is not None
    error = actions_at(run, dataset) - dataset.action_means
    assert np.sqrt((error**2).mean()) < 0.15
    if loss == "kl":
        spread = load_checkpoint(run.best_model).parameters["policy"]["log_std"].exp()
        assert (spread < 0.8).all(), "it learns the teacher's 0.2 too, from 1"


def test_from_stacked_pixels_by_the_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--num-stack", "2", "--epochs-distillation", "2", "-bs", "50", "--distillation-training-set-size", "120"]
    where = ["--log-dir", str(tmp_path / "logs"), "--no-vis", "--suffix", "student"]
    assert train.main(["--algo", "distillation", "--teacher-data-folder", str(data / "toward"), *flags, *where]) == 0
    said = capsys.readouterr()
    assert "teacher toward: 90 steps to learn from, 30 to judge by" in said.out
    assert "180 steps learned from; the teacher's action in" in said.out
    assert "180/180 steps (100 %)" in said.err
    (run,) = (tmp_path / "logs" / WORLD / "raw_pixels" / "distillation").iterdir()
    assert enjoy.main(["--log-dir", str(run), "--num-episodes", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out.splitlines()[-1])["returns"]) == 2
    plain = PPO.load(run / "latest.zip")
    image = np.random.default_rng(0).integers(0, 256, (1, 6, 36, 36), np.uint8)
    ours = Actor.load(run / "latest.zip")
    ours_action = ours.policy.predict(image, deterministic=True)[0]
    assert plain.predict(image, deterministic=True)[0] == ours_action


def test_retrained_by_more_lessons_and_by_rewards(data: Path, tmp_path: Path) -> None:
    run = student(data, "toward", tmp_path / "logs")
    before = judgements(run)[-1][0]
    again = student(data, "toward", tmp_path / "again", load_rl_model_path=str(run.path), new_lr=1e-3, hyperparam=None)
    assert judgements(again)[0][0] < 1.2 * before

    request_ = TrainingRequest(load_rl_model_path=str(run.path), log_dir=tmp_path / "rewards", no_vis=True)
    at_once = {"algo": "ppo2", "num_timesteps": 64, "value_warmup": 0}
    with pytest.raises(UserError, match="or --algo ppo2 to train it on by rewards"):
        resolve(request_)
    with pytest.raises(UserError, match="was trained with distillation, and can't be retrained with a2c"):
        resolve(dataclasses.replace(request_, algo="a2c"))
    still = ("n_steps:32", "n_envs:2", "n_epochs:1", "learning_rate:0.0")
    plan = resolve(dataclasses.replace(request_, **at_once, no_progress=True, hyperparam=still))
    assert plan.hyperparams["policy_kwargs"] == {"net_arch": [32]}
    assert plan.settings["gamma"].source == "config/hyperparams/ppo2.yaml: default"
    result = run_training(plan)
    assert result.status == 0
    assert result.run is not None
    after = load_checkpoint(result.run.latest)
    assert (after.info.algo, after.info.num_timesteps) == ("ppo2", 64)
    for name, weights in load_checkpoint(run.latest).parameters["policy"].items():
        torch.testing.assert_close(after.parameters["policy"][name], weights)
    learned = run_training(resolve(dataclasses.replace(request_, **at_once, new_lr=1e-3)))
    assert learned.run is not None
    assert learned.run.path.parent.name == "ppo2"


def test_values_learn_from_rewards_in_a_network_of_their_own(data: Path, tmp_path: Path) -> None:
    """Where a student sees pictures, what corrects its values does not change what its actions depend on."""
    run = student(data, "toward", tmp_path / "logs", srl_model="raw_pixels", hyperparam=("n_epochs:1",))
    on = {"load_rl_model_path": str(run.path), "algo": "ppo2", "num_timesteps": 32, "no_vis": True, "no_progress": True}
    on["value_warmup"] = 0
    small = ("n_steps:16", "n_envs:2", "learning_rate:1e-3", "max_grad_norm:1e9")  # one rollout

    def trained(name: str, *flags: str) -> dict[str, torch.Tensor]:
        plan = resolve(TrainingRequest(**on, log_dir=tmp_path / name, hyperparam=(*small, *flags)))
        result = run_training(plan)
        assert result.run is not None
        weights: dict[str, torch.Tensor] = load_checkpoint(result.run.latest).parameters["policy"]
        return weights

    begun = load_checkpoint(run.latest).parameters["policy"]
    without, much = trained("without", "vf_coef:0.0"), trained("much", "vf_coef:9.0")
    for name, value in begun.items():
        of_values = name.startswith(("vf_features_extractor.", "value_net."))
        assert torch.equal(without[name], value) or not of_values, "each begins as the one that they shared"
        assert torch.equal(without[name], much[name]) != of_values


def stopped_and_resumed(
    patches: pytest.MonkeyPatch, asked: TrainingRequest, log_dir: Path, at: int = -1, played_at: int = -1
) -> tuple[RunFolder, RunFolder]:
    """Assert that a run stopped after ``at`` steps, or steps played in rounds, and resumed ends as one that was never
    stopped; both."""
    models: list[BaseAlgorithm] = []
    write = CheckpointWriter.write_latest

    def write_latest(self: CheckpointWriter, model: BaseAlgorithm) -> None:
        models.append(model)
        write(self, model)

    patches.setattr(CheckpointWriter, "write_latest", write_latest)
    whole = run_training(resolve(dataclasses.replace(asked, log_dir=log_dir / "whole"))).run
    assert whole is not None
    never_stopped = models[-1]
    with patches.context() as patch:
        on_step, step = EpisodeRecorder._on_step, VecStage.step
        played = 0

        def stopping(self: EpisodeRecorder) -> bool:
            if self.num_timesteps == at:
                os.kill(os.getpid(), signal.SIGINT)
            return on_step(self)

        def playing(self: VecStage, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            nonlocal played
            played += 1
            if played == played_at:
                os.kill(os.getpid(), signal.SIGINT)
            return step(self, actions)

        patch.setattr(EpisodeRecorder, "_on_step", stopping)
        patch.setattr(VecStage, "step", playing)
        result = run_training(resolve(dataclasses.replace(asked, log_dir=log_dir / "stopped")))
    assert result.status == 130
    assert result.run is not None
    assert at <= models[-1].num_timesteps < never_stopped.num_timesteps
    recorded = sorted(result.run.path.glob("dagger/*/*"))
    assert all(is_dataset(path) and path.name[0] != "." for path in recorded), "whole, or not there"
    assert played_at < 0 or len(recorded) < len(list(whole.path.glob("dagger/*/*"))), "it does not play on"
    draw_much()
    again = TrainingRequest(resume=str(result.run.path), no_vis=True, no_progress=True)
    assert run_training(resolve(again)).status == 0
    assert [each for each in different(never_stopped, models[-1]) if each not in NOT_SAVED] == []
    assert judgements(whole) == judgements(result.run)
    for path in whole.path.glob("dagger/*/*/*"):
        assert path.read_bytes() == (result.run.path / path.relative_to(whole.path)).read_bytes()
    bests = [PPO.load(run.best_model).policy.state_dict() for run in (whole, result.run)]
    assert all(torch.equal(bests[1][name], value) for name, value in bests[0].items())
    return whole, result.run


@pytest.mark.parametrize("name", ["toward", "continuous"])
def test_resumed_equals_never_stopped(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    stopped_and_resumed(monkeypatch, request(data, name, tmp_path, epochs_distillation=3), tmp_path, 128)


def test_resumed_in_a_round_of_dagger(asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes of 60 steps, two in the first round, at whose first step it stops, and two in the second."""
    small = ("batch_size:20", "n_epochs:2", "learning_rate:3e-3", "dagger_episodes:2", "policy_kwargs:{net_arch: [8]}")
    cross = {"perform_cross_evaluation_cc": True, "eval_episodes": 2, "eval_episode_window": 3}
    rounds = request(asked, "seen", tmp_path, hyperparam=small, dagger_rounds=2, **cross)
    whole, resumed = stopped_and_resumed(monkeypatch, rounds, tmp_path, 140)
    evaluated = read_history(whole.cross_evaluation)
    assert evaluated.timesteps.tolist() == [0, 120, 180, 240, 360], "every third pass, and where a round ends"
    assert evaluated.rounds.tolist() == [0, 0, 1, 1, 2]
    np.testing.assert_array_equal(read_history(resumed.cross_evaluation).returns, evaluated.returns)
    assert len(forgetting_curves(chapters_of(resumed)).axes[0].lines) == 1 + 2, "the curve, and where rounds begin"


def test_stopped_while_the_student_acts(asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second round, of whose two teachers one has been asked: 20 steps of two robots each."""
    again = tmp_path / "again"
    shutil.copytree(asked / "seen", again)
    small = ("batch_size:20", "n_epochs:1", "learning_rate:3e-3", "dagger_episodes:2", "policy_kwargs:{net_arch: [8]}")
    two = {"teacher_data_folder": (asked / "seen", again), "dagger_rounds": 2, "hyperparam": small}
    asked_for = dataclasses.replace(request(asked, "seen", tmp_path), **two)
    _, resumed = stopped_and_resumed(monkeypatch, asked_for, tmp_path, played_at=65)
    assert len(list(resumed.path.glob("dagger/*/*"))) == 4


def test_what_a_killed_recording_left_is_removed(asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = ("batch_size:20", "n_epochs:1", "dagger_episodes:2", "policy_kwargs:{net_arch: [8]}")
    record = dagger.record_round

    def after_a_kill(*given: Any, **named: Any) -> list[Dataset]:
        (given[3] / "round_1" / ".0_seen.abc.tmp").mkdir(parents=True)
        return record(*given, **named)

    monkeypatch.setattr("rl_baselines.distillation.algorithm.record_round", after_a_kill)
    run = student(asked, "seen", tmp_path, hyperparam=small, dagger_rounds=1)
    assert [path.name for path in (run.path / "dagger" / "round_1").iterdir()] == ["0_seen"]


@pytest.mark.parametrize(("srl_model", "alike"), [("ground_truth", True), ("raw_pixels", False)])
def test_tasks_that_look_alike_are_warned_of(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], srl_model: str, alike: bool
) -> None:
    """Toward the target and away from it: the same states, and pictures of another brightness."""
    toward = open_dataset(data / "toward")
    path = tmp_path / "dark"
    rows = rows_of(open_dataset(data / "away"), slice(None))
    with DatasetWriter(path, toward.info) as writer:
        writer.append_rows(dataclasses.replace(rows, frames=rows.frames // 2))
        writer.finish()
    short = (*SMALL[:1], "n_epochs:1")
    choices = {"srl_model": srl_model, "hyperparam": short, "teacher_data_folder": (data / "toward", path)}
    plan = resolve(dataclasses.replace(request(data, "toward", tmp_path / "logs"), **choices))
    assert run_training(plan).status == 0
    said = capsys.readouterr()
    share = re.search(r"on ([\d.]+)% of the steps another task looks the same", said.err if alike else said.out)
    assert share is not None
    assert float(share[1]) > 60 if alike else float(share[1]) < 5


def test_a_look_at_the_tasks_can_be_stopped(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looking(*_: object, between: Callable[[], None]) -> float:
        os.kill(os.getpid(), signal.SIGINT)
        between()
        raise AssertionError

    monkeypatch.setattr("rl_baselines.distillation.algorithm.confusion", looking)
    two = {"teacher_data_folder": (data / "toward", data / "away")}
    plan = resolve(dataclasses.replace(request(data, "toward", tmp_path / "logs"), **two))
    assert run_training(plan).status == 130


def test_in_a_round_of_dagger_the_student_acts_and_the_teacher_speaks(asked: Path, tmp_path: Path) -> None:
    still = ("batch_size:40", "n_epochs:1", "learning_rate:0")  # what it did it would do again
    run = student(asked, "seen", tmp_path / "runs", srl_model="raw_pixels", hyperparam=still, dagger_rounds=2)
    rounds = [open_dataset(run.path / "dagger" / f"round_{number}" / "0_seen") for number in (1, 2)]
    assert load_checkpoint(run.latest).info.num_timesteps == 3 * 60
    assert rounds[0].episodes == 8
    assert not np.array_equal(rounds[0].ground_truth, rounds[1].ground_truth)
    for dataset in rounds:
        every = np.arange(len(dataset))
        starts = np.ones(len(every), np.bool_)
        acted = Actor.load(run.latest).act(dataset.frames(every), starts, deterministic=True)
        np.testing.assert_array_equal(acted, dataset.actions)
        teacher = Actor.load(asked / "seen" / "teacher.zip")
        teacher.act((dataset.ground_truth[:, :2] - dataset.targets).astype(np.float32), starts)
        np.testing.assert_allclose(teacher.distribution(), dataset.action_probabilities, atol=1e-5)


def test_what_cannot_be_learned_from_is_said(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    where = {"log_dir": tmp_path / "logs"}
    for folders, choices, words in (
        (["towards"], {}, "there is no folder .*towards; did you mean .*toward.$"),
        ([tmp_path / "none"], {}, "there is no folder .*none; record one with dataset_generator --run-policy custom"),
        (["toward/frames.npy"], {}, "frames.npy is a file, and a dataset is a folder; record one with"),
        (["toward"], {"num_cpu": 4}, "nothing to run 4 of at once .*; leave out --num-envs, or n_envs"),
        (["toward"], {"hyperparam": ("n_envs:2",)}, "nothing to run 2 of at once"),
        (["toward"], {"mix_tasks": ("a=max_steps:2", "b=max_steps:3")}, "are those of its datasets; leave out --mix"),
        ([tmp_path / "empty"], {}, "empty is no dataset and holds none; record one with"),
        (["random"], {}, "has no teacher in it .it was recorded by random.; record one with"),
        (["chosen"], {}, "holds the actions of dqn, and no distribution to compare with; use --hyperparam loss:cross"),
        (["toward", "continuous"], {}, "can't teach one student: actions are 4 discrete in the one and 2 continuous"),
        (
            ["toward", "./chosen/../toward"],
            {},
            "toward is given twice in --teacher-data-folder; name each dataset once",
        ),
        (["toward"], {"env": "OmnirobotEnv-v0"}, "was recorded on MobileRobotGymEnv-v0, and can't teach a student of"),
        (["toward"], {"env_kwargs": {"is_discrete": False}}, "has 4 discrete actions, and the student 2 continuous"),
        (["toward"], {"num_timesteps": 5}, "how long distillation learns is --epochs-distillation; leave out"),
        (["toward"], {"dagger_rounds": 1}, "has no teacher.zip that could be asked; --dagger-rounds takes datasets as"),
        (["toward"], {"distillation_training_set_size": 0}, "is at least 1, or -1 for all, not 0"),
        (["toward"], {"distillation_training_set_size": 999}, "asks for 999 steps of a task that has 360"),
        (["toward"], {"algo": "ppo2"}, "--teacher-data-folder is for --algo distillation; ppo2 learns from rewards"),
        (["toward"], {"srl_model": "raw_pixels", "env_kwargs": {"img_shape": "48x48"}}, "student observes 48x48x3"),
    ):
        asked = {"algo": "distillation", "srl_model": "ground_truth", **where, **choices}
        with pytest.raises(UserError, match=words):
            run_training(
                resolve(
                    TrainingRequest(
                        teacher_data_folder=tuple(data / folder for folder in folders), no_vis=True, **asked
                    )
                )
            )
    with pytest.raises(UserError, match="distillation learns from recorded teachers; give --teacher-data-folder"):
        resolve(TrainingRequest(algo="distillation", **where))
    assert not list((tmp_path / "logs").rglob("*")) if (tmp_path / "logs").exists() else True
