"""The episode log against the monitor files of the same training."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sb3_contrib import TRPO
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.runs.monitors import read_monitor
from rl_baselines.training.callbacks.episodes import EpisodeRecorder
from tests.rl_baselines.training.callbacks.toy import Toy


def monitored(folder: Path, rank: int, continuous: bool = False) -> Monitor:
    return Monitor(
        Toy(length=5 + 2 * rank, continuous=continuous),
        str(folder / f"{rank}.monitor.csv"),
        info_keywords=("is_success",),
    )


def make_venv(folder: Path, n_envs: int, continuous: bool = False) -> DummyVecEnv:
    venv = DummyVecEnv([partial(monitored, folder, rank, continuous) for rank in range(n_envs)])
    venv.seed(3)
    return venv


@pytest.mark.parametrize(
    ("algorithm", "n_envs", "settings"),
    [
        (PPO, 3, {"n_steps": 16, "batch_size": 16, "n_epochs": 1}),
        (A2C, 1, {}),
        (TRPO, 2, {"n_steps": 32, "batch_size": 32}),
        (DQN, 2, {"learning_starts": 50}),
        (SAC, 1, {"learning_starts": 100}),
    ],
)
def test_the_log_is_what_the_monitors_wrote(tmp_path: Path, algorithm: Any, n_envs: int, settings: dict) -> None:
    venv = VecNormalize(make_venv(tmp_path, n_envs, continuous=algorithm is SAC), norm_reward=False)
    log = EpisodeLog()
    model = algorithm("MlpPolicy", venv, policy_kwargs={"net_arch": [4]}, device="cpu", **settings)
    model.learn(130, callback=EpisodeRecorder(log))
    venv.close()

    told = EpisodeLog.from_monitors(tmp_path).arrays()
    seen = log.arrays()
    assert seen.count >= 10
    for name in ("timesteps", "returns", "lengths", "successes"):
        # episodes that end in one step have no order of their own
        in_order = [getattr(run, name)[np.lexsort((run.returns, run.timesteps))] for run in (seen, told)]
        np.testing.assert_array_equal(*in_order, err_msg=name)
    # the monitors' clocks began when they were made, the log's with the training
    np.testing.assert_allclose(np.diff(seen.times), np.diff(told.times), atol=0.5)
    assert (np.diff(seen.times) >= 0).all()


def test_a_second_training_goes_on_with_steps_and_clock(tmp_path: Path) -> None:
    log = EpisodeLog()
    model = PPO("MlpPolicy", make_venv(tmp_path, 1), n_steps=32, batch_size=32, n_epochs=1, device="cpu")
    model.learn(32, callback=EpisodeRecorder(log))
    before = log.count
    log.times[-1] = 1000.0
    model.learn(32, callback=EpisodeRecorder(log), reset_num_timesteps=False)
    seen = log.arrays()
    assert seen.count > before > 0
    assert (seen.timesteps[before:] > 32).all()
    assert (seen.times[before:] >= 1000.0).all()
    np.testing.assert_array_equal(seen.returns, read_monitor(tmp_path / "0.monitor.csv").returns)


def test_mean_return() -> None:
    log = EpisodeLog()
    assert log.mean_return() is None
    assert log.count == 0
    for value in (1.0, 2.0, 6.0):
        log.append(10, value, 5)
    assert log.mean_return() == 3.0
    assert log.mean_return(2) == 4.0
    assert math.isnan(log.successes[0])
    copy = log.arrays()
    log.append(20, 0.0, 5)
    assert copy.count == 3
