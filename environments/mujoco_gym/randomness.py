"""Random numbers that are a pure function of seed, episode, step and purpose: Philox4x32-10.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). Robot i draws with its own seed (``seed + i``)
as the key, so that it behaves as the single environment of that seed, whatever the number of robots and the device, and
there is no generator state to save.
"""

import functools
import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from environments.mujoco_gym.maths import whole

MASK = 0xFFFFFFFF
_MASK, _HALF = np.uint64(MASK), np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
ROUNDS = 10
AT_ONCE = 16384
"""blocks of four words that are computed together: what is between two rounds stays in a core's cache"""
STARTUP = MASK
"""The episode number of draws that belong to no episode: those made once for a robot."""


def philox(counter: Sequence[np.ndarray], key: Sequence[np.ndarray]) -> np.ndarray:
    """Words of 32 random bits, ``(K, B, 4) uint64``.

    Args:
        counter: four arrays of 32-bit words, uint64, each ``(K, 1)`` or ``(1, B)``.
        key: two of them, ``(K, 1)``.
    """
    count, blocks = np.broadcast_shapes(*(part.shape for part in counter))
    words = np.empty((count, blocks, 4), np.uint64)
    rows = max(1, AT_ONCE // max(1, blocks))
    for begin in range(0, count, rows):
        some = slice(begin, begin + rows)
        parts = [part if len(part) == 1 else part[some] for part in counter]
        for place, word in enumerate(_rounds(*parts, *(part[some] for part in key))):
            words[some, :, place] = word
    return words


def _rounds(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    for _ in range(ROUNDS):
        first, second = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]  # 64 bits
        a, b, c, d = (second >> _HALF) ^ (b ^ low), second & _MASK, (first >> _HALF) ^ (d ^ high), first & _MASK
        low, high = (low + _WEYL[0]) & _MASK, (high + _WEYL[1]) & _MASK
    return a, b, c, d


def purpose_number(name: str) -> int:
    """32 bits that stand for a purpose (a term's or an event's name)."""
    return zlib.crc32(name.encode())


class Draws:
    """The random numbers of K robots at one moment of their episodes.

    Args:
        seeds: ``(K,) int64``, each robot's own seed.
        episodes: ``(K,) int64``, number of the episode, or `STARTUP`.
        steps: ``(K,) int64``, steps of the episode so far.
    """

    def __init__(self, seeds: torch.Tensor, episodes: torch.Tensor, steps: torch.Tensor) -> None:
        self._device = seeds.device
        self._count = len(seeds)
        self._of = (seeds, episodes, steps)
        if self._device.type == "cpu":
            seed, episode, step = (_column(values) for values in self._of)
            self._key = [seed & MASK, (seed >> 32) & MASK]
            self._moment = [step & MASK, episode & MASK]

    def uniform(
        self, purpose: str, count: int, low: float | torch.Tensor = 0.0, high: float | torch.Tensor = 1.0
    ) -> torch.Tensor:
        """``(K, count) float32``, uniform in [low, high); the same purpose at the same moment gives the same."""
        unit = self._unit({purpose: count})
        return unit * (high - low) + low

    def units(self, counts: Mapping[str, int]) -> torch.Tensor:
        """``(K, sum of counts) float32``, uniform in [0, 1): what `uniform` gives for each purpose, side by side.

        Many purposes at once cost a CPU little more than one.
        """
        return self._unit(counts)

    def normal(self, purpose: str, count: int) -> torch.Tensor:
        """``(K, count) float32``, standard normal, by Box and Muller's method."""
        pairs = (count + 1) // 2
        unit = self._unit({purpose: 2 * pairs})
        radius = torch.sqrt(-2.0 * whole(torch.log, 1.0 - unit[:, :pairs]))
        angle = (2 * math.pi) * unit[:, pairs:]
        return torch.cat([radius * whole(torch.cos, angle), radius * whole(torch.sin, angle)], 1)[:, :count]

    def integers(self, purpose: str, count: int, low: int, high: int) -> torch.Tensor:
        """``(K, count) int64``, uniform in low, …, high - 1."""
        return low + ((self._words({purpose: count}) * (high - low)) >> 32)

    def chance(self, purpose: str, probability: float) -> torch.Tensor:
        """``(K,) bool``, True with this probability."""
        return self._unit({purpose: 1})[:, 0] < probability

    def _words(self, counts: Mapping[str, int]) -> torch.Tensor:
        """``(K, sum of counts) int64`` of 32 random bits each, purpose after purpose."""
        if self._device.type != "cpu":
            from environments.mujoco_gym.backends.warp_kernels import philox_words

            words = [philox_words(*self._of, purpose_number(name), count) for name, count in counts.items()]
            return words[0] if len(words) == 1 else torch.cat(words, 1)
        block, number, places = _counters(tuple(counts.items()))
        steps, episodes = self._moment
        drawn = philox((block, number, steps, episodes), self._key).view(np.int64).reshape(self._count, 4 * block.size)
        return torch.from_numpy(drawn if places is None else drawn[:, places])

    def _unit(self, counts: Mapping[str, int]) -> torch.Tensor:
        """Uniform in [0, 1), of 24 bits, which float32 holds exactly."""
        return (self._words(counts) >> 8).to(torch.float32) * 2.0**-24


@functools.lru_cache(maxsize=1024)
def _counters(counts: tuple[tuple[str, int], ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """For purposes and how many numbers each wants: blocks of four and their purpose ``(1, blocks)``; which to keep."""
    blocks = [(count + 3) // 4 for _, count in counts]
    block = np.concatenate([np.arange(size, dtype=np.uint64) for size in blocks])
    number = np.repeat(np.array([purpose_number(name) for name, _ in counts], np.uint64), blocks)
    kept = np.concatenate([np.arange(4 * size) < count for size, (_, count) in zip(blocks, counts, strict=True)])
    return block[None], number[None], None if kept.all() else np.flatnonzero(kept)


def _column(values: torch.Tensor) -> np.ndarray:
    """``(K, 1)``, as `philox` takes it: NumPy has less to do for each operation on few numbers."""
    return values.numpy().astype(np.uint64)[:, None]
