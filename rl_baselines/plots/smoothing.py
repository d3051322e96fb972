"""Smoothing of curves."""

import numpy as np


def moving_average(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each value and the ``window - 1`` before it (of fewer at the beginning).

    Args:
        values: ``(n,)`` numbers.
        window: at least 1.

    Returns:
        ``(n,) float64``.
    """
    if window < 1:
        raise ValueError(f"a moving average needs a window of at least 1, not {window}")
    values = np.asarray(values, dtype=np.float64)
    beginning = values[: window - 1]
    means = np.cumsum(beginning) / np.arange(1, len(beginning) + 1)
    if len(values) < window:
        return means
    return np.concatenate([means, np.lib.stride_tricks.sliding_window_view(values, window).mean(axis=1)])


def mean_of_last(values: np.ndarray, ends: np.ndarray, window: int) -> np.ndarray:
    """`moving_average` at some places only: mean of ``values[end]`` and the ``window - 1`` before it, for each end.

    Args:
        values: ``(n,)`` numbers.
        ends: ``(m,)`` indices from 0 to n - 1.
        window: at least 1.

    Returns:
        ``(m,) float64``.
    """
    places = ends[:, None] - np.arange(window)
    inside = places >= 0
    return np.where(inside, values[np.maximum(places, 0)], 0).sum(axis=1) / inside.sum(axis=1)


def bin_means(x: np.ndarray, y: np.ndarray, max_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """A curve in at most ``max_bins`` points: means of ``x`` and ``y`` in bins of equal width along ``x``.

    Bins without a point are left out; a curve that has no more than ``max_bins`` points comes back as it is.

    Args:
        x: ``(n,)``, never decreasing.
        y: ``(n,)``.
        max_bins: at least 1.

    Returns:
        two ``(m,) float64`` arrays, m ≤ ``max_bins``.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(x) <= max_bins:
        return x, y
    edges = np.linspace(x[0], x[-1], max_bins + 1)[1:-1]
    bins = np.searchsorted(edges, x, side="right")
    counts = np.bincount(bins, minlength=max_bins)
    filled = counts > 0
    return (
        np.bincount(bins, weights=x, minlength=max_bins)[filled] / counts[filled],
        np.bincount(bins, weights=y, minlength=max_bins)[filled] / counts[filled],
    )
