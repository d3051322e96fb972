"""Every algorithm, in every variant that keeps something of its own, goes on bit for bit where it stopped."""

import csv
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import BaseBuffer
from stable_baselines3.common.noise import ActionNoise, VectorizedActionNoise

from rl_baselines.registry import ActionType, registered_rl
from rl_baselines.runs.monitors import read_run
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.callbacks.checkpoints import CheckpointWriter
from rl_baselines.training.callbacks.episodes import EpisodeRecorder
from rl_baselines.training.reporter import Reporter
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from rl_baselines.training.run import run_training

STOP, TOTAL = 95, 200
NET = "policy_kwargs:{net_arch: [8]}"
LSTM = "policy_kwargs:{net_arch: [8], lstm_hidden_size: 8}"
OFF_POLICY = ("learning_starts:30", "batch_size:16", "buffer_size:150", "train_freq:5", "gradient_steps:1", NET)
SMALL: dict[str, tuple[str, ...]] = {
    "ppo2": ("n_steps:25", "batch_size:25", "n_epochs:2", NET),
    "batched_ppo": ("n_steps:25", "batch_size:25", "n_epochs:2", NET),
    "a2c": ("n_steps:10", NET),
    "trpo": ("n_steps:25", "batch_size:25", NET),
    "recurrent_ppo": ("n_steps:25", "batch_size:25", "n_epochs:2", LSTM),
    "maskable_ppo": ("n_steps:25", "batch_size:25", "n_epochs:2", NET),
    "ars": ("n_delta:2", "n_top:1"),
    "cma-es": ("population_size:4", NET),
    "random_agent": ("n_steps:25",),
    **dict.fromkeys(("dqn", "qrdqn", "ddpg", "td3", "sac", "tqc", "crossq"), OFF_POLICY),
}
ALIASES = {"ppo": "ppo2", "deepq": "dqn", "rsl_ppo": "batched_ppo"}
WITHOUT_MASKS = {"maskable_ppo": "no registered world has action masks"}
VARIANTS: dict[str, tuple[str, bool, tuple[str, ...]]] = {
    "ppo2 with gSDE": ("ppo2", True, ("use_sde:true",)),
    "ppo2 with gSDE drawn again within a rollout": ("ppo2", True, ("use_sde:true", "sde_sample_freq:4", "n_envs:2")),
    "a2c with gSDE": ("a2c", True, ("use_sde:true", "n_envs:2")),
    "sac with gSDE": ("sac", True, ("use_sde:true", "train_freq:8", "sde_sample_freq:3")),
    "recurrent_ppo with gSDE": ("recurrent_ppo", True, ("use_sde:true",)),
    **{
        f"{algo} with {noise} noise, {n_envs} environment(s)": (
            algo,
            True,
            (f"noise_type:{noise}", "noise_std:0.3", f"n_envs:{n_envs}"),
        )
        for algo, noise, n_envs in (
            ("td3", "ornstein-uhlenbeck", 1),
            ("td3", "ornstein-uhlenbeck", 2),
            ("ddpg", "ornstein-uhlenbeck", 1),
            ("sac", "ornstein-uhlenbeck", 1),
            ("tqc", "ornstein-uhlenbeck", 2),
            ("td3", "normal", 1),
        )
    },
    "sac with several-step returns": ("sac", True, ("n_steps:3",)),
    "dqn, memory spared": (
        "dqn",
        False,
        ("optimize_memory_usage:true", "replay_buffer_kwargs:{handle_timeout_termination: false}"),
    ),
}
EVERY: dict[str, tuple[str, bool, tuple[str, ...]]] = {
    f"{algo}, {kind.value}": (algo, kind is ActionType.CONTINUOUS, ())
    for algo, entry in registered_rl.items()
    if algo not in ALIASES and algo not in WITHOUT_MASKS and not entry.load_class().supervised
    for kind in entry.actions
} | VARIANTS
OF_THIS_PROCESS = {
    "_num_timesteps_at_start": "steps per second are counted from the resumption",
    "start_time": "a clock",
    "_logger": "has the files of the run",
    "env": "compared by what it shows",
    "_vec_normalize_env": "compared in the checkpoint",
    "rollout_buffer": "emptied at each rollout's start",
    "ep_info_buffer": "compared without its clock",
    "clock": "a clock",
    "collector": "compared by what it saves",
    "learner": "compared by what it saves",
}
"""attributes of a model that need not be equal, and why"""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def request_of(variant: str, log_dir: Path) -> TrainingRequest:
    algo, continuous, hyperparam = EVERY[variant]
    named = {text.partition(":")[0] for text in hyperparam}
    return TrainingRequest(
        algo=algo,
        env="MobileRobotGymEnv-v0",
        srl_model="ground_truth",
        env_kwargs={"max_steps": 15, "is_discrete": not continuous, "random_target": True},
        num_timesteps=TOTAL,
        hyperparam=(
            *(text for text in SMALL[algo] if text.partition(":")[0] not in named),
            *(() if "n_envs" in named else ("n_envs:1",)),
            *hyperparam,
        ),
        log_dir=log_dir,
        no_vis=True,
        no_progress=True,
    )


