"""Rewards for what is new, by random network distillation (Burda et al. 2018, arXiv:1810.12894; as rsl_rl has it)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from rl_baselines.batched_ppo.exploration.settings import NoveltySettings
from rl_baselines.batched_ppo.names import ACTIVATIONS
from rl_baselines.batched_ppo.networks.normaliser import ObservationNormaliser, RunningMoments
from srl3.runtime.ranks import ALONE, Ranks

DISCOUNT = 0.99
"""of the sums whose deviation normalises the novelty"""
ROWS_AT_ONCE = 8192
"""observations that go through the networks in one pass"""


@dataclass(frozen=True)
class LastObservations:
    """What robots saw last in episodes that ended with one step of a rollout."""

    step: int
    rows: Tensor
    observations: Tensor


class RandomNetworkDistillation(nn.Module):
    """A predictor learns what a random network makes of observations; how far it is off says how new they are.

    Args:
        settings: weights and networks.
        size: numbers of an observation.
        num_envs: robots whose discounted sums are kept.

    Attributes:
        averages: ``(N,)``: discounted sums of the novelty of each robot.
        steps: of the vectorised environment, by which the weight goes on.
    """

    averages: Tensor

    def __init__(self, settings: NoveltySettings, size: int, num_envs: int) -> None:
        super().__init__()
        self.settings = settings
        self.target = _network(size, settings.target_hidden_dims, settings).requires_grad_(False)
        self.predictor = _network(size, settings.predictor_hidden_dims, settings)
        self.normaliser = ObservationNormaliser(size) if settings.state_normalization else nn.Identity()
        self.spread = RunningMoments(1)
        self.register_buffer("averages", torch.zeros(num_envs), persistent=False)
        self.steps = 0
        self.optimizer = torch.optim.Adam(self.predictor.parameters(), lr=settings.learning_rate, foreach=True)

    @torch.no_grad()
    def rewards(self, seen: Tensor, lasts: Sequence[LastObservations], ranks: Ranks = ALONE) -> Tensor:
        """``(T, N)``: what the observations after each step of a rollout are worth, weighted.

        Args:
            seen: ``(T + 1, N, size)``, those before the first step and after each.
            lasts: of episodes that ended, in the place of those with which new ones began.
            ranks: who learns together.
        """
        steps, count = len(seen) - 1, seen.shape[1]
        found = self._novelty(seen[1:].flatten(0, 1)).view(steps, count)
        if lasts:
            ends = self._novelty(torch.cat([one.observations for one in lasts]))
            for last, novelty in zip(lasts, ends.split([len(one.rows) for one in lasts]), strict=True):
                found[last.step, last.rows] = novelty
        if self.settings.reward_normalization:
            found = self._over_spread(found, ranks)
        schedule, first = self.settings.weight_schedule, self.settings.weight
        weights = [
            first if schedule is None else schedule.weight(first, step)
            for step in range(self.steps + 1, self.steps + steps + 1)
        ]
        self.steps += steps
        return found * torch.tensor(weights, device=found.device)[:, None]

    @torch.no_grad()
    def samples(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """What the predictor learns of observations ``(B, size)``: its inputs, and what the random network makes of
        them."""
        inputs = self.normaliser(seen.float())
        return inputs, torch.cat([self.target(part) for part in inputs.split(ROWS_AT_ONCE)])

    def learn(self, inputs: Tensor, wanted: Tensor, ranks: Ranks = ALONE) -> Tensor:
        """One step of the predictor on `samples`; gives the loss of all ranks. What is not finite is skipped."""
        loss = nn.functional.mse_loss(self.predictor(inputs), wanted)
        parameters = list(self.predictor.parameters())
        grads = torch.autograd.grad(loss, parameters)
        flat = torch.cat([*(grad.flatten() for grad in grads), loss.detach()[None]])
        flat = ranks.add(flat) / ranks.size
        if bool(torch.isfinite(flat).all()):
            parts = flat.split([grad.numel() for grad in grads] + [1])[:-1]
            for parameter, part in zip(parameters, parts, strict=True):
                parameter.grad = part.view_as(parameter)
            self.optimizer.step()
        return flat[-1]

    def update_normaliser(self, seen: Tensor, ranks: Ranks = ALONE) -> None:
        """Take ``seen (B, size)`` into the running mean and variance of observations."""
        if isinstance(self.normaliser, ObservationNormaliser):
            self.normaliser.update(seen, ranks)

    def _novelty(self, seen: Tensor) -> Tensor:
        inputs = self.normaliser(seen.float())
        parts = inputs.split(ROWS_AT_ONCE)
        return torch.cat([torch.linalg.vector_norm(self.target(part) - self.predictor(part), dim=1) for part in parts])

    def _over_spread(self, found: Tensor, ranks: Ranks) -> Tensor:
        sums = torch.empty_like(found)
        for step, novelty in enumerate(found):
            self.averages = self.averages * DISCOUNT + novelty
            sums[step] = self.averages
        self.spread.update(sums.flatten()[:, None], ranks)
        deviation = float(self.spread.var.sqrt())
        return found / deviation if deviation > 0 else found

    # going on

    def save_networks(self) -> dict[str, Any]:
        """All but the sums of single robots, as a tree of arrays."""
        moments = [
            {name: value.cpu().numpy() for name, value in self.optimizer.state[parameter].items()}
            for parameter in self.predictor.parameters()
        ]
        tensors = {name: tensor.cpu().numpy() for name, tensor in self.state_dict().items()}
        return {"tensors": tensors, "optimizer": moments, "steps": self.steps}

    def load_networks(self, state: Mapping[str, Any]) -> None:
        """Go on from what `save_networks` gave.

        Raises:
            RuntimeError: for networks of other sizes.
        """
        self.load_state_dict({name: torch.as_tensor(values) for name, values in state["tensors"].items()})
        for parameter, moments in zip(self.predictor.parameters(), state["optimizer"], strict=True):
            for name, value in moments.items():
                device = None if name == "step" else parameter.device
                self.optimizer.state[parameter][name] = torch.tensor(value, device=device)
        self.steps = state["steps"]


def _network(size: int, hidden: Sequence[int], settings: NoveltySettings) -> nn.Sequential:
    sizes = [size, *(size if one == -1 else one for one in hidden)]
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), getattr(nn, ACTIVATIONS[settings.activation])()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], settings.num_outputs))
