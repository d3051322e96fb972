"""Kernels of Warp: failed simulations, and random numbers in one launch."""

from typing import Any

import torch
import warp as wp

wp.config.quiet = True
wp.init()

LARGEST = wp.constant(1.0e10)
"""as in MuJoCo: a number beyond it is a failure"""


@wp.kernel(enable_backward=False)
def note_failed(
    qpos: wp.array2d(dtype=wp.float32),  # type: ignore[valid-type]
    qvel: wp.array2d(dtype=wp.float32),  # type: ignore[valid-type]
    qacc: wp.array2d(dtype=wp.float32),  # type: ignore[valid-type]
    failed: wp.array(dtype=wp.bool),  # type: ignore[valid-type]
) -> None:
    """Whether a number of a row's state is not finite, or too large."""
    row = wp.tid()
    wrong = wp.int32(0)
    for place in range(qpos.shape[1]):
        if not (wp.abs(qpos[row, place]) < LARGEST):
            wrong += 1
    for place in range(qvel.shape[1]):
        if not (wp.abs(qvel[row, place]) < LARGEST) or not (wp.abs(qacc[row, place]) < LARGEST):
            wrong += 1
    failed[row] = wrong > 0


@wp.kernel(enable_backward=False)
def refill(
    failed: wp.array(dtype=wp.bool),  # type: ignore[valid-type]
    initial: wp.array(dtype=wp.float32),  # type: ignore[valid-type]
    values: wp.array2d(dtype=wp.float32),  # type: ignore[valid-type]
) -> None:
    """Put ``initial`` into the rows that failed."""
    row, place = wp.tid()
    if failed[row]:
        values[row, place] = initial[place]


@wp.kernel(enable_backward=False)
def _philox(
    seeds: wp.array(dtype=wp.int64),  # type: ignore[valid-type]
    episodes: wp.array(dtype=wp.int64),  # type: ignore[valid-type]
    steps: wp.array(dtype=wp.int64),  # type: ignore[valid-type]
    purpose: wp.uint64,
    words: wp.array2d(dtype=wp.int64),  # type: ignore[valid-type]
) -> None:
    """Philox4x32-10, four words to a thread; see `environments.mujoco_gym.randomness.philox`."""
    row, block = wp.tid()
    mask = wp.uint64(0xFFFFFFFF)
    half = wp.uint64(32)
    seed = wp.uint64(seeds[row])
    low = seed & mask
    high = (seed >> half) & mask
    a = wp.uint64(block)
    b = purpose
    c = wp.uint64(steps[row]) & mask
    d = wp.uint64(episodes[row]) & mask
    for _ in range(10):
        first = a * wp.uint64(0xD2511F53)
        second = c * wp.uint64(0xCD9E8D57)
        a = ((second >> half) & mask) ^ b ^ low
        b = second & mask
        c = ((first >> half) & mask) ^ d ^ high
        d = first & mask
        low = (low + wp.uint64(0x9E3779B9)) & mask
        high = (high + wp.uint64(0xBB67AE85)) & mask
    start = 4 * block
    words[row, start] = wp.int64(a)
    words[row, start + 1] = wp.int64(b)
    words[row, start + 2] = wp.int64(c)
    words[row, start + 3] = wp.int64(d)


def _stream_that_captures() -> Any:
    """torch's stream while a CUDA graph is captured on it; None: Warp's own, which torch's default stream waits for."""
    if not (torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()):
        return None
    stream = torch.cuda.current_stream()
    if stream.cuda_stream not in _streams:
        _streams[stream.cuda_stream] = wp.stream_from_torch(stream)
    return _streams[stream.cuda_stream]


_streams: dict[int, Any] = {}


def philox_words(
    seeds: torch.Tensor, episodes: torch.Tensor, steps: torch.Tensor, purpose: int, count: int
) -> torch.Tensor:
    """``(K, count) int64`` of 32 random bits each, on the device of the arguments, ``(K,) int64`` each."""
    blocks = (count + 3) // 4
    words = torch.empty(len(seeds), 4 * blocks, dtype=torch.int64, device=seeds.device)
    if len(seeds):
        given: list[Any] = [wp.from_torch(part.contiguous(), return_ctype=True) for part in (seeds, episodes, steps)]
        wp.launch(
            _philox,
            dim=(len(seeds), blocks),
            inputs=[*given, purpose],
            outputs=[wp.from_torch(words, return_ctype=True)],
            device=wp.device_from_torch(seeds.device),
            stream=_stream_that_captures(),
        )
    return words[:, :count]
