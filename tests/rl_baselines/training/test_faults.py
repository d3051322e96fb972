"""Trainings that break: what is said, with which status, and what is left to go on with."""

import errno
import os
from pathlib import Path

import pytest

from rl_baselines import train
from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.runs.folder import RunFolder
from rl_baselines.runs.run_folder import find_runs
from srl3.errors import run_command
from tests.rl_baselines.conftest import MOBILE, SMALL

SHOWN = ("--no-vis", "--no-progress")


def ended(*flags: str) -> int:
    with pytest.raises(SystemExit) as end:
        run_command(train.main, [*flags, *SHOWN])
    return end.value.code


NON_FINITE = {
    "dqn": ("--algo", "dqn", "--hyperparam", "learning_rate:1e30", "learning_starts:50"),
    "sac": ("--algo", "sac", "-c", "--hyperparam", "learning_rate:1", "learning_starts:50"),
    "td3": ("--algo", "td3", "-c", "--hyperparam", "learning_rate:1e30", "learning_starts:50"),
    "ppo2": ("--algo", "ppo2", "-c", "--hyperparam", "learning_rate:1e30", "n_steps:50"),
}


@pytest.mark.parametrize("name", NON_FINITE)
def test_a_huge_rate_ends_with_one_sentence_and_finite_checkpoints(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    flags = [*MOBILE, *NON_FINITE[name], "--num-timesteps", "400", "--log-dir", str(tmp_path)]
    assert ended(*flags, "--min-episodes-save", "0", "--env-kwargs", "max_steps:20") == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "became non-finite at step " in err
    assert "try a smaller learning rate" in err
    (run,) = find_runs(tmp_path)
    for checkpoint in run.path.rglob("*.zip"):
        for state in load_checkpoint(checkpoint).parameters.values():
            for tensor in state.values():
                if hasattr(tensor, "isfinite"):
                    assert tensor.isfinite().all()
                    assert tensor.abs().max() < 1e18


def test_a_link_to_nowhere_as_log_dir(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "link").symlink_to("nowhere")
    assert ended(*MOBILE, *SMALL, "--log-dir", str(tmp_path / "link")) == 2
    assert "link is a link to nowhere, which does not exist" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["link"]


def test_a_name_that_is_too_long_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert ended(*MOBILE, *SMALL, "--log-dir", str(tmp_path / "logs"), "--suffix", "x" * 300) == 2
    assert "is too long for the file system" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_locks_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    with RunFolder(tmp_path).held():
        pass
    assert capsys.readouterr().err == (
        f"warning: {tmp_path} is on a file system without locks: let no second training go on in it.\n"
    )


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_a_replay_buffer_cut_short_is_one_sentence(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from tests.rl_baselines.training.test_resume import stop_at

    with monkeypatch.context() as patch:
        stop_at(patch, 130)
        flags = [*MOBILE, "--algo", "dqn", "--num-timesteps", "400", "--log-dir", str(tmp_path)]
        assert ended(*flags, "--hyperparam", "learning_starts:50") == 130
    (run,) = find_runs(tmp_path)
    run.replay_buffer.write_bytes(run.replay_buffer.read_bytes()[:kept])
    assert ended("--resume", str(run.path)) == 2
    assert f"error: {run.replay_buffer} is damaged (" in capsys.readouterr().err
    run.replay_buffer.unlink()
    run.progress.write_bytes(b"time/total_timesteps\n\xff\n")
    assert ended("--resume", str(run.path)) == 0
    assert f"warning: {run.progress} is damaged (" in capsys.readouterr().err


WRONG_WORLD = """
import gymnasium
import numpy as np
from gymnasium import spaces


class WrongEnv(gymnasium.Env):
    observation_space, action_space = spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        return np.zeros(SIZE, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), 0.0, False, False, {}


gymnasium.register("NAME", WrongEnv)
"""


@pytest.mark.parametrize(("name", "size"), [("WrongAtReset-v0", "1"), ("WrongAtStep-v0", "2")])
def test_a_mistake_of_the_world_leaves_no_run(
    name: str, size: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    package = name.removesuffix("-v0").lower()
    (tmp_path / f"{package}.py").write_text(WRONG_WORLD.replace("SIZE", size).replace("NAME", name), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    logs = tmp_path / "logs"
    assert ended("--env-package", package, "--env", name, "--algo", "ppo2", "--log-dir", str(logs)) == 2
    assert f"{name} declares observations of shape (2,), but an observation has (1,)" in capsys.readouterr().err
    assert not logs.exists()
