"""Losses, projections and correlations as PNG."""

from pathlib import Path
from typing import Any

import numpy as np

from state_representation.data.rewards import reward_classes
from state_representation.data.truth import Truth
from state_representation.judging.metrics import ground_truth_correlation
from state_representation.plots.style import COLOURS, SMALL, new_figure, plain

MOST_POINTS = 5000
"""Points in one scatter plot; more hide one another."""


def principal_projection(states: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """States on their principal components.

    Args:
        states: ``(n, state_dim)``
        number: components; where the state has fewer, the others are 0.

    Returns:
        ``(n, number)``, and the share of the variance that each holds, ``(number,)``.
    """
    centred = states.astype(np.float64) - states.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    found = centred @ vectors[:, :number]
    missing = max(0, number - found.shape[1])
    shares = np.pad(values[:number], (0, missing)) / max(float(values.sum()), 1e-12)
    return np.pad(found, ((0, 0), (0, missing))), shares


def draw_losses(history: dict[str, np.ndarray], path: Path, title: str) -> bool:
    """Each loss against the epochs, training dotted and validation in full.

    Args:
        history: ``train_<loss>`` and ``val_<loss>``, ``(epochs,)`` each.
        path: PNG.
        title: above the figure.

    Returns:
        False, drawing nothing, for a representation that was not trained in epochs.
    """
    names = [name.removeprefix("val_") for name in history if name.startswith("val_")]
    names = names[: len(names) if len(names) > 2 else 1]  # the total of one loss is that loss
    if not names or not len(history[f"val_{names[0]}"]):
        return False
    with new_figure(path, 2.6 * len(names), 2.4) as figure:
        for place, name in enumerate(names):
            axes = figure.add_subplot(1, len(names), place + 1)
            for side, style in (("train", ":"), ("val", "-")):
                values = history[f"{side}_{name}"]
                marker = "." if len(values) < 3 else None
                label = {"train": "training", "val": "validation"}[side]
                axes.plot(
                    np.arange(1, 1 + len(values)), values, style, color=COLOURS[place % 8], marker=marker, label=label
                )
            axes.set_title(name, fontsize=SMALL + 1)
            axes.set_xlabel("epoch", fontsize=SMALL)
            axes.set_ylim(bottom=min(0.0, *axes.get_ylim()))
            axes.xaxis.get_major_locator().set_params(integer=True)
            plain(axes)
            axes.legend(fontsize=SMALL, frameon=False)
        figure.suptitle(title, fontsize=SMALL + 1)
    return True


def draw_projections(states: np.ndarray, rewards: np.ndarray, path: Path, title: str) -> None:
    """The states on their first two and three principal components, coloured by the reward that followed."""
    points, shares = principal_projection(states, 3)
    seen = np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(np.int64)
    points, rewards = points[seen], rewards[seen]
    with new_figure(path, 8, 3.8) as figure:
        flat = figure.add_subplot(1, 2, 1)
        deep = figure.add_subplot(1, 2, 2, projection="3d")
        _scatter(flat, points[:, :2], rewards)
        _scatter(deep, points, rewards)
        names = [f"component {number + 1} ({share:.0%})" for number, share in enumerate(shares)]
        for axes in (flat, deep):
            plain(axes)
            axes.set_xlabel(names[0], fontsize=SMALL)
            axes.set_ylabel(names[1], fontsize=SMALL)
        deep.set_box_aspect(None, zoom=0.85)
        deep.set_zlabel(names[2], fontsize=SMALL)
        flat.legend(fontsize=SMALL, title="reward", title_fontsize=SMALL, markerscale=3, loc="best")
        figure.suptitle(title, fontsize=SMALL + 1)


def draw_correlation(states: np.ndarray, truth: Truth, path: Path, title: str) -> None:
    """Absolute correlation of ground truth (rows) with every number of the state (columns), the greatest ringed."""
    found = ground_truth_correlation(states, truth.values)
    rows, columns = found.matrix.shape
    width = float(np.clip(0.25 * columns, 4, 14))
    with new_figure(path, width + 1.2, 0.35 * rows + 1.3) as figure:
        axes = figure.add_subplot()
        image = axes.imshow(found.matrix, vmin=0, vmax=1, cmap="viridis", aspect="auto", interpolation="nearest")
        for row, best in enumerate(found.by_dimension):
            if np.isfinite(best):
                place = int(found.matrix[row].argmax())
                axes.plot(place, row, "o", markerfacecolor="none", markeredgecolor="red", markersize=8)
        said = ["constant" if not np.isfinite(best) else f"{best:.2f}" for best in found.by_dimension]
        axes.set_yticks(range(rows), [f"{name}  {text}" for name, text in zip(truth.names, said, strict=True)])
        axes.tick_params(labelsize=SMALL)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("number of the state", fontsize=SMALL)
        axes.set_title(f"{title}: mean GTC {found.mean:.3f}", fontsize=SMALL + 1)
        figure.colorbar(image, ax=axes, fraction=0.03).ax.tick_params(labelsize=SMALL)


def _scatter(axes: Any, points: np.ndarray, rewards: np.ndarray) -> None:
    found = reward_classes(rewards)
    if not len(found.values):
        shown = axes.scatter(*points.T, c=rewards, s=3, linewidths=0, cmap="viridis")
        axes.figure.colorbar(shown, ax=axes, fraction=0.04).ax.tick_params(labelsize=SMALL)
        return
    for number in np.argsort(-np.bincount(found.classes)):  # the rarest on top
        chosen = points[found.classes == number]
        value = found.values[number]
        colour = {-1: COLOURS[4], 0: "#999999", 1: COLOURS[0]}.get(int(np.sign(value)), COLOURS[number % 8])
        if np.sum(np.sign(found.values) == np.sign(value)) > 1:
            colour = COLOURS[number % 8]
        axes.scatter(*chosen.T, color=colour, s=3, linewidths=0, label=f"{value:g}")
