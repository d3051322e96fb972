"""How far a student is from its teacher: Kullback-Leibler divergence, squared error or cross-entropy."""

import dataclasses
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor
from torch.nn.functional import log_softmax

from environments.datasets.dataset import Dataset
from rl_baselines.distillation.teachers import KL, MSE

LEAST_PROBABILITY = 1e-20
LEAST_STD = 1e-3
"""of a teacher: one that is surer would outweigh all others"""


@dataclasses.dataclass
class Targets:
    """What teachers say of n steps.

    Attributes:
        actions: ``(n,) int64`` or ``(n, k) float32``, what they chose.
        scores: ``(n, n_actions) float32``, logarithms of the probabilities of discrete actions; else None.
        means: ``(n, k) float32`` of continuous actions; else None.
        stds: ``(n, k) float32`` likewise.
    """

    actions: np.ndarray
    scores: np.ndarray | None = None
    means: np.ndarray | None = None
    stds: np.ndarray | None = None

    @classmethod
    def of(cls, dataset: Dataset) -> "Targets":
        """What the teacher of a dataset says (`rl_baselines.distillation.teachers.check_labels` is content with it)."""
        actions = dataset.actions if dataset.teacher_actions is None else dataset.teacher_actions
        probabilities = dataset.action_probabilities
        scores = None if probabilities is None else np.log(np.maximum(probabilities, LEAST_PROBABILITY))
        stds = None if dataset.action_stds is None else np.maximum(dataset.action_stds, LEAST_STD)
        return cls(actions, scores, dataset.action_means, stds)

    def joined(self, other: "Targets") -> "Targets":
        """Of the steps of both, without what only one of them has."""
        parts: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            ours, theirs = getattr(self, field.name), getattr(other, field.name)
            parts[field.name] = None if ours is None or theirs is None else np.concatenate([ours, theirs])
        return Targets(**parts)

    def tensors(self, steps: np.ndarray, device: torch.device) -> dict[str, Tensor]:
        """Those of some steps, by name."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            name: torch.as_tensor(values[steps], device=device) for name, values in given.items() if values is not None
        }

    @property
    def preferred(self) -> np.ndarray:
        """The most probable actions, like `actions`."""
        if self.scores is not None:
            return self.scores.argmax(axis=1)
        return self.actions if self.means is None else self.means


def loss_of(
    policy: ActorCriticPolicy, observations: Tensor, targets: dict[str, Tensor], loss: str, temperature: float = 1.0
) -> Tensor:
    """The loss of each step, ``(m,)``.

    ``kl`` is of the student's distribution from the teacher's. Of discrete actions both are first softened by
    ``temperature``, and the divergence is multiplied by its square (Hinton et al. 2015, arXiv:1503.02531). ``mse`` is
    of probabilities, or of the means of continuous actions. ``cross_entropy`` is the negative logarithm of the
    student's probability (or density) of what the teacher chose.
    """
    distribution: Any = policy.get_distribution(observations).distribution
    if isinstance(policy.action_space, spaces.Discrete):
        scores: Tensor = distribution.logits
        if loss == KL:
            wanted = log_softmax(targets["scores"] / temperature, dim=1)
            divergence = (wanted.exp() * (wanted - log_softmax(scores / temperature, dim=1))).sum(dim=1)
            return divergence * temperature**2
        if loss == MSE:
            return (targets["scores"].exp() - scores.softmax(dim=1)).square().sum(dim=1)
        return -log_softmax(scores, dim=1).gather(1, targets["actions"][:, None]).squeeze(1)
    mean: Tensor = distribution.mean
    std: Tensor = distribution.stddev
    if loss == KL:
        variance = std.square()
        spread = (targets["stds"].square() + (targets["means"] - mean).square()) / (2 * variance)
        return ((std / targets["stds"]).log() + spread - 0.5).sum(dim=1)
    if loss == MSE:
        return (targets.get("means", targets["actions"]) - mean).square().sum(dim=1)
    density: Tensor = distribution.log_prob(targets["actions"])
    return -density.sum(dim=1)
