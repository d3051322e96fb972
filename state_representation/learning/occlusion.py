"""Hidden rectangles, for the denoising auto-encoder."""

import torch
from torch import Tensor


def occlude(frames: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Frames with one rectangle each set to 0.

    Args:
        frames: ``(n, C, H, W)``, which stay as they are.
        share: greatest part of each side that is hidden, in [0, 1]; sides and place are uniform.
        generator: of the CPU.

    Returns:
        ``(n, C, H, W)``
    """
    number, _, height, width = frames.shape
    size = torch.rand(number, 2, generator=generator) * share
    start = torch.rand(number, 2, generator=generator) * (1 - size)
    rows = _between(height, start[:, 0], start[:, 0] + size[:, 0])
    columns = _between(width, start[:, 1], start[:, 1] + size[:, 1])
    hidden = (rows[:, :, None] & columns[:, None, :]).to(frames.device)
    return frames.masked_fill(hidden[:, None], 0.0)


def _between(length: int, start: Tensor, end: Tensor) -> Tensor:
    """``(n, length) bool``: the pixels whose middles are between ``start`` and ``end``, shares of the side."""
    middles = (torch.arange(length) + 0.5) / length
    return (middles >= start[:, None]) & (middles < end[:, None])
