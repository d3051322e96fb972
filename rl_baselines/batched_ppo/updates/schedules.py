"""The learning rate that follows the Kullback-Leibler divergence of the updates."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class AdaptiveRate:
    """The rate falls by ``factor`` where an update moved the policy more than twice ``desired_kl``, and rises by it
    where less than half (rsl_rl's schedule): a larger ``desired_kl`` lets the rate be larger.

    Args:
        desired_kl: divergence of the policy after an update from the one that collected.
        factor: more than 1.
        low: least rate.
        high: greatest rate.
    """

    desired_kl: float
    factor: float = 1.5
    low: float = 1e-5
    high: float = 1e-2

    def next(self, rate: float, divergence: float) -> float:
        """The rate after an update at ``rate`` of this ``divergence``; one that is not finite changes nothing."""
        if not math.isfinite(divergence):
            return rate
        if divergence > 2 * self.desired_kl:
            return max(self.low, rate / self.factor)
        if 0 < divergence < self.desired_kl / 2:
            return min(self.high, rate * self.factor)
        return rate
