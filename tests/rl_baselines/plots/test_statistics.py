"""Statistics over runs, against numbers worked out by hand, known results, and what must hold."""

import numpy as np
import pytest
from scipy import stats

from rl_baselines.plots.statistics import (
    bootstrapped,
    iqm,
    mean,
    performance_profile,
    probability_of_improvement,
    welch,
    with_standard_error,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_interquartile_mean_leaves_out_a_quarter_at_both_ends():
    assert iqm(np.array([100.0, 1, 2, 3, 4, 5, 6, -100])) == 3.5
    assert iqm(np.array([7.0, 1, 4])) == 4, "a quarter of three is none"
    assert iqm(np.array([[0.0, 1, 2, 30], [8, 0, 4, 2]])).tolist() == [1.5, 3]
    for count in range(1, 14):
        values = rng().normal(size=(3, count, 2))
        np.testing.assert_allclose(iqm(values, axis=1), stats.trim_mean(values, 0.25, axis=1), atol=1e-15)


def test_the_standard_error_by_hand():
    estimate = with_standard_error(np.array([[1.0, 2, 3], [5, 5, 5]]))
    assert estimate.value.tolist() == [2, 5]
    assert estimate.high - estimate.value == pytest.approx([1 / np.sqrt(3), 0])
    assert estimate.value - estimate.low == pytest.approx([1 / np.sqrt(3), 0])


def test_one_run_has_no_interval():
    single = np.array([[1.0], [2.0]])
    for estimate in (with_standard_error(single), bootstrapped([single], iqm, 100, rng())):
        assert estimate.value.tolist() == [1, 2]
        assert np.isnan([estimate.low, estimate.high]).all()
    assert np.isnan(probability_of_improvement([np.ones(1)], [np.ones(3)], 10, rng()).low)
    assert np.isnan(welch(np.ones(1), np.arange(3.0)).p)


def test_the_bootstrap_of_a_mean_is_what_theory_says():
    values = rng().normal(3, 2, size=200)
    estimate = bootstrapped([values[None]], mean, 4000, rng())
    half = 1.96 * values.std() / np.sqrt(200)
    assert estimate.value == pytest.approx([values.mean()])
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.03)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.03)


def test_strata_are_drawn_apart():
    """Environments without spread within give an interval without width, however far apart they are."""
    strata = [np.full((1, 5), 0.0), np.full((1, 7), 10.0)]
    estimate = bootstrapped(strata, mean, 200, rng())
    assert [estimate.value[0], estimate.low[0], estimate.high[0]] == pytest.approx([70 / 12] * 3)
    together = bootstrapped([np.concatenate(strata, axis=-1)], mean, 200, rng())
    assert together.high - together.low > 4


def test_the_interval_covers():
    """Of 200 experiments with two environments the 95 % interval has the true interquartile mean in 85 to 99 %."""
    draw = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        strata = [draw.normal(centre, 1, size=(1, 12)) for centre in (0, 0.5)]
        estimate = bootstrapped(strata, iqm, 200, draw)
        covered += bool(estimate.low[0] <= 0.25 <= estimate.high[0])
    assert 170 <= covered <= 198


def test_the_same_generator_gives_the_same_interval():
    values = [rng().normal(size=(3, 10))]
    first, again = (bootstrapped(values, iqm, 100, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.low, again.low)
    assert not np.array_equal(first.low, bootstrapped(values, iqm, 100, np.random.default_rng(6)).low)


def test_welch_against_its_formula():
    a, b = np.array([1.0, 2, 4, 8]), np.array([10.0, 11, 15])
    test = welch(a, b)
    va, vb = a.var(ddof=1) / 4, b.var(ddof=1) / 3
    t = (a.mean() - b.mean()) / np.sqrt(va + vb)
    freedom = (va + vb) ** 2 / (va**2 / 3 + vb**2 / 2)
    assert test.t == pytest.approx(t)
    assert test.p == pytest.approx(2 * stats.t.sf(abs(t), freedom))


@pytest.mark.filterwarnings("error")
def test_welch_of_samples_without_spread():
    assert np.isnan(welch(np.ones(3), np.ones(3)).p)


@pytest.mark.filterwarnings("error")
def test_probability_of_improvement():
    low, high = np.array([1.0, 2, 3]), np.array([4.0, 5])
    certain = probability_of_improvement([high], [low], 100, rng())
    assert certain.value == certain.low == certain.high == 1
    assert probability_of_improvement([low], [high], 100, rng()).value == 0
    assert probability_of_improvement([low], [low], 100, rng()).value == 0.5, "ties count half"
    assert probability_of_improvement([np.array([1.0, 4])], [np.array([2.0, 3])], 100, rng()).value == 0.5
    both = probability_of_improvement([high, low], [low, np.array([0.0, 2.5])], 100, rng())
    assert both.value == pytest.approx((1 + 4 / 6) / 2), "the mean over environments"
    assert both.low <= both.value <= both.high


def test_a_profile_is_the_share_above():
    profile = performance_profile([np.array([1.0, 2]), np.array([3.0, 4])], np.array([0.0, 1, 2.5, 4]), 100, rng())
    assert profile.value.tolist() == [1, 0.75, 0.5, 0]
    assert ((profile.low <= profile.value) & (profile.value <= profile.high)).all()
