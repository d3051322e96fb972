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
from environments.mujoco_gym.replay.watching import made_by

MASK = 0xFFFFFFFF
_MASK, _HALF = np.uint64(MASK), np.uint64(32)
_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)[:, None, None]
ROUNDS = 10
_WEYL = np.arange(ROUNDS, dtype=np.uint64)[:, None] * np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
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
        a, b, c, d = (part if len(part) == 1 else part[some] for part in counter)
        x, y = _rounds((a, c), (b, d), np.stack([part[some] for part in key]))
        words[some, :, 0], words[some, :, 1], words[some, :, 2], words[some, :, 3] = x[0], y[0], x[1], y[1]
    return words


def _rounds(
    multiplied: Sequence[np.ndarray], others: Sequence[np.ndarray], key: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The first and third words of all blocks, and the second and fourth: ``(2, K, B)`` each; ``key (2, K, 1)``."""
    shape = (2, *np.broadcast_shapes(*(part.shape for part in (*multiplied, *others)), key.shape[1:]))
    x, y, products = np.empty(shape, np.uint64), np.empty(shape, np.uint64), np.empty(shape, np.uint64)
    x[0], x[1] = multiplied
    y[0], y[1] = others
    crossed = products[::-1]  # each product goes to the other half
    for round_key in (key + _WEYL[:, :, None, None]) & _MASK:
        y ^= round_key
        np.multiply(x, _MULTIPLIERS, out=products)  # 64 bits
        np.right_shift(crossed, _HALF, out=x)
        x ^= y
        np.bitwise_and(crossed, _MASK, out=y)
    return x, y


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
        self._columns: tuple[list[np.ndarray], list[np.ndarray]] | None = None

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
        return self.normals({purpose: count})

    def normals(self, counts: Mapping[str, int]) -> torch.Tensor:
        """``(K, sum of counts) float32``: what `normal` gives for each purpose, side by side, as `units`."""
        radii, angles, places = _pairs(tuple(counts.items()), self._device)
        unit = self._unit({purpose: count + count % 2 for purpose, count in counts.items()})
        radius = torch.sqrt(-2.0 * whole(torch.log, 1.0 - unit.index_select(1, radii)))
        angle = (2 * math.pi) * unit.index_select(1, angles)
        both = torch.cat([radius * whole(torch.cos, angle), radius * whole(torch.sin, angle)], 1)
        return both.index_select(1, places)

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
        return made_by(lambda: self._drawn(counts), lambda: Draws(*self._of)._drawn(counts))

    def _drawn(self, counts: Mapping[str, int]) -> torch.Tensor:
        if self._columns is None:
            seed, episode, step = (_column(values) for values in self._of)
            self._columns = [seed & MASK, (seed >> 32) & MASK], [step & MASK, episode & MASK]
        key, (steps, episodes) = self._columns
        block, number, places = _counters(tuple(counts.items()))
        drawn = philox((block, number, steps, episodes), key).view(np.int64).reshape(self._count, 4 * block.size)
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


@functools.lru_cache(maxsize=1024)
def _pairs(
    counts: tuple[tuple[str, int], ...], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For purposes and how many normal numbers each wants: where the numbers are of which radii and angles are made,
    and where the results are, of cosines first and then of sines."""
    radii: list[int] = []
    angles: list[int] = []
    results: list[int] = []
    total = sum((count + 1) // 2 for _, count in counts)
    for _, count in counts:
        pairs, start = (count + 1) // 2, 2 * len(radii)
        own = range(len(radii), len(radii) + pairs)
        results += [*own, *(total + pair for pair in own)][:count]
        radii += range(start, start + pairs)
        angles += range(start + pairs, start + 2 * pairs)
    with torch.inference_mode(False):
        places = [torch.tensor(places, dtype=torch.int64, device=device) for places in (radii, angles, results)]
    return places[0], places[1], places[2]


def _column(values: torch.Tensor) -> np.ndarray:
    """``(K, 1)``, as `philox` takes it: NumPy has less to do for each operation on few numbers."""
    return values.numpy().astype(np.uint64)[:, None]
