"""The formulas, by hand."""

import math

import numpy as np
import pytest
import torch
from torch import tensor

from state_representation.learning import losses

STATES = tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
NEXT = tensor([[1.0, 0.0], [1.0, 3.0], [0.0, 2.0]])
"""steps of length 1, 3 and 0"""


def test_unexplained_is_one_for_the_mean_and_zero_for_the_truth():
    frames = torch.rand(200, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    variance = float(frames.var(dim=0, unbiased=False).mean())
    assert losses.unexplained(frames.mean(dim=0).expand_as(frames), frames, variance).item() == pytest.approx(1)
    assert losses.unexplained(frames, frames, variance).item() == 0


def test_kl_of_known_gaussians():
    # KL(N(m, s**2) || N(0, 1)) = (m**2 + s**2 - 1 - log s**2) / 2, for each number of the state
    mean, log_variance = tensor([[1.0, 0.0], [0.0, 0.0]]), tensor([[math.log(4.0), 0.0], [0.0, 0.0]])
    expected = (1 + 4 - 1 - math.log(4)) / 2 / 2  # summed over the state, mean over two states
    assert losses.kl_divergence(mean, log_variance).item() == pytest.approx(expected)


def test_temporal_coherence():
    assert losses.temporal_coherence(STATES, NEXT).item() == pytest.approx((1 + 9 + 0) / 3)


def test_priors_by_hand():
    actions, rewards = tensor([0, 0, 1]), tensor([0.0, 1.0, 0.0])
    # one pair has the same action, the first two; its rewards differ; the states are 1 apart
    causality = math.exp(-1)
    proportionality = (1 - 3) ** 2
    repeatability = math.exp(-1) * (1**2 + 3**2)  # the moves (1, 0) and (0, 3)
    same = tensor([[False, True, False], [False] * 3, [False] * 3])
    assert losses.causality(STATES, same).item() == pytest.approx(causality)
    assert losses.proportionality(STATES, NEXT, same).item() == pytest.approx(proportionality, rel=1e-5)
    assert losses.repeatability(STATES, NEXT, same).item() == pytest.approx(repeatability)
    total = losses.priors(STATES, NEXT, actions, rewards).item()
    assert total == pytest.approx(10 / 3 + causality + proportionality + repeatability, rel=1e-5)


def test_priors_without_pairs_and_their_gradient_at_rest():
    still = STATES.clone().requires_grad_()
    total = losses.priors(still, STATES, tensor([0, 1, 2]), tensor([0.0, 0.0, 0.0]))
    assert total.item() == 0
    total = losses.priors(still, STATES, tensor([0, 0, 0]), tensor([0.0, 0.0, 0.0]))
    total.backward()
    assert torch.isfinite(still.grad).all()


def test_reward_correlation():
    rewards = tensor([0.0, 1.0, 1.0, 0.0])
    states = torch.stack([3 - 2 * rewards, tensor([1.0, 1.0, -1.0, -1.0])], dim=1)
    assert losses.reward_correlation(states, rewards).item() == pytest.approx(1 - (1 + 0) / 2, abs=1e-4)
    assert losses.reward_correlation(states, torch.ones(4)).item() == pytest.approx(1)


def test_same_episode_counts_both_answers_alike():
    # 3 pairs of different episodes and one of the same; a guess of 0 is a chance of one half
    assert losses.same_episode(torch.zeros(4), tensor([True, False, False, False])).item() == pytest.approx(math.log(2))
    sure = losses.same_episode(tensor([-9.0, -9.0, -9.0, -9.0]), tensor([True, False, False, False]))
    assert sure.item() == pytest.approx(0.5 * 9, rel=1e-3)


def test_triplet():
    anchors, positives, negatives = tensor([[0.0, 0.0]]), tensor([[1.0, 0.0]]), tensor([[0.0, 1.5]])
    assert losses.triplet(anchors, positives, negatives).item() == 0
    assert losses.triplet(anchors, negatives, positives).item() == pytest.approx(2.25 - 1 + 0.2)
    assert losses.triplet(anchors, positives, positives).item() == pytest.approx(0.2)


def test_one_step_down_the_triplet_pulls_views_together():
    views = tensor([[0.0], [1.0]], requires_grad=True)
    losses.triplet(views[:1], views[1:], tensor([[0.1]])).backward()
    assert np.sign(views.grad[1].item()) == 1
