"""What each part is for: it learns with it, and does not without."""

from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.evaluation import evaluate_policy

from tests.rl_baselines.batched_ppo.worlds import CueWorld, cues, follow, made
from tests.rl_baselines.tiny_worlds import EPISODE, vec_env


def explained(**hyperparams: Any) -> float:
    """Share of the variance of the returns that the critic knows at the end of a short training."""
    model = made(follow(32), n_steps=16, gamma=0.5, gae_lambda=0.5, learning_rate=1e-2, desired_kl=None, **hyperparams)
    model.learn(32 * 16 * 10)
    return float(model.logger.name_to_value["train/explained_variance"])


def test_a_critic_that_sees_more_knows_what_hides_from_the_policy() -> None:
    assert explained() > 0.7
    assert explained(value_obs_key="policy") < 0.3


def test_the_policy_never_sees_the_critics_group() -> None:
    model = made(follow(4), n_steps=4)
    assert model.policy.mlp_extractor.policy_net[0].in_features == 1
    assert model.policy.mlp_extractor.value_net[0].in_features == 2
    assert model.predict(np.zeros((3, 1), np.float32))[0].shape == (3, 1)


@pytest.mark.parametrize("rnn_type", ["gru", "lstm", None])
def test_a_memory_learns_what_was_said_at_the_start(rnn_type: str | None) -> None:
    length = CueWorld.LENGTH
    model = made(
        cues(32),
        n_steps=4 * length,
        nminibatches=2,
        n_epochs=6,
        gamma=0.9,
        learning_rate=1e-2,
        desired_kl=None,
        rnn_type=rnn_type,
        rnn_hidden_dim=16,
        policy_kwargs={"net_arch": [16]},
    )
    model.learn(32 * 4 * length * (14 if rnn_type else 6))
    mean, _ = evaluate_policy(model, cues(16), n_eval_episodes=64)
    if rnn_type is None:
        assert 0.2 < mean < 0.8
    else:
        assert mean > 0.95


@pytest.mark.parametrize("continuous", [False, True])
def test_it_learns_on_any_vec_env(continuous: bool) -> None:
    model = made(
        vec_env(8, continuous=continuous), n_steps=20, gamma=0.5, learning_rate=3e-3, policy_kwargs={"net_arch": [16]}
    )
    model.learn(8 * 20 * 25)
    mean, _ = evaluate_policy(model, vec_env(1, continuous=continuous), n_eval_episodes=2)
    assert mean > (0.9 * EPISODE if continuous else EPISODE - 1)


def test_same_seed_same_weights() -> None:
    first, second, other = (made(follow(), seed=seed, n_steps=8) for seed in (1, 1, 2))
    for model in (first, second, other):
        model.learn(512)
    state = first.policy.state_dict()
    assert all(torch.equal(tensor, second.policy.state_dict()[name]) for name, tensor in state.items())
    assert not all(torch.equal(tensor, other.policy.state_dict()[name]) for name, tensor in state.items())


def test_reports_are_of_the_worlds_rewards_whatever_learning_scales() -> None:
    model = made(follow(16), n_steps=8, reward_scale=0.001)
    model.learn(16 * 8 * 2)
    assert model.ep_info_buffer is not None
    returns = [episode["r"] for episode in model.ep_info_buffer]
    assert len(returns) == 32
    assert np.mean(returns) > 5
    assert {episode["l"] for episode in model.ep_info_buffer} == {8}
    figures = model.logger.name_to_value
    for name in ("learning_rate", "approx_kl", "entropy", "value_loss", "policy_gradient_loss", "std"):
        assert np.isfinite(figures[f"train/{name}"])
    for name in ("", "world_", "policy_", "update_"):
        assert figures[f"time/{name}steps_per_second"] > 0
    assert 0 <= figures["time/bookkeeping_share"] < 1
