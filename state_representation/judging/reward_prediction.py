"""How well the reward can be told from the state after it, by a small network that sees nothing else."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from environments.datasets.dataset import Dataset
from srl3.errors import UserError
from state_representation.data.rewards import reward_classes

HELD_OUT = 0.2
"""Share of the episodes that the network is judged on."""
HIDDEN = 64
_BATCH = 128
_LEARNING_RATE = 3e-3


@dataclass(frozen=True)
class RewardPrediction:
    """Results on held-out episodes.

    Args:
        accuracy: share of steps with the right class; for dense rewards the share of variance that is explained.
        by_class: accuracy on the steps of each reward, by the reward.
        guess: accuracy of always naming the most frequent class; 0 for dense rewards.
    """

    accuracy: float
    by_class: dict[float, float]
    guess: float

    @property
    def balanced(self) -> float:
        """mean over the classes"""
        return float(np.mean(list(self.by_class.values()))) if self.by_class else self.accuracy

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced,
            "by_class": {f"{reward:g}": accuracy for reward, accuracy in self.by_class.items()},
            "most_frequent_class": self.guess,
        }


def predict_reward(dataset: Dataset, states: np.ndarray, *, epochs: int, seed: int) -> RewardPrediction:
    """Train a network with one hidden layer to tell reward i from state i + 1, and judge it on other episodes.

    Args:
        dataset: of the rewards.
        states: ``(n, state_dim)`` of its steps.
        epochs: passes over the training steps.
        seed: of the split, the weights and the order.

    Raises:
        UserError: when there is one episode only, or rewards never differ.
    """
    steps = dataset.transitions()
    rng = np.random.default_rng(seed)
    episodes = rng.permutation(dataset.episodes)
    if dataset.episodes < 2 or np.ptp(dataset.rewards[steps]) == 0:
        raise UserError(f"{dataset.path} has one episode or one reward only, from which no prediction can be judged.")
    held = episodes[: max(1, round(HELD_OUT * len(episodes)))]
    is_held = np.isin(dataset.episode_numbers()[steps], held)
    rewards = reward_classes(dataset.rewards)
    inputs = states.astype(np.float32)
    seen = inputs[steps[~is_held] + 1]
    inputs = (inputs - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), 1e-6)
    dense = not len(rewards.values)
    numbers = dataset.rewards - dataset.rewards[steps[~is_held]].mean()
    labels = torch.from_numpy(np.array(numbers if dense else rewards.classes))
    guess = _fit(inputs, labels, steps[~is_held], steps[is_held], max(1, len(rewards.values)), epochs, rng)
    truth = dataset.rewards[steps[is_held]]
    if dense:
        wrong = np.mean((guess[:, 0] - numbers[steps[is_held]]) ** 2)
        return RewardPrediction(float(1 - wrong / max(float(truth.var()), 1e-12)), {}, 0.0)
    right = guess.argmax(axis=1) == rewards.classes[steps[is_held]]
    by_class = {float(value): float(right[truth == value].mean()) for value in np.unique(truth)}
    frequent = rewards.values[np.bincount(rewards.classes[steps[~is_held]]).argmax()]
    return RewardPrediction(float(right.mean()), by_class, float((truth == frequent).mean()))


def _fit(
    inputs: np.ndarray,
    labels: torch.Tensor,
    train: np.ndarray,
    test: np.ndarray,
    outputs: int,
    epochs: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Outputs ``(len(test), outputs)`` after training on the steps ``train``; the states are those one step later."""
    states = torch.from_numpy(inputs)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        network = nn.Sequential(nn.Linear(inputs.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))
    optimizer = torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE, fused=True)
    for _ in range(epochs):
        order = torch.from_numpy(rng.permutation(train))
        for steps in order.split(_BATCH):
            guess, target = network(states[steps + 1]), labels[steps]
            loss = functional.mse_loss(guess[:, 0], target) if outputs == 1 else functional.cross_entropy(guess, target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    with torch.inference_mode():
        found: np.ndarray = network(states[torch.from_numpy(test) + 1]).numpy()
    return found
