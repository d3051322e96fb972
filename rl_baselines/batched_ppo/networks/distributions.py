"""Distributions of actions, as tensors: drawn with a given generator, compared in closed form."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal distributions for each number of the actions of B robots.

    Args:
        mean: ``(B, A)``.
        std: ``(A,)``, the same for all, or ``(B, A)``.
    """

    mean: Tensor
    std: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """``(B, A)``"""
        noise = torch.randn(self.mean.shape, generator=generator, device=self.mean.device)
        return self.mean + self.std * noise

    def mode(self) -> Tensor:
        """``(B, A)``: the most likely actions."""
        return self.mean

    def log_prob(self, actions: Tensor) -> Tensor:
        """``(B,)``"""
        each = -0.5 * ((actions - self.mean) / self.std).square() - self.std.log() - _HALF_LOG_2PI
        return each.sum(-1)

    def entropy(self) -> Tensor:
        """``(B,)``, or one number where all have the same."""
        return (self.std.log() + 0.5 + _HALF_LOG_2PI).sum(-1)

    def divergence(self, other: Self) -> Tensor:
        """``(B,)``: the Kullback-Leibler divergence of ``other`` from this one, KL(self ‖ other)."""
        ratio = (self.std.square() + (self.mean - other.mean).square()) / (2 * other.std.square())
        return (other.std.log() - self.std.log() + ratio - 0.5).sum(-1)

    def centre(self) -> Tensor:
        """``(B, A)``: what a mirror-image policy must mirror."""
        return self.mean

    def distance(self, wanted: Tensor) -> Tensor:
        """``(B,)``: squared distance of the most likely actions from ``wanted (B, A)``, the mean over A."""
        return (self.mean - wanted).square().mean(-1)

    def detached(self) -> Self:
        """The same without gradients."""
        return type(self)(self.mean.detach(), self.std.detach())

    def rows(self, index: Tensor) -> Self:
        """Those of some robots."""
        std = self.std if self.std.dim() == 1 else self.std.index_select(0, index)
        return type(self)(self.mean.index_select(0, index), std)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after the other, for distributions of one policy."""
        std = parts[0].std if parts[0].std.dim() == 1 else torch.cat([part.std for part in parts])
        return cls(torch.cat([part.mean for part in parts]), std)


@dataclass(frozen=True)
class Categorical:
    """A choice among K actions for each of B robots.

    Args:
        log_probs: ``(B, K)``, normalised.
    """

    log_probs: Tensor

    @classmethod
    def from_logits(cls, logits: Tensor) -> Self:
        """The distribution of these logits ``(B, K)``."""
        return cls(logits.log_softmax(-1))

    def sample(self, generator: torch.Generator) -> Tensor:
        """``(B,) int64``; by the Gumbel trick."""
        uniform = torch.rand(self.log_probs.shape, generator=generator, device=self.log_probs.device)
        smallest = torch.finfo(uniform.dtype).tiny
        gumbel = -(-uniform.clamp_min(smallest).log()).clamp_min(smallest).log()
        return (self.log_probs + gumbel).argmax(-1)

    def mode(self) -> Tensor:
        """``(B,) int64``: the most likely actions."""
        return self.log_probs.argmax(-1)

    def log_prob(self, actions: Tensor) -> Tensor:
        """``(B,)``"""
        return self.log_probs.gather(-1, actions[:, None]).squeeze(-1)

    def entropy(self) -> Tensor:
        """``(B,)``"""
        return -(self.log_probs.exp() * self.log_probs).sum(-1)

    def divergence(self, other: Self) -> Tensor:
        """``(B,)``: KL(self ‖ other)."""
        return (self.log_probs.exp() * (self.log_probs - other.log_probs)).sum(-1)

    def centre(self) -> Tensor:
        """``(B, K)``: the probabilities."""
        return self.log_probs.exp()

    def distance(self, wanted: Tensor) -> Tensor:
        """``(B,)``: cross-entropy of ``wanted (B,) int64``."""
        return -self.log_prob(wanted)

    def detached(self) -> Self:
        """The same without gradients."""
        return type(self)(self.log_probs.detach())

    def rows(self, index: Tensor) -> Self:
        """Those of some robots."""
        return type(self)(self.log_probs.index_select(0, index))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after the other."""
        return cls(torch.cat([part.log_probs for part in parts]))


ActionDistribution = Gaussian | Categorical
