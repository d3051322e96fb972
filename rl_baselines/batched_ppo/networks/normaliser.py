"""Running mean and variance of observations, and the normalisation by them."""

from typing import Any

import torch
from torch import Tensor, nn

from srl3.runtime.ranks import ALONE, Ranks

FLOOR = 1e-2
"""added to the standard deviation, so that what hardly ever changes is not blown up (as rsl_rl does)"""
BLOCK = 1024
"""observations that are summed up at once"""
CLIP = 10.0
"""greatest size of a normalised number"""


class RunningMoments(nn.Module):
    """Count, mean and variance of all that it was shown, by Chan's formula for merging two samples.

    Args:
        size: how many numbers an observation has.
    """

    count: Tensor
    mean: Tensor
    var: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("var", torch.ones(size, dtype=torch.float64))

    def update(self, values: Tensor, ranks: Ranks = ALONE) -> None:
        """Take ``values (B, size)`` of all ranks in; values that are not all finite are left out whole."""
        mean, var = _moments(values)
        for each_mean, each_var in ranks.stacked(torch.stack([mean, var])):
            self.merge(float(len(values)), each_mean, each_var)

    def merge(self, count: float, mean: Tensor, var: Tensor) -> None:
        """Take in another sample by its ``count``, ``mean`` and ``var`` (both ``(size,) float64``)."""
        if not (torch.isfinite(mean).all() and torch.isfinite(var).all()):
            return
        total = self.count + count
        delta = mean - self.mean
        spread = self.var * self.count + var * count + delta.square() * self.count * count / total
        self.mean.copy_(self.mean + delta * count / total)
        self.var.copy_(spread / total)
        self.count.copy_(total)


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of ``values (B, size)``, both float64: sums of blocks, in the precision of the values and about
    the first block's mean, are added up in float64, for an eighth of the time that it would take throughout."""
    shift = values[:BLOCK].mean(0)
    offsets = values - shift
    blocks = offsets.split(BLOCK)
    total = torch.stack([block.sum(0) for block in blocks]).double().sum(0) / len(values)
    squares = torch.stack([block.square().sum(0) for block in blocks]).double().sum(0) / len(values)
    return shift.double() + total, (squares - total.square()).clamp_min(0)


class ObservationNormaliser(RunningMoments):
    """Observations less their mean, over their standard deviation, within ±`CLIP`; as they are before the first update.

    It is part of the policy, whose state holds its moments.
    """

    _shift: Tensor
    _scale: Tensor

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.register_buffer("_shift", torch.zeros(size), persistent=False)
        self.register_buffer("_scale", torch.ones(size), persistent=False)
        self.register_load_state_dict_post_hook(_refresh_loaded)

    def forward(self, observations: Tensor) -> Tensor:
        """``(..., size) float32``"""
        return ((observations - self._shift) * self._scale).clamp(-CLIP, CLIP)

    def merge(self, count: float, mean: Tensor, var: Tensor) -> None:
        super().merge(count, mean, var)
        self.refresh()

    def refresh(self) -> None:
        """Take over moments that were set from outside."""
        if self.count > 0:
            self._shift.copy_(self.mean)
            self._scale.copy_(1 / (self.var.sqrt() + FLOOR))
        else:
            self._shift.zero_()
            self._scale.fill_(1)

    @property
    def shift(self) -> Tensor:
        """``(size,) float32``: what is taken off."""
        return self._shift

    @property
    def scale(self) -> Tensor:
        """``(size,) float32``: what the rest is multiplied by."""
        return self._scale


def _refresh_loaded(module: nn.Module, incompatible: Any) -> None:
    assert isinstance(module, ObservationNormaliser)
    module.refresh()
