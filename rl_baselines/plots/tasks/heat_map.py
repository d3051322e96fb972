"""The heat map of a cross evaluation."""

from typing import TYPE_CHECKING

import numpy as np

from rl_baselines.plots.style import COLUMN_INCHES, FONT, PAGE_INCHES, SMALL_FONT, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rl_baselines.cross_evaluation.matrix import Matrix

CELL_INCHES = 0.42
"""height of a row"""
COLOURS = "cividis"
"""which colour-blind readers see as others do"""
DARK_BELOW = 0.55
"""of the scale: white text on darker colours, black on brighter ones"""


def heat_map(matrix: "Matrix", title: str | None = None) -> "Figure":
    """Policies as rows, tasks as columns; the mean return in each cell, and above it the normalised one.

    Colours are normalised returns, cut to 0 and 1. In tasks without a scripted policy they go from the lowest mean
    return in the task to the highest.
    """
    means = np.array([[cell.mean for cell in matrix.row(policy)] for policy in matrix.policies])
    normalised = np.array(
        [[np.nan if cell.normalised is None else cell.normalised for cell in matrix.row(p)] for p in matrix.policies]
    )
    colours = np.where(np.isnan(normalised), _by_column(means), normalised)
    figure, (axes,) = new_figure(1, panel_heights=[CELL_INCHES * len(matrix.policies) + 0.5])
    figure.set_size_inches(
        COLUMN_INCHES if len(matrix.tasks) <= 3 else min(PAGE_INCHES, 1.6 + 0.75 * len(matrix.tasks)),
        figure.get_size_inches()[1],
    )
    image = axes.imshow(np.ma.masked_invalid(colours), cmap=COLOURS, vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_facecolor("#dddddd")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks(range(len(matrix.tasks)), [task.name for task in matrix.tasks], fontsize=SMALL_FONT, wrap=True)
    axes.set_yticks(range(len(matrix.policies)), [policy.label for policy in matrix.policies], fontsize=SMALL_FONT)
    for (row, column), mean in np.ndenumerate(means):
        if np.isnan(mean):
            text, colour = "does\nnot fit", "#555555"
        else:
            share = normalised[row, column]
            text = f"{mean:.4g}" if np.isnan(share) else f"{share:.2f}\n({mean:.4g})"
            colour = "white" if colours[row, column] < DARK_BELOW else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=SMALL_FONT, color=colour, linespacing=1.1)
    if matrix.normalises:
        bar = figure.colorbar(image, ax=axes, extend="both", fraction=0.08, pad=0.02)
        bar.set_label("normalised return", fontsize=SMALL_FONT)
        bar.ax.tick_params(labelsize=SMALL_FONT)
    if title:
        axes.set_title(title, fontsize=FONT, wrap=True)
    return figure


def _by_column(means: np.ndarray) -> np.ndarray:
    """Each column from 0, its lowest value, to 1; 1 where all are equal."""
    shares = np.full(means.shape, np.nan)
    for column, values in enumerate(means.T):
        there = ~np.isnan(values)
        if there.any():
            low, high = values[there].min(), values[there].max()
            shares[there, column] = (values[there] - low) / (high - low) if high > low else 1.0
    return shares
