"""From flags to a request to a plan: the same whichever command asks; nothing written, nothing changed on the way."""

import dataclasses
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from rl_baselines import hyperparam_search, pipeline, train
from rl_baselines.grid.cells import Cell
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.flags import request_from_flags
from rl_baselines.training.plan import TrainingPlan, read_plan
from rl_baselines.training.request import CHOICES, TrainingRequest
from rl_baselines.training.resolve import resolve
from rl_baselines.training.run import run_training
from srl3.errors import UserError

FORMAT_1 = Path(__file__).parents[2] / "data" / "format_1"
SAME_CHOICES = (
    "--algo ppo2 --env MobileRobotGymEnv-v0 --srl-model ground_truth -r --num-timesteps 5000 --no-progress",
    "--algo sac --env KukaButtonGymEnv-v0 --srl-model joints -c --env-kwargs max_steps:30 --hyperparam gamma:0.9",
    "--algo a2c --env OmnirobotEnv-v0 -cc --img-shape 40x48 --num-stack 2 --num-envs 3 --seed 7",
)


def plan_of_train(line: str) -> TrainingPlan:
    return resolve(request_from_flags(*train.make_parser().parse_with_given(line.split())))


@pytest.mark.parametrize("line", SAME_CHOICES)
def test_train_pipeline_and_search_plan_the_same(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"--log-dir {tmp_path / 'logs'}"
    of_train = plan_of_train(f"{line} {where} --no-vis")

    searched = hyperparam_search.make_parser().parse_with_given(f"{line} {where}".split())
    monkeypatch.setattr(hyperparam_search.importlib.util, "find_spec", lambda name: True)
    of_search = hyperparam_search.plan_search(*searched, line.split()).training
    assert dataclasses.replace(of_search, show_progress=of_train.show_progress) == of_train

    asked: list[TrainingRequest] = []
    original = pipeline.request_of

    def request_of(cell: Cell, shared: TrainingRequest) -> TrainingRequest:
        asked.append(original(cell, shared))
        assert resolve(request_from_flags(*train.make_parser().parse_with_given(cell.arguments))).settings
        return asked[-1]

    monkeypatch.setattr(pipeline, "request_of", request_of)
    assert pipeline.main(f"{line} {where} --dry-run".split()) == 0
    assert [resolve(request) for request in asked] == [of_train]
    assert not list(tmp_path.iterdir())


def test_every_flag_of_train_is_a_choice_or_a_parameter_of_the_world() -> None:
    from environments.flags import ENV_FLAGS

    later = {"help", "env_config", "env_package"}  # the one holds parameters of the world, the other registers worlds
    flags = {action.dest for action in train.make_parser().flags()}
    of_front_doors = {"layout", "levels", "iterations", "save_iterations"}
    assert flags - later - set(ENV_FLAGS) == set(CHOICES) - of_front_doors


def test_resolving_changes_nothing(tmp_path: Path) -> None:
    request = TrainingRequest(
        env="MobileRobotGymEnv-v0", srl_model="ground_truth", log_dir=tmp_path / "logs", env_kwargs={"max_steps": 9}
    )
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    threads, asked = torch.get_num_threads(), dataclasses.asdict(request)
    plan = resolve(request)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before
    assert (torch.get_num_threads(), dataclasses.asdict(request)) == (threads, asked)
    assert plan.config.max_steps == 9
    assert not list(tmp_path.iterdir())
    assert resolve(dataclasses.replace(request, seed=-1)).seed != -1


def test_a_request_without_a_command_trains_and_is_kept_whole(tmp_path: Path) -> None:
    request = TrainingRequest(
        algo="a2c", env="MobileRobotGymEnv-v0", srl_model="ground_truth", num_timesteps=40, num_cpu=1,
        log_dir=tmp_path, no_vis=True, no_progress=True, eval_freq=20, env_kwargs={"max_steps": 10},
    )  # fmt: skip
    threads, begun = torch.get_num_threads(), []
    result = run_training(resolve(request), begun.append)
    assert (result.status, begun) == (0, [result.run])
    assert torch.get_num_threads() == threads
    assert result.run is not None
    saved = read_plan(result.run)
    assert saved.saving == {"episode_window": 40, "min_episodes_save": 100, "eval_freq": 20, "save_freq": 0}
    assert saved.arguments["env"] == "MobileRobotGymEnv-v0"
    assert result.run.read_yaml(result.run.args)["arguments"] == saved.arguments
    content = json.loads(result.run.plan.read_text())
    assert content["format"] == 1
    assert content["env_kwargs"]["max_steps"] == 10


def test_an_experiment_has_its_own_folder(tmp_path: Path) -> None:
    line = "--algo a2c --env MobileRobotGymEnv-v0 --srl-model ground_truth --num-timesteps 10 --no-vis --no-progress"
    assert train.main([*line.split(), "--log-dir", str(tmp_path), "--experiment-name", "reach"]) == 0
    (folder,) = [path for path in tmp_path.iterdir() if not path.is_symlink()]
    assert folder.name.startswith("reach_20")
    assert RunFolder(folder).latest.is_file()
    with pytest.raises(UserError, match="give one of them"):
        train.main([*line.split(), "--suffix", "x", "--experiment-name", "reach"])
    with pytest.raises(UserError, match="'a/b' can't"):
        train.main([*line.split(), "--experiment-name", "a/b"])


@pytest.mark.parametrize("algo", ["ppo2", "dqn"])
def test_a_run_from_before_the_plan_is_resumed_from_its_args(algo: str, tmp_path: Path) -> None:
    shutil.copytree(FORMAT_1 / algo, tmp_path / algo)
    plan = resolve(TrainingRequest(resume=str(tmp_path / algo), no_vis=True))
    assert plan.total_timesteps == 10_000_000
    assert plan.min_episodes_save == 100
    assert plan.arguments["algo"] == algo
    assert not (tmp_path / algo / "plan.json").exists()
    args = RunFolder(tmp_path / algo).args
    args.write_text(
        args.read_text()
        .replace("  min_episodes_save: 100\n", "  min_episodes_save: 7\n")
        .replace("  save_freq: 0\n", "")
    )
    older = resolve(TrainingRequest(resume=str(tmp_path / algo), no_vis=True))
    assert (older.min_episodes_save, older.save_freq) == (7, 0), "a flag that an older version lacked is at its default"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{", "is damaged"), ('{"format": 9}', "has format 9, and this version reads format 1"), ("[]", "is damaged")],
)
def test_a_damaged_plan_is_said(tmp_path: Path, content: str, sentence: str) -> None:
    run = RunFolder(tmp_path)
    run.plan.write_text(content)
    with pytest.raises(UserError, match=sentence):
        read_plan(run)


def test_a_home_folder_is_meant_in_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HOME", "/home/of/nobody")
    for command in (train, hyperparam_search, pipeline):
        assert command.make_parser().parse_args(["--log-dir=~/x"]).log_dir == Path("/home/of/nobody/x")


def test_a_short_name_is_the_world_with_its_presets(tmp_path: Path) -> None:
    def plan(env: str) -> TrainingPlan:
        return resolve(TrainingRequest(env=env, algo="batched_ppo", log_dir=tmp_path, no_vis=True))

    short, full = plan("Ant"), plan("AntGymEnv-v0")
    assert short.env_id == full.env_id == "AntGymEnv-v0"
    assert short.settings == full.settings
    assert short.settings["n_envs"].source.endswith(": AntGymEnv-v0/ground_truth")


def test_a_training_that_is_ended_before_it_begins_leaves_nothing(tmp_path: Path) -> None:
    plan = plan_of_train(f"{SAME_CHOICES[0]} --log-dir {tmp_path / 'logs'} --no-vis")

    def ended(_run: RunFolder) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(plan, on_begin=ended)
    assert list(tmp_path.iterdir()) == []
