"""Worlds with goals: relabelled replay (HER), and n-step returns."""

from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.buffers import NStepReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_baselines.training.reporter import Reporter
from srl3.errors import UserError
from tests.rl_baselines.conftest import MOBILE
from tests.rl_baselines.training.conftest import stopped_at
from tests.rl_baselines.training.goal_world import GOAL_ID, Reach1D
from tests.rl_baselines.training.test_resume_registry import different

HER = (
    *("--env", GOAL_ID, "--algo", "sac", "--num-timesteps", "60", "--hyperparam"),
    *("replay_buffer_class:HerReplayBuffer", "replay_buffer_kwargs:{n_sampled_goal: 3}"),
    *("learning_starts:20", "batch_size:8", "train_freq:5", "gradient_steps:1", "buffer_size:100"),
    "policy_kwargs:{net_arch: [8]}",
)


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHON_CPU_COUNT", "1")  # all worlds in this process, which knows them
    monkeypatch.setattr(Reporter, "plot", lambda self, log: None)
    gymnasium.register(GOAL_ID, entry_point=Reach1D, max_episode_steps=8)
    yield
    del gymnasium.registry[GOAL_ID]


def test_goals_are_relabelled_and_a_stopped_run_goes_on_bit_for_bit(small_train, models, monkeypatch, tmp_path):
    small_train(*HER, log_dir=tmp_path / "whole")
    never_stopped = models[-1]
    buffer = never_stopped.replay_buffer
    assert isinstance(buffer, HerReplayBuffer)
    assert buffer.n_sampled_goal == 3
    buffer.env = DummyVecEnv([Reach1D])  # the training's are closed
    samples = buffer.sample(64)
    relabelled = samples.observations["desired_goal"].numpy()
    asked = buffer.observations["desired_goal"][:60, 0]
    assert not np.isin(relabelled, asked).all()  # places that were reached are goals too
    near = np.abs(samples.next_observations["achieved_goal"].numpy() - relabelled) <= 0.3
    assert np.array_equal(samples.rewards.numpy() == 0, near)

    run = stopped_at(34, small_train, monkeypatch, *HER, log_dir=tmp_path / "part")
    small_train("--resume", str(run.path), log_dir=tmp_path / "part")
    for model in (never_stopped, models[-1]):
        model.replay_buffer.env = None
    assert different(never_stopped, models[-1]) == []


def test_another_training_takes_over_whole_episodes(small_train, models, tmp_path, capsys):
    parent = small_train(*HER, log_dir=tmp_path / "parent")
    again = ("--load-rl-model-path", str(parent.latest), "--num-timesteps", "10")
    small_train(*again, log_dir=tmp_path / "child")
    assert "beginning empty" not in capsys.readouterr().out
    buffer = models[-1].replay_buffer
    assert buffer.pos == 70
    assert (buffer.ep_length[:60] > 0).all()  # 56 of seven episodes, and the four of one that was cut short
    small_train(*again, "--num-cpu", "2", "--hyperparam", "learning_starts:50", log_dir=tmp_path / "other")
    assert "its episodes stay whole: beginning empty" in capsys.readouterr().out


def test_learning_waits_for_the_first_episode_where_nobody_knows_its_length(
    small_train, models, monkeypatch, tmp_path, capsys
):
    unlimited = "Unlimited1D-v0"
    gymnasium.register(unlimited, entry_point=Reach1D)  # its episodes have 8 steps, which it does not say
    flags = [{GOAL_ID: unlimited, "learning_starts:20": "learning_starts:2"}.get(flag, flag) for flag in HER]
    flags[flags.index("train_freq:5")] = "train_freq:1"
    try:
        small_train(*flags, log_dir=tmp_path / "whole")
        never_stopped = models[-1]
        assert never_stopped._n_updates == 60 - 7  # one a step, from the step that ended the first episode
        assert "none is over or kept after 3 steps" in capsys.readouterr().err
        run = stopped_at(5, small_train, monkeypatch, *flags, log_dir=tmp_path / "part")
        small_train("--resume", str(run.path), log_dir=tmp_path / "part")
        for model in (never_stopped, models[-1]):
            model.replay_buffer.env = None
        assert different(never_stopped, models[-1]) == []
    finally:
        del gymnasium.registry[unlimited]


def test_n_step_returns(small_train, models):
    steps = ("n_steps:3", "learning_starts:20", "batch_size:8", "buffer_size:100", "policy_kwargs:{net_arch: [8]}")
    small_train(*MOBILE, "-c", "--algo", "sac", "--num-timesteps", "40", "--hyperparam", *steps)
    assert isinstance(models[-1].replay_buffer, NStepReplayBuffer)
    assert models[-1].replay_buffer.n_steps == 3


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ((*HER, "learning_starts:7"), "sets learning_starts twice"),
        ((*HER[:9], "learning_starts:7"), "needs a whole episode before it learns: set learning_starts to at least 8"),
        ((*HER[:9], "learning_starts:8", "buffer_size:7"), "none fits in its buffer: set buffer_size to at least 8"),
        ((*HER[:6], "--hyperparam", "replay_buffer_class:HerBuffer"), "unknown replay_buffer_class 'HerBuffer'; did"),
        (
            (*HER[:8], "replay_buffer_kwargs:{n_goals: 3}"),
            "takes handle_timeout_termination, n_sampled_goal, goal_selection_strategy, not 'n_goals'",
        ),
        ((*HER[:8], "replay_buffer_kwargs:{n_sampled_goal: 0}"), "must be a whole number of at least 1, not 0"),
        ((*HER[:8], "replay_buffer_kwargs:{goal_selection_strategy: past}"), "is one of future, final, episode"),
        (
            (
                *MOBILE,
                "-c",
                "--algo",
                "sac",
                "--hyperparam",
                HER[7],
                "learning_starts:250",
            ),
            r"Dict with observation, achieved_goal, desired_goal; this one observes Box",
        ),
        (("--env", GOAL_ID, "--algo", "sac", "--hyperparam", "n_steps:3"), "N-step returns are not supported for Dict"),
    ],
)
def test_mistakes_leave_nothing(small_train, tmp_path, flags, sentence):
    with pytest.raises(UserError, match=sentence):
        small_train(*flags)
    assert not list(tmp_path.rglob("*.zip"))
    assert not list(tmp_path.rglob("args.yaml"))