def test_every_algorithm_is_here() -> None:
    supervised = {"distillation"}  # tests/rl_baselines/distillation
    assert set(SMALL) | set(ALIASES) | supervised == set(registered_rl)
    for algo, same in ALIASES.items():
        assert registered_rl[algo].load_class() is registered_rl[same].load_class()


@pytest.mark.parametrize("variant", EVERY)
def test_resumed_equals_never_stopped(variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models: list[BaseAlgorithm] = []
    write = CheckpointWriter.write_latest

    def write_latest(self: CheckpointWriter, model: BaseAlgorithm) -> None:
        models.append(model)
        write(self, model)

    monkeypatch.setattr(CheckpointWriter, "write_latest", write_latest)
    monkeypatch.setattr(Reporter, "plot", lambda self, log: None)
    whole = run_training(resolve(request_of(variant, tmp_path / "whole"))).run
    never_stopped = models[-1]
    with monkeypatch.context() as patch:
        patch.setattr(EpisodeRecorder, "_on_step", stopping_at(STOP))
        result = run_training(resolve(request_of(variant, tmp_path / "stopped")))
    stopped = result.run
    assert whole is not None
    assert stopped is not None
    assert result.status == 130
    assert 0 < models[-1].num_timesteps < never_stopped.num_timesteps
    draw_much()
    assert run_training(resolve(TrainingRequest(resume=str(stopped.path), no_vis=True, no_progress=True))).status == 0
    resumed = models[-1]
    assert episodes(whole) == episodes(stopped)
    assert figures(whole) == figures(stopped)
    assert different(never_stopped, resumed) == []
    if getattr(resumed, "replay_buffer", None) is not None:
        assert [path.name for path in stopped.path.glob("replay_buffer*")] == ["replay_buffer.npz"]


def stopping_at(steps: int) -> Callable[[EpisodeRecorder], bool]:
    original = EpisodeRecorder._on_step
    done: list[int] = []

    def on_step(self: EpisodeRecorder) -> bool:
        if self.num_timesteps >= steps and not done:
            done.append(self.num_timesteps)
            os.kill(os.getpid(), signal.SIGINT)
        return original(self)

    return on_step


def draw_much() -> None:
    """Leave the process's generators elsewhere than a resumed run wants them."""
    np.random.random(13)
    torch.rand(13)


def episodes(run: RunFolder) -> tuple[list[float], list[int]]:
    read = read_run(run.path)
    assert read.count
    return read.returns.tolist(), read.lengths.tolist()


def figures(run: RunFolder) -> list[dict[str, str]]:
    """What ``progress.csv`` says of the terms of the reward, row by row."""
    with run.progress.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if name.startswith("episode/")} for row in rows]


def different(one: BaseAlgorithm, other: BaseAlgorithm) -> list[str]:
    """Attributes that two models differ in, but for those of `OF_THIS_PROCESS`."""
    names = (vars(one).keys() | vars(other).keys()) - OF_THIS_PROCESS.keys()
    wrong = [name for name in sorted(names) if not same(vars(one).get(name), vars(other).get(name))]
    if hasattr(one, "save_state") and not same(one.save_state(), other.save_state()):  # type: ignore[attr-defined]
        wrong.append("save_state()")
    earned = [[(each["r"], each["l"]) for each in model.ep_info_buffer or ()] for model in (one, other)]
    return wrong + (["ep_info_buffer"] if earned[0] != earned[1] else [])


def same(one: Any, other: Any) -> bool:
    """Whether two values hold the same numbers, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.nn.Module | torch.optim.Optimizer):
        return same(one.state_dict(), other.state_dict())
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple | deque):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, VectorizedActionNoise):
        return same(one.noises, other.noises)
    if isinstance(one, BaseBuffer | ActionNoise):
        held = vars(one).keys() - {"observation_space", "action_space"}
        return all(same(vars(one)[name], vars(other)[name]) for name in held)
    if type(one).__module__.startswith(
        ("stable_baselines3.common.utils", "numpy.random", "torch.distributions", "cma")
    ):
        return True  # schedules and generators, which show in what they give
    return bool(one == other)


def test_a_difference_is_seen() -> None:
    assert not same({"a": [torch.zeros(2)]}, {"a": [torch.ones(2)]})
    assert same({"a": (np.zeros(2), None)}, {"a": (np.zeros(2), None)})
