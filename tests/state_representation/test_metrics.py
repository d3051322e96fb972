"""Figures of merit, against known values and brute force."""

import numpy as np
import pytest

from state_representation.judging.metrics import ground_truth_correlation, knn_mse, nearest_neighbours


def test_correlation_is_with_learned_columns_only():
    """Two coordinates that move together, and a state that knows neither: the S-RL Toolbox gave 1 here."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=5000)
    truth = np.stack([x, 2 * x + 1], axis=1)
    assert abs(np.corrcoef(truth.T)[0, 1]) == pytest.approx(1)
    found = ground_truth_correlation(rng.normal(size=(5000, 4)), truth)
    assert found.mean < 0.06
    assert found.matrix.shape == (2, 4)


def test_correlation_of_known_states():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(20_000, 2))
    noise = rng.normal(size=20_000)
    states = np.stack([-3 * truth[:, 0] + 7, truth[:, 1] + noise, np.full(20_000, 0.1)], axis=1).astype(np.float32)
    found = ground_truth_correlation(states, truth)
    assert found.by_dimension == pytest.approx([1, np.sqrt(0.5)], abs=0.01)
    assert found.mean == pytest.approx((1 + np.sqrt(0.5)) / 2, abs=0.01)
    expected = np.abs(np.corrcoef(truth.T, states[:, :2].T)[:2, 2:])
    assert found.matrix[:, :2] == pytest.approx(expected, abs=1e-6)
    assert found.matrix[:, 2] == pytest.approx(0), "a constant correlates with nothing"


def test_a_constant_coordinate_does_not_count():
    truth = np.stack([np.arange(10.0), np.full(10, 3.6)], axis=1)
    found = ground_truth_correlation(np.arange(10.0)[:, None], truth)
    assert np.isnan(found.by_dimension[1])
    assert found.mean == pytest.approx(1)
    assert np.isnan(ground_truth_correlation(np.arange(10.0)[:, None], truth[:, 1:]).mean)


def test_neighbours_are_those_of_brute_force():
    states = np.random.default_rng(2).normal(size=(300, 5)).astype(np.float32)
    queries = np.arange(0, 300, 3)
    distances = np.linalg.norm(states[queries, None] - states, axis=2)
    distances[np.arange(len(queries)), queries] = np.inf
    assert nearest_neighbours(states, queries, 4).tolist() == np.argsort(distances, axis=1)[:, :4].tolist()


def test_knn_mse_by_hand():
    states = np.array([[0.0], [1.0], [10.0], [11.0]])
    truth = np.array([[0.0, 0.0], [0.0, 2.0], [5.0, 0.0], [5.0, 1.0]])
    # neighbours: 0-1, 2-3; squared distances 4, 4, 1, 1
    assert knn_mse(states, truth, 1, np.arange(4)) == pytest.approx(2.5)
    assert knn_mse(truth, truth, 1, np.array([2])) == pytest.approx(1)
