"""Flags of evaluations, threads, logs and buffers, and rewards that are normalised."""

import json

import numpy as np
import pytest
import torch

from rl_baselines import train
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.hyperparams.parameters import Kind, Parameter
from rl_baselines.runs.monitors import read_run
from rl_baselines.training.flags import add_training_flags, request_from_flags
from rl_baselines.training.resolve import resolve
from rl_baselines.vec_envs.create import create_envs
from srl3.errors import UserError
from srl3.flags import Parser
from tests.rl_baselines.conftest import MOBILE, SMALL

SHORT = ("--env-kwargs", "max_steps:20")
EVALUATED = ("--eval-freq", "200", "--eval-episodes", "3", "--n-eval-envs", "2", "--eval-env-kwargs", "max_steps:7")


def plan_of(*flags: str):
    parser = Parser()
    add_training_flags(parser)
    return resolve(request_from_flags(*parser.parse_with_given([*MOBILE, *flags, "--no-vis"])))


def test_evaluations_play_so_many_episodes_in_their_own_world_also_when_resumed(small_train):
    run = small_train(*MOBILE, *SMALL, *SHORT, *EVALUATED)
    with np.load(run.path / "evaluations.npz") as found:
        assert found["results"].shape == (2, 3)
        assert (found["ep_lengths"] == 7).all()
    assert (read_run(run.path).lengths == 20).all(), "the training's world is as it was"
    saved = json.loads(run.plan.read_text())
    assert (saved["eval_episodes"], saved["n_eval_envs"], saved["eval_env_kwargs"]) == (3, 2, {"max_steps": 7})


def test_so_many_evaluations_evenly_over_the_training_of_hundreds_of_robots_which_learns_as_without(small_train):
    many = (*MOBILE[:-1], "256", "--algo", "batched_ppo", "--hyperparam", "n_steps:4", "n_epochs:1", "nminibatches:1")
    flags = (*many, *SHORT, "--num-timesteps", "5000")
    run = small_train(*flags, "--num-evals", "3", "--eval-episodes", "300")
    with np.load(run.path / "evaluations.npz") as found:
        # the first steps of 256 robots at or after 1,667, 3,334 and 5,001, of which the last is that of the end
        assert found["timesteps"].tolist() == [1792, 3584, 5120]
        assert found["results"].shape == (3, 300)
    policies = [load_checkpoint(each.latest).parameters["policy"] for each in (run, small_train(*flags))]
    assert all(torch.equal(policies[0][name], policies[1][name]) for name in policies[0])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--eval-freq", "9", "--num-evals", "2"], "--eval-freq and --num-evals both say when to evaluate; give one"),
        (["--eval-episodes", "3"], "--eval-episodes is for evaluations; add --eval-freq, for example 10_000."),
        (["--eval-env-kwargs", "max_steps:3"], "--eval-env-kwargs is for evaluations; add --eval-freq"),
        (["--eval-freq", "9", "--eval-env-kwargs", "max_step:3"], r"max_step'.*did you mean max_steps"),
        (["--eval-freq", "9", "--eval-env-kwargs", "is_discrete:false"], "can't change is_discrete, which decides"),
        (["--eval-freq", "9", "--eval-env-kwargs", "3"], "--eval-env-kwargs takes name:value"),
    ],
)
def test_mistakes_in_evaluations(flags, sentence):
    with pytest.raises(UserError, match=sentence):
        plan_of(*flags)


def test_a_world_that_shows_something_else_is_no_evaluation(tmp_path):
    flags = [*MOBILE, *SMALL, "--eval-freq", "9", "--eval-env-kwargs", "relative_pos:false", "--no-vis"]
    with pytest.raises(UserError, match="with these --eval-env-kwargs the observation space is"):
        train.main([*flags, "--log-dir", str(tmp_path / "logs")])
    assert list(tmp_path.iterdir()) == []


def test_threads_and_logs(small_train, monkeypatch, capsys):
    before, seen = torch.get_num_threads(), []
    set_threads = torch.set_num_threads
    monkeypatch.setattr(torch, "set_num_threads", lambda count: (seen.append(count), set_threads(count)))
    small_train(*MOBILE, *SMALL, *SHORT, "--num-threads", "2", "--verbose", "1")
    assert seen == [2, before]
    assert "| time/" in capsys.readouterr().out
    assert "| time/" not in (small_train(*MOBILE, *SMALL, *SHORT), capsys.readouterr().out)[1]


def test_a_run_without_a_saved_replay_buffer_goes_on_with_an_empty_one(small_train):
    flags = ("--algo", "dqn", "--hyperparam", "learning_starts:50", "buffer_size:500", "--num-timesteps", "200")
    kept = small_train(*MOBILE, *SHORT, *flags)
    assert kept.replay_buffer.is_file()
    run = small_train(*MOBILE, *SHORT, *flags, "--no-save-replay-buffer")
    assert not run.replay_buffer.exists()
    assert run.latest.is_file()


def test_normalize_is_a_switch_or_says_what():
    parameter = Parameter("normalize", Kind.NORMALIZE, False)
    for value in (True, "true", {"norm_obs": True}, {"norm_obs": True, "norm_reward": False}, {}):
        assert parameter.convert(value) is True
    assert parameter.convert({"norm_obs": False, "norm_reward": False}) is False
    assert parameter.convert({"norm_reward": True}) == {"norm_obs": True, "norm_reward": True}
    for value in ({"clip_obs": 3}, {"norm_obs": 3}, 3):
        with pytest.raises(ValueError, match="normalize must be true, false or a mapping"):
            parameter.convert(value)


@pytest.mark.parametrize("observations", [True, False])
def test_rewards_are_normalised_alone_or_with_observations(observations, small_train):
    run = small_train(
        *(*MOBILE, *SMALL, *SHORT),
        *("--hyperparam", "n_steps:50", f"normalize:{{norm_obs: {observations}, norm_reward: true}}", "gamma:0.9"),
    )
    state = load_checkpoint(run.latest).state["normalize"]
    assert state["ret_count"] > 100
    assert ("obs_mean" in state) == observations
    assert (np.abs(read_run(run.path).returns % 1) < 1e-9).all(), "monitors note the world's own rewards"


def test_rewards_alone_leave_observations_as_they_are():
    flags = {"env_id": "MobileRobotGymEnv-v0", "env_kwargs": {"srl_model": "ground_truth"}}
    bare = create_envs(**flags, normalize=False)
    rewards = create_envs(**flags, normalize=False, normalize_reward=True)
    assert rewards.observation_space == bare.observation_space
    np.testing.assert_array_equal(rewards.reset(), bare.reset())
    for venv in (bare, rewards):
        venv.close()
