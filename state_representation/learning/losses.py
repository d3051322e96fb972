"""The formulas of the losses, on tensors; a lower value is better. Batches are along the first axis.

Sources: Lesort et al., "State Representation Learning for Control: An Overview" (2018), and the S-RL Toolbox; priors by
Jonschkowski and Brock, "Learning state representations with robotic priors" (2015).
"""

import torch
from torch import Tensor
from torch.nn import functional

_EPSILON = 1e-8
MARGIN = 0.2
"""of the triplet loss"""


def unexplained(values: Tensor, targets: Tensor, variance: float) -> Tensor:
    """Squared error as a share of the variance: 1 for who always guesses the mean, 0 for who is always right.

    Args:
        values: guesses.
        targets: what they should be, of the same shape.
        variance: of the targets over the dataset, mean over their components.
    """
    return functional.mse_loss(values, targets) / variance


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL of ``N(mean, exp(log_variance))`` from ``N(0, 1)``: summed over the state, mean over the batch, nats."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1).mean()


def temporal_coherence(states: Tensor, next_states: Tensor) -> Tensor:
    """States change slowly: mean of ``||ds||**2``."""
    return ((next_states - states) ** 2).sum(dim=1).mean()


def causality(states: Tensor, dissimilar: Tensor) -> Tensor:
    """States that the same action rewards differently differ: mean of ``exp(-||s1 - s2||**2)`` over those pairs.

    Args:
        states: ``(n, d)``
        dissimilar: ``(n, n) bool``, the pairs; 0 when there are none.
    """
    return _mean_of(torch.exp(-_squared_distances(states)), dissimilar)


def proportionality(states: Tensor, next_states: Tensor, same_action: Tensor) -> Tensor:
    """The same action moves as far anywhere: mean of ``(||ds1|| - ||ds2||)**2`` over pairs of that action."""
    lengths = torch.sqrt(((next_states - states) ** 2).sum(dim=1) + _EPSILON)
    return _mean_of((lengths[:, None] - lengths) ** 2, same_action)


def repeatability(states: Tensor, next_states: Tensor, same_action: Tensor) -> Tensor:
    """The same action in similar states moves alike: mean of ``exp(-||s1 - s2||**2) * ||ds1 - ds2||**2``."""
    differences = _squared_distances(next_states - states)
    return _mean_of(torch.exp(-_squared_distances(states)) * differences, same_action)


def priors(states: Tensor, next_states: Tensor, actions: Tensor, rewards: Tensor) -> Tensor:
    """Sum of the four robotic priors.

    Args:
        states: ``(n, d)``
        next_states: ``(n, d)``
        actions: ``(n,)`` discrete actions between the two.
        rewards: ``(n,)``, what followed each.
    """
    pairs = torch.triu(torch.ones(len(states), len(states), dtype=torch.bool, device=states.device), diagonal=1)
    same_action = pairs & (actions[:, None] == actions)
    dissimilar = same_action & (rewards[:, None] != rewards)
    return (
        temporal_coherence(states, next_states)
        + causality(states, dissimilar)
        + proportionality(states, next_states, same_action)
        + repeatability(states, next_states, same_action)
    )


def reward_correlation(states: Tensor, rewards: Tensor) -> Tensor:
    """``1 - mean |corr(s, r)|`` over the dimensions of the state; 1 where all rewards are equal.

    Args:
        states: ``(n, d)`` after the rewards.
        rewards: ``(n,)``
    """
    states = states - states.mean(dim=0)
    rewards = (rewards - rewards.mean())[:, None]
    scale = torch.sqrt((states**2).sum(dim=0) * (rewards**2).sum() + _EPSILON)
    return 1 - ((states * rewards).sum(dim=0) / scale).abs().mean()


def same_episode(logits: Tensor, same: Tensor) -> Tensor:
    """Cross-entropy of a guess whether two states are of one episode; both answers count as much, however rare.

    Args:
        logits: ``(p,)`` one per pair; above 0 says yes.
        same: ``(p,) bool``
    """
    losses = functional.binary_cross_entropy_with_logits(logits, same.float(), reduction="none")
    return 0.5 * (_mean_of(losses, same) + _mean_of(losses, ~same))


def triplet(anchors: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Two views of one moment are nearer than two moments: ``relu(d(a, p) - d(a, n) + 0.2)``, d a squared distance.

    Sermanet et al., "Time-Contrastive Networks" (2018), equation 1.
    """
    near = ((anchors - positives) ** 2).sum(dim=1)
    far = ((anchors - negatives) ** 2).sum(dim=1)
    return torch.relu(near - far + MARGIN).mean()


def _squared_distances(rows: Tensor) -> Tensor:
    return ((rows[:, None] - rows) ** 2).sum(dim=2)


def _mean_of(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen values; 0 when there are none."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1)
