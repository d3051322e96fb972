"""Wrappers and callbacks that presets name: trained, resumed and shown with, and refused where they are wrong."""

import json

import numpy as np
import pytest

from rl_baselines import enjoy
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.worlds import make_worlds
from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.play.core.beginning import Wanted, begin
from rl_baselines.play.core.saved import go_to, moment, read_saved, write_saved
from srl3.errors import UserError
from tests.rl_baselines.conftest import KUKA, MOBILE
from tests.rl_baselines.training.conftest import stop_at
from tests.rl_baselines.training.test_resume import assert_equal_runs

HERE = "tests.rl_baselines.training.goal_world"
WRAPPED = (
    *("--num-timesteps", "400", "--hyperparam", "n_steps:50"),
    f"env_wrapper:{{{HERE}.Clock: {{scale: 0.01}}}}",
    f"vec_env_wrapper:{HERE}.HalfReward",
)


@pytest.mark.parametrize("world", [MOBILE, KUKA], ids=["mobile robot", "kuka"])
def test_a_stopped_run_goes_on_bit_for_bit(small_train, tmp_path, monkeypatch, world):
    whole = small_train(*world, *WRAPPED, log_dir=tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_at(patch, 180)
        stopped = small_train(*world, *WRAPPED, log_dir=tmp_path / "stopped", status=130)
    resumed = small_train("--resume", str(stopped.path), log_dir=tmp_path / "stopped")
    assert_equal_runs(whole, resumed)
    info = load_checkpoint(resumed.latest).info
    assert info.hyperparams["vec_env_wrapper"] == [{f"{HERE}.HalfReward": {}}]


def test_what_was_trained_in_wrappers_is_shown_in_them(small_train, tmp_path, capsys):
    run = small_train(*MOBILE, *WRAPPED, "--eval-freq", "200", "--eval-episodes", "2")
    actor = Actor.from_checkpoint(load_checkpoint(run.latest))
    checkpoint = load_checkpoint(run.latest)
    worlds = make_worlds(checkpoint.info, actor.encoder, checkpoint.info.env_kwargs, n_envs=2)
    observed = worlds.reset()
    assert observed.shape == (2, 3)
    assert observed[:, 2].tolist() == [0.0, 0.0]
    observed, *_ = worlds.step(np.zeros(2, np.int64))
    assert np.allclose(observed[:, 2], 0.01)
    worlds.close()
    capsys.readouterr()
    assert enjoy.main(["--log-dir", str(run.path), "--num-episodes", "2", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["lengths"] == [250, 250]
    assert all(each * 2 == round(each * 2) for each in shown["returns"])

    player = begin(Wanted((str(run.path), "zero"), tmp_path, robots=2))
    try:
        for _ in range(5):
            player.step()
        assert np.allclose(player.stage.observations[:, 2], 0.05)
        path = tmp_path / "moment.zip"
        write_saved(path, moment(player))
        player.step()
        go_to(player, read_saved(path))
        assert np.allclose(player.stage.observations[:, 2], 0.05)
        player.stage.begin_slot(1)
        assert (player.stage.observations[:, 2] == 0).all()
    finally:
        player.close()


def test_a_wrapper_that_keeps_a_secret_lets_episodes_begin_anew(small_train, tmp_path, monkeypatch, capsys):
    secretive = (*MOBILE, *WRAPPED[:4], f"env_wrapper:{HERE}.Secretive")
    with monkeypatch.context() as patch:
        stop_at(patch, 120)
        stopped = small_train(*secretive, log_dir=tmp_path / "stopped", status=130)
    run = small_train("--resume", str(stopped.path), log_dir=tmp_path / "stopped")
    assert "or a wrapper of it, does not repeat itself; new ones begin" in capsys.readouterr().err
    assert load_checkpoint(run.latest).info.num_timesteps == 400


def test_a_callback_ends_the_training(small_train):
    run = small_train(*MOBILE, *WRAPPED[:4], f"callback:{{{HERE}.StopAt: {{step: 120}}}}")
    assert load_checkpoint(run.latest).info.num_timesteps == 120


def test_trajectories_are_recorded_without_wrappers(small_train):
    with pytest.raises(UserError, match="records worlds without wrappers; leave it out, or env_wrapper"):
        small_train(*MOBILE, *WRAPPED, "--record-trajectories", "1")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("env_wrapper:Clock", "env_wrapper must be a class by its dotted name"),
        ("env_wrapper:[1]", "env_wrapper must be a class by its dotted name"),
        ("env_wrapper:no_such.Wrapper", "there is no module 'no_such'; install it"),
        ("env_wrapper:gymnasium.make", "takes classes derived from gymnasium.Wrapper, and gymnasium.make is none"),
        (f"env_wrapper:{HERE}.Clok", f"has no 'Clok'; did you mean {HERE}.Clock"),
        (f"env_wrapper:{{{HERE}.Clock: {{scal: 1}}}}", "has no argument 'scal'; it takes scale"),
        (f"env_wrapper:{HERE}.Dislikes", "does not suit this world: it is not round"),
        (f"vec_env_wrapper:{HERE}.Clock", "takes classes derived from stable_baselines3.common.vec_env.VecEnvWrapper"),
        ("vec_env_wrapper:stable_baselines3.common.vec_env.VecNormalize", "use the hyperparameter normalize"),
        (f"callback:{HERE}.StopAt", "StopAt needs step; write"),
        (f"callback:{{{HERE}.StopAt: {{step: 0}}}}", "StopAt refuses its arguments: step must be at least 1"),
        ("callback:os.system", "takes classes derived from stable_baselines3.common.callbacks.BaseCallback"),
    ],
)
def test_mistakes_leave_nothing(small_train, tmp_path, value, sentence):
    with pytest.raises(UserError, match=sentence):
        small_train(*MOBILE, "--num-timesteps", "50", "--hyperparam", "n_steps:50", value)
    assert list((tmp_path / "logs").rglob("*.*")) == []
