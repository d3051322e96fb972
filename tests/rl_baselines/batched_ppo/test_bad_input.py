from typing import Any

import pytest
import torch
from stable_baselines3.common.vec_env import VecFrameStack

from rl_baselines import train
from rl_baselines.batched_ppo.settings import nearest_divisors
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.tensors import tensor_env
from srl3.errors import UserError
from tests.rl_baselines.batched_ppo.worlds import cues, follow, made
from tests.rl_baselines.tiny_worlds import vec_env


@pytest.mark.parametrize(
    ("total", "wanted", "near"), [(24, 5, "4 or 6"), (24, 30, "24"), (24, 2.5, "2 or 3"), (7, 0.5, "1")]
)
def test_nearest_divisors(total: int, wanted: float, near: str) -> None:
    assert nearest_divisors(total, wanted) == near


@pytest.mark.parametrize(
    ("hyperparams", "message"),
    [
        (
            {"nminibatches": 5},
            r"24 samples \(n_steps 6 x 4 environments\) do not divide into 5 minibatches; .* nminibatches 4 or 6",
        ),
        ({"batch_size": 7}, r"24 samples .* do not divide into minibatches of 7; .* nminibatches 3 or 4"),
        (
            {"rnn_type": "gru", "nminibatches": 3},
            r"4 environments do not divide into 3 minibatches; .* nminibatches 2 or 4",
        ),
        ({"policy_obs_key": "state"}, "unknown group of observations for policy_obs_key 'state'; .*critic, policy"),
        ({"value_obs_key": "critc"}, "unknown group of observations for value_obs_key 'critc'; did you mean critic"),
        ({"symmetry": "augment", "rnn_type": "gru"}, "symmetry needs networks without a memory"),
    ],
)
def test_what_does_not_fit_the_world(hyperparams: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        made(follow(4), n_steps=6, **hyperparams)


def test_what_other_worlds_lack() -> None:
    with pytest.raises(UserError, match=r"symmetry needs a world that says how it mirrors.*symmetry:off"):
        made(vec_env(2), n_steps=4, symmetry="augment")
    with pytest.raises(UserError, match="random_initial_ages needs a batched world"):
        made(cues(2), n_steps=4, random_initial_ages=True).learn(8)


def test_random_first_ages_reach_a_batched_world_in_its_wrappers() -> None:
    stacked = VecFrameStack(create_envs("AntGymEnv-v0", {}, n_envs=2, normalize=False), 2)
    stacked.reset()
    tensor_env(stacked).set_episode_ages(torch.tensor([0.0, 0.5]))
    assert stacked.unwrapped.world.elapsed.tolist() == [0, 500]
    stacked.close()


def test_a_critic_that_would_see_the_noise_made_for_the_policy() -> None:
    """By mistake: the world has a group without."""
    env = create_envs("VelocityFlatGymEnv-v0", {}, n_envs=2, normalize=False)
    assert made(env, n_steps=4, nminibatches=1).policy.critic_space == tensor_env(env).observation_spaces["critic"]
    with pytest.raises(UserError, match=r"observe group policy, to which noise is added, and this world has critic w"):
        made(env, n_steps=4, nminibatches=1, value_obs_key="policy")
    env.close()
    clean = {f"observations.policy.{name}.noise": 0.0 for name in ("base_lin_vel", "base_ang_vel", "projected_gravity")}
    clean |= {f"observations.policy.{name}.noise": 0.0 for name in ("joint_pos", "joint_vel")}
    env = create_envs("VelocityFlatGymEnv-v0", clean, n_envs=2, normalize=False)
    assert made(env, n_steps=4, nminibatches=1, value_obs_key="policy").policy.critic_space is None
    env.close()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["nminibatches:3", "n_steps:5"],
            r"40 samples \(n_steps 5 x 8 environments\) do not divide into 3 minibatches",
        ),
        (["symmetry:augment"], "symmetry needs a world that says how it mirrors"),
        (["value_obs_key:critic"], "unknown group of observations for value_obs_key 'critic'; known are: policy"),
        (["std_type:lin"], "std_type must be log or scalar or state, not 'lin'"),
        (["rnn_type:rnn"], "rnn_type must be gru or lstm, not 'rnn'"),
        (["desired_kl:0"], "desired_kl must be more than 0, not 0"),
        (["lam:0.9", "gae_lambda:0.9", "lam:0.8"], "--hyperparam sets lam twice"),
    ],
)
def test_a_command_says_it_and_leaves_nothing_behind(flags: list[str], message: str, tmp_path: Any) -> None:
    common = ["--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--num-cpu", "8", "--no-vis"]
    with pytest.raises(UserError, match=message):
        train.main(["--algo", "rsl_ppo", *common, "--log-dir", str(tmp_path / "logs"), "--hyperparam", *flags])
    assert not (tmp_path / "logs").exists()
