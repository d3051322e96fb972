"""How good a state is: correlation with ground truth, and what neighbours in state space have in common."""

from dataclasses import dataclass

import numpy as np

_ROWS_AT_ONCE = 64
_RIDGE = 1e-4
"""penalty of the linear map, relative to states of deviation 1"""


@dataclass(frozen=True)
class Correlation:
    """Ground-truth correlation.

    Args:
        by_dimension: of each column of ground truth, ``(k,)`` in [0, 1]; NaN where ground truth never changes.
        matrix: absolute Pearson correlation of each column of ground truth (rows) with each of the states (columns).
    """

    by_dimension: np.ndarray
    matrix: np.ndarray

    @property
    def mean(self) -> float:
        """over the columns of ground truth that change; NaN when none does"""
        known = self.by_dimension[np.isfinite(self.by_dimension)]
        return float(known.mean()) if known.size else float("nan")


def ground_truth_correlation(states: np.ndarray, truth: np.ndarray) -> Correlation:
    """GTC: for each column of ground truth, the greatest absolute Pearson correlation with a column of the states.

    Raffin et al., "Decoupling feature extraction from policy learning" (2019), section 4. Only learned columns are
    candidates: ground truth is never compared with itself. A constant column of the states correlates with nothing.

    Args:
        states: ``(n, state_dim)``
        truth: ``(n, k)``
    """
    states, changing_states = _standardise(states)
    truth, changing = _standardise(truth)
    matrix = np.abs(truth.T @ states) / len(truth)
    matrix[:, ~changing_states] = 0
    matrix[~changing] = np.nan
    return Correlation(matrix.max(axis=1), np.minimum(matrix, 1, out=matrix))


def linear_fit(states: np.ndarray, truth: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """How much of each coordinate a linear map from the state knows, judged on other steps than it is fitted to.

    It is high also where a coordinate is spread over many numbers of the state; GTC looks at single ones.

    Args:
        states: ``(n, state_dim)``
        truth: ``(n, k)``
        held_out: ``(n,) bool``, the steps that are judged; whole episodes, because neighbouring frames are alike.

    Returns:
        ``(k,)``, the share of the variance that is explained: at most 1, below 0 where the mean is a better guess, and
        NaN where ground truth never changes.
    """
    states, truth = states.astype(np.float64), truth.astype(np.float64)
    middle, scale = states[~held_out].mean(axis=0), np.maximum(states[~held_out].std(axis=0), 1e-9)
    states = np.hstack([(states - middle) / scale, np.ones((len(states), 1))])
    seen = states[~held_out]
    ridge = _RIDGE * len(seen) * np.eye(seen.shape[1])
    weights = np.linalg.solve(seen.T @ seen + ridge, seen.T @ truth[~held_out])
    wrong = ((truth[held_out] - states[held_out] @ weights) ** 2).mean(axis=0)
    variance = truth[held_out].var(axis=0)
    return np.where(variance > 1e-12, 1 - wrong / np.maximum(variance, 1e-12), np.nan)


def nearest_neighbours(states: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Nearest rows by Euclidean distance, nearest first, the row itself left out.

    Args:
        states: ``(n, state_dim)``
        queries: ``(m,)`` row numbers.
        k: neighbours of each.

    Returns:
        ``(m, k)`` row numbers.
    """
    states = states.astype(np.float64)
    squares = np.einsum("ij,ij->i", states, states)
    found = []
    for start in range(0, len(queries), _ROWS_AT_ONCE):
        rows = queries[start : start + _ROWS_AT_ONCE]
        distances = squares[rows, None] + squares - 2 * states[rows] @ states.T
        distances[np.arange(len(rows)), rows] = np.inf
        near = np.argpartition(distances, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(distances, near, axis=1), axis=1, kind="stable")
        found.append(np.take_along_axis(near, order, axis=1))
    return np.concatenate(found)


def knn_mse(states: np.ndarray, truth: np.ndarray, k: int, queries: np.ndarray) -> float:
    """Mean of ``||truth - truth of a neighbour||**2`` over the queries and their k nearest neighbours in state space.

    Raffin et al., "S-RL Toolbox: Environments, Datasets and Evaluation Metrics" (2018), section 4.

    Args:
        states: ``(n, state_dim)``
        truth: ``(n, d)``
        k: neighbours of each.
        queries: ``(m,)`` row numbers.
    """
    neighbours = nearest_neighbours(states, queries, k)
    difference = truth[neighbours] - truth[queries, None]
    return float(np.mean(np.sum(difference**2, axis=2)))


def _standardise(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns with mean 0 and deviation 1, and which of them change; the others become 0."""
    values = values.astype(np.float64)
    centred = values - values.mean(axis=0)
    deviation = np.sqrt(np.mean(centred**2, axis=0))
    changing = deviation > 1e-6 * np.maximum(1e-6, np.abs(values).max(axis=0))
    return centred / np.where(changing, deviation, 1), changing
