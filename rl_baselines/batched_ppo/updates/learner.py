"""The update of a policy from a rollout."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rl_baselines.batched_ppo.exploration.distillation import RandomNetworkDistillation
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.batched_ppo.not_finite import NotFiniteError
from rl_baselines.batched_ppo.rollouts.rollout import Rollout
from rl_baselines.batched_ppo.updates.losses import Losses, LossSettings, add_gradients, averaged, clipped
from rl_baselines.batched_ppo.updates.schedules import AdaptiveRate
from rl_baselines.batched_ppo.updates.symmetry import Symmetry
from srl3.runtime.ranks import ALONE, Ranks
from srl3.runtime.threads import cores

MAX_REFUSED = 10
"""updates in a row that may be skipped because something was not finite"""
NOT_FINITE = (
    f"the losses or their gradients were not finite in {MAX_REFUSED} updates in a row, which were skipped, so the last "
    "checkpoint is sound; lower learning_rate, or look for what is not finite in the world's rewards and observations."
)
WORTH_A_THREAD = 1024
"""samples in a minibatch from which on a second thread saves more than it costs"""


@dataclass
class Learner:
    """Epochs of minibatches, the learning rate that goes with them, and a guard against what is not finite.

    Args:
        policy: what is learned.
        rate: learning rate of the next minibatch.
        adaptive: how it goes on; None: as it is.
        separate_clipping: of the gradients of actor and critic.
        refused: minibatches in a row that were skipped.
        ranks: who learns together; all take the same steps.
        novelty: learns beside the policy, by an optimiser of its own; None: nothing does.
    """

    policy: BatchedPolicy
    rate: float
    adaptive: AdaptiveRate | None
    separate_clipping: bool
    refused: int = 0
    ranks: Ranks = ALONE
    novelty: RandomNetworkDistillation | None = None

    def run(
        self,
        rollout: Rollout,
        settings: LossSettings,
        symmetries: Sequence[Symmetry],
        generator: torch.Generator,
        *,
        n_epochs: int,
        batch_size: int,
        max_grad_norm: float,
        target_kl: float | None,
    ) -> dict[str, float]:
        """Learn from ``rollout``; gives the figures to be logged, by name.

        Raises:
            NotFiniteError: after `MAX_REFUSED` minibatches in a row whose loss or gradients were not finite. The
                policy is as it was before them.
        """
        seen: list[Losses] = []
        novelty_losses: list[Tensor] = []
        skipped = 0
        groups = self._groups()
        parameters = [parameter for group in groups for parameter in group]
        with ThreadPoolExecutor(1) if self._has_room(batch_size) else nullcontext() as helper:
            for batch in self._batches(rollout, n_epochs, batch_size, generator):
                self.policy.optimizer.zero_grad()
                losses = add_gradients(self.policy, batch, settings, symmetries, self.ranks, helper)
                figures = averaged(losses, parameters, self.ranks)
                # what decides comes in one go, since a GPU is waited for each time
                divergence, *others = torch.cat([figures, clipped(groups, max_grad_norm)]).tolist()
                if not settings.imitation_coef:  # who imitates is to move far
                    if self.adaptive is not None:
                        self.rate = self.adaptive.next(self.rate, divergence)
                    elif target_kl is not None and divergence > 1.5 * target_kl:
                        break
                if self.novelty is not None and batch.novelty is not None:
                    inputs, wanted = batch.novelty
                    novelty_losses.append(self.novelty.learn(inputs, wanted, self.ranks))
                if all(map(math.isfinite, others)):
                    for group in self.policy.optimizer.param_groups:
                        group["lr"] = self.rate
                    self.policy.optimizer.step()
                    self.refused = 0
                    seen.append(losses)
                else:
                    self.refused += 1
                    skipped += 1
                    if self.refused >= MAX_REFUSED:
                        raise NotFiniteError(NOT_FINITE)
        logged = {"learning_rate": self.rate, "skipped_updates": float(skipped)}
        if novelty_losses:
            logged["rnd_loss"] = float(torch.stack(novelty_losses).mean())
        return {**logged, **_means(seen, self.ranks)} if seen else logged

    def _has_room(self, batch_size: int) -> bool:
        """Whether actor and critic learn at once, in a thread each."""
        return (
            self.policy.halves_are_apart
            and self.policy.device.type == "cpu"
            and batch_size >= WORTH_A_THREAD
            and torch.get_num_threads() == 1
            and cores() > 1
        )

    def _batches(self, rollout: Rollout, n_epochs: int, batch_size: int, generator: torch.Generator) -> Any:
        for _ in range(n_epochs):
            yield from rollout.minibatches(batch_size, generator, self.policy.device)

    def _groups(self) -> list[list[nn.Parameter]]:
        if self.separate_clipping:
            return [self.policy.actor_parameters(), self.policy.critic_parameters()]
        return [list(self.policy.parameters())]


def _means(seen: list[Losses], ranks: Ranks) -> dict[str, float]:
    """Figures by name, over all minibatches and ranks."""
    parts = {
        "loss": [one.total for one in seen],
        "policy_gradient_loss": [one.actor.policy for one in seen],
        "value_loss": [one.value for one in seen],
        "entropy": [one.actor.entropy for one in seen],
        "approx_kl": [one.actor.divergence for one in seen],
        "clip_fraction": [one.actor.clip_fraction for one in seen],
        "mirror_loss": [one.actor.mirror for one in seen],
        "imitation_loss": [one.actor.imitation for one in seen],
    }
    means = torch.stack([torch.stack(each).double().mean() for each in parts.values()])
    return dict(zip(parts, (ranks.add(means) / ranks.size).tolist(), strict=True))
