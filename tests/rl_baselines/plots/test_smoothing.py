"""Smoothing of curves."""

import numpy as np
import pytest

from rl_baselines.plots.smoothing import bin_means, mean_of_last, moving_average


def test_moving_average_by_hand() -> None:
    assert moving_average(np.array([1, 2, 6, 3, 0]), 3).tolist() == [1.0, 1.5, 3.0, 11 / 3, 3.0]


@pytest.mark.parametrize(("n", "window"), [(0, 3), (1, 1), (1, 3), (2, 3), (3, 3), (50, 7), (50, 1), (50, 100)])
def test_moving_average_is_the_mean_of_what_came_last(n: int, window: int) -> None:
    values = np.random.default_rng(0).normal(size=n)
    expected = [values[max(0, i + 1 - window) : i + 1].mean() for i in range(n)]
    np.testing.assert_allclose(moving_average(values, window), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("window", [1, 3, 40, 500])
def test_means_at_some_places(window: int) -> None:
    values = np.random.default_rng(0).normal(size=100)
    ends = np.array([0, 1, 1, 38, 39, 40, 99])
    np.testing.assert_allclose(mean_of_last(values, ends, window), moving_average(values, window)[ends], atol=1e-14)


def test_an_outlier_leaves_no_trace_behind_the_window() -> None:
    values = np.ones(20)
    values[5] = 1e18
    assert moving_average(values, 4)[9:].tolist() == [1.0] * 11


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        moving_average(np.ones(3), 0)


def test_a_short_curve_is_not_binned() -> None:
    x, y = bin_means(np.array([1, 2, 5]), np.array([3, 4, 5]), 3)
    assert (x.tolist(), y.tolist()) == ([1, 2, 5], [3, 4, 5])


def test_bins_by_hand() -> None:
    x, y = bin_means(np.array([0, 1, 2, 9, 10]), np.array([1, 2, 6, 4, 8]), 2)
    assert (x.tolist(), y.tolist()) == ([1.0, 9.5], [3.0, 6.0])


def test_bins_keep_the_mean_and_the_order() -> None:
    rng = np.random.default_rng(1)
    x = np.cumsum(rng.integers(0, 5, 10_000))
    bx = bin_means(x, np.sin(x), 100)[0]
    assert len(bx) <= 100
    assert (np.diff(bx) > 0).all()
    assert bx[0] >= x[0]
    assert bx[-1] <= x[-1]
    assert bin_means(np.zeros(10), np.arange(10), 4)[1].tolist() == [4.5]
