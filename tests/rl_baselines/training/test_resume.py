"""Same seed, same curve; stopped and resumed equals never stopped; all to the last bit."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from stable_baselines3 import PPO

from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import _shown_as, _visdom_port
from srl3.errors import UserError
from tests.rl_baselines.conftest import KUKA, MOBILE, SMALL
from tests.rl_baselines.training.conftest import stop_at
from tests.state_representation.made import write_random_representation

WORLDS = {
    "mobile robot": (*MOBILE, *SMALL),
    "mobile robot, continuous, random target": (*MOBILE, *SMALL, "-c", "-r"),
    "kuka": (*KUKA, *SMALL),
    "kuka, continuous, random target": (*KUKA, *SMALL, "-c", "-r"),
}


def weights(path: Path) -> dict[str, np.ndarray]:
    parameters = load_checkpoint(path).parameters
    flat = {f"policy.{name}": value.numpy() for name, value in parameters["policy"].items()}
    for number, moments in parameters["policy.optimizer"]["state"].items():
        flat |= {f"optimizer.{number}.{name}": np.asarray(value) for name, value in moments.items()}
    return flat


def curve(run: RunFolder) -> list[tuple[str, str]]:
    """Returns and lengths of the training episodes, as texts (wall times differ)."""
    rows = []
    for path in run.monitors():
        lines = path.read_text().splitlines()[1:]
        rows += [(row["r"], row["l"]) for row in csv.DictReader(lines)]
    return rows


def scalars(run: RunFolder) -> list[dict[str, str]]:
    """``progress.csv`` without what depends on the clock."""
    clocks = ("time/fps", "time/time_elapsed", "time/iterations")
    with run.progress.open() as file:
        return [{name: value for name, value in row.items() if name not in clocks} for row in csv.DictReader(file)]


def assert_equal_runs(first: RunFolder, second: RunFolder) -> None:
    one, other = weights(first.latest), weights(second.latest)
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert np.array_equal(value, other[name]), name
    a, b = load_checkpoint(first.latest).state["normalize"], load_checkpoint(second.latest).state["normalize"]
    assert np.array_equal(a["obs_mean"], b["obs_mean"])
    assert a["obs_count"] == b["obs_count"]
    assert curve(first) == curve(second)
    assert scalars(first) == scalars(second)


@pytest.mark.parametrize("flags", WORLDS.values(), ids=WORLDS)
def test_resumed_equals_never_stopped(small_train, tmp_path, monkeypatch, flags):
    whole = small_train(*flags, log_dir=tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_at(patch, 180)
        stopped = small_train(*flags, log_dir=tmp_path / "stopped", status=130)
    assert load_checkpoint(stopped.latest).info.num_timesteps == 200
    assert PPO.load(stopped.latest).num_timesteps == 200
    resumed = small_train("--resume", str(stopped.path), log_dir=tmp_path / "stopped")
    assert resumed.path == stopped.path
    assert load_checkpoint(resumed.latest).info.num_timesteps == 400
    assert_equal_runs(whole, resumed)


def test_a_run_on_a_representation_resumes_without_its_files(small_train, tmp_path, monkeypatch):
    folder = tmp_path / "representation"
    write_random_representation(folder)
    learned = ("--srl-model", "random", "--srl-model-path", str(folder))
    flags = ("--env", "MobileRobotGymEnv-v0", "--num-cpu", "1", *learned, *SMALL)
    whole = small_train(*flags, log_dir=tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_at(patch, 180)
        stopped = small_train(*flags, log_dir=tmp_path / "stopped", status=130)
    shutil.rmtree(folder)
    assert_equal_runs(whole, small_train("--resume", str(stopped.path), log_dir=tmp_path / "stopped"))


def test_same_seed_same_curve_and_another_seed_another(small_train, tmp_path):
    flags = WORLDS["mobile robot, continuous, random target"]
    first = small_train(*flags, log_dir=tmp_path / "first")
    again = small_train(*flags, log_dir=tmp_path / "again")
    other = small_train(*flags, "--seed", "1", log_dir=tmp_path / "other")
    assert_equal_runs(first, again)
    assert scalars(first) != scalars(other)


def test_a_finished_run_is_not_resumed(small_train, tmp_path):
    run = small_train(*WORLDS["mobile robot"])
    with pytest.raises(UserError, match="trained all its 400 steps"):
        small_train("--resume", str(run.path))
    with pytest.raises(UserError, match="leave out --num-timesteps"):
        small_train("--resume", str(run.path), "--num-timesteps", "800")


def test_a_resumed_run_is_shown_as_it_was():
    silent = {"port": 8097, "no_vis": True}
    assert _visdom_port(_shown_as(TrainingRequest(resume="run"), silent)) is None
    assert _visdom_port(_shown_as(TrainingRequest(resume="run", port=9000), silent)) == 9000
    assert _visdom_port(_shown_as(TrainingRequest(resume="run"), {"port": 9001, "no_vis": False})) == 9001
    assert _visdom_port(_shown_as(TrainingRequest(resume="run", no_vis=True), {"port": 9001})) is None


def test_without_a_sound_latest_checkpoint_another_one_is_named(small_train, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 300)
        stopped = small_train(*WORLDS["mobile robot"], "--save-freq", "100", status=130)
    other = stopped.all_checkpoints()[1]
    stopped.latest.write_bytes(stopped.latest.read_bytes()[:1000])
    with pytest.raises(UserError, match=f"not a whole zip file.*; train on .* --load-rl-model-path .*{other.name}"):
        small_train("--resume", str(stopped.path))
    stopped.latest.unlink()
    with pytest.raises(UserError, match=f"has no latest.zip to resume from; train on .*{other.name}"):
        small_train("--resume", str(stopped.path))


def test_a_run_that_is_being_trained_is_not_resumed(small_train, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 120)
        stopped = small_train(*WORLDS["mobile robot"], status=130)
    before = {path: path.read_bytes() for path in stopped.path.rglob("*") if path.is_file()}
    with stopped.held(), pytest.raises(UserError, match="is being trained by another process"):
        small_train("--resume", str(stopped.path))
    assert {path: path.read_bytes() for path in stopped.path.rglob("*") if path.is_file()} == before
    small_train("--resume", str(stopped.path))


def test_an_off_policy_run_goes_on_with_its_replay_buffer(small_train, monkeypatch):
    flags = (*MOBILE, "-c", "--algo", "sac", "--num-timesteps", "300", "--hyperparam", "learning_starts:50")
    with monkeypatch.context() as patch:
        stop_at(patch, 120)
        stopped = small_train(*flags, status=130)
    with np.load(stopped.replay_buffer, allow_pickle=False) as buffer:
        assert buffer["num_timesteps"] == 120
        assert len(buffer["actions"]) == 120
    small_train("--resume", str(stopped.path))
    with np.load(stopped.replay_buffer, allow_pickle=False) as buffer:
        assert buffer["num_timesteps"] == 300
        assert len(buffer["actions"]) == 300


def test_a_replay_buffer_of_another_step_is_refused(small_train, monkeypatch):
    flags = (*MOBILE, "-c", "--algo", "td3", "--num-timesteps", "300")
    with monkeypatch.context() as patch:
        stop_at(patch, 120)
        stopped = small_train(*flags, status=130)
    with np.load(stopped.replay_buffer, allow_pickle=False) as buffer:
        arrays = {name: buffer[name] for name in buffer.files}
    arrays["num_timesteps"] = np.array(99)
    np.savez(stopped.replay_buffer, **arrays)
    with pytest.raises(UserError, match="step 99, but the checkpoint at step 120"):
        small_train("--resume", str(stopped.path))
