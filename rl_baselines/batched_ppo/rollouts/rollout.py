"""One rollout of N robots over T steps, its advantages, and the minibatches of an update."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rl_baselines.batched_ppo.networks.distributions import ActionDistribution
from rl_baselines.batched_ppo.networks.recurrence import Memory, rows_of


def advantages(
    rewards: Tensor, values: Tensor, last_values: Tensor, ended: Tensor, gamma: float, gae_lambda: float
) -> Tensor:
    """Generalised advantage estimates (Schulman et al. 2015, arXiv:1506.02438), ``(T, N)``.

    Args:
        rewards: ``(T, N)``; those of steps that ended in time-outs already hold ``gamma`` times the value of the last
            observation.
        values: ``(T, N)``, of the observations before the steps.
        last_values: ``(N,)``, of the observations after the last one.
        ended: ``(T, N) bool``: the episode ended with the step.
        gamma: discount.
        gae_lambda: weight of longer estimates.
    """
    goes_on = (~ended).to(values.dtype)
    following = torch.cat([values[1:], last_values[None]])
    deltas = rewards + gamma * following * goes_on - values
    result = torch.empty_like(deltas)
    running = torch.zeros_like(last_values)
    for step in range(len(rewards) - 1, -1, -1):
        running = deltas[step] + gamma * gae_lambda * goes_on[step] * running
        result[step] = running
    return result


@dataclass(frozen=True)
class Minibatch:
    """Samples of an update. With a memory the inputs are sequences ``(T, B, …)``; the rest is flat, step by step."""

    pi_inputs: Tensor
    vf_inputs: Tensor
    actions: Tensor
    before: ActionDistribution
    """the distributions from which the actions were drawn"""
    log_probs: Tensor
    values: Tensor
    returns: Tensor
    advantages: Tensor
    mirrored: list[tuple[Tensor, Tensor, Tensor]]
    """mirror images of the inputs of both networks and of the actions"""
    novelty: tuple[Tensor, Tensor] | None = None
    """inputs and goals of the network that judges novelty"""
    scripted: Tensor | None = None
    """actions of the world's scripted policy in the same states"""
    pi_memory: Memory = ()
    vf_memory: Memory = ()
    starts: Tensor | None = None


@dataclass
class Rollout:
    """What an update learns from; ``(T, N, …)`` or, where flat, ``(T * N, …)``."""

    pi_inputs: Tensor
    """flat"""
    vf_inputs: Tensor
    """flat; ``pi_inputs`` itself where actor and critic see the same"""
    actions: Tensor
    """flat"""
    before: ActionDistribution
    """flat"""
    log_probs: Tensor
    """flat"""
    values: Tensor
    """flat"""
    returns: Tensor
    """flat"""
    advantages: Tensor
    """flat"""
    num_steps: int
    num_envs: int
    starts: Tensor
    """``(T, N) bool``: an episode began with this step"""
    mirrored: list[tuple[Tensor, Tensor, Tensor]]
    """flat"""
    pi_memory: Memory = ()
    """of all robots before the first step"""
    vf_memory: Memory = ()
    novelty: tuple[Tensor, Tensor] | None = None
    """flat: inputs and goals of the network that judges novelty"""
    scripted: Tensor | None = None
    """flat: actions of the world's scripted policy"""

    def __len__(self) -> int:
        return self.num_steps * self.num_envs

    def minibatches(self, batch_size: int, generator: torch.Generator, device: torch.device) -> Iterator[Minibatch]:
        """All samples once, in a random order; with a memory the order is one of robots.

        Args:
            batch_size: samples in each; with a memory a multiple of ``num_steps``.
            generator: draws the order.
            device: where the tensors are.
        """
        if self.pi_memory:
            order = torch.randperm(self.num_envs, generator=generator, device=device)
            steps = torch.arange(self.num_steps, device=device)[:, None] * self.num_envs
            for robots in order.split(max(1, batch_size // self.num_steps)):
                yield self._sequences(robots, (steps + robots).flatten())
        else:
            shared = self.vf_inputs is self.pi_inputs
            for index in torch.randperm(len(self), generator=generator, device=device).split(batch_size):
                pi_inputs = self.pi_inputs.index_select(0, index)
                yield self._samples(index, pi_inputs, pi_inputs if shared else self.vf_inputs.index_select(0, index))

    def _samples(self, index: Tensor, pi_inputs: Tensor, vf_inputs: Tensor) -> Minibatch:
        return Minibatch(
            pi_inputs,
            vf_inputs,
            self.actions.index_select(0, index),
            self.before.rows(index),
            self.log_probs.index_select(0, index),
            self.values.index_select(0, index),
            self.returns.index_select(0, index),
            self.advantages.index_select(0, index),
            [(pi[index], vf[index], actions[index]) for pi, vf, actions in self.mirrored],
            None if self.novelty is None else (self.novelty[0][index], self.novelty[1][index]),
            None if self.scripted is None else self.scripted.index_select(0, index),
        )

    def _sequences(self, robots: Tensor, index: Tensor) -> Minibatch:
        def sequences(inputs: Tensor) -> Tensor:
            return inputs.unflatten(0, (self.num_steps, self.num_envs))[:, robots]

        return dataclasses.replace(
            self._samples(index, sequences(self.pi_inputs), sequences(self.vf_inputs)),
            pi_memory=rows_of(self.pi_memory, robots),
            vf_memory=rows_of(self.vf_memory, robots),
            starts=self.starts[:, robots],
        )
