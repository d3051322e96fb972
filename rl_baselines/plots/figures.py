"""Figures as PNG."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rl_baselines.plots.monitors import Episodes
from rl_baselines.plots.smoothing import moving_average
from srl3.files import atomic_path

if TYPE_CHECKING:
    from rl_baselines.callbacks.episodes import EpisodeLog

COLUMN_INCHES = 3.5
"""width of a printed column"""
BLUE = "#0072B2"
"""from the palette of Okabe and Ito (2008), which colour-blind readers tell apart"""


def learning_curve(episodes: "Episodes | EpisodeLog", path: Path | str, title: str) -> bool:
    """Draw the returns of a run against its timesteps: each episode faint, their moving average bold.

    The average is over a tenth of the episodes, at most 100.

    Args:
        episodes: the run.
        path: PNG, replaced in one piece; its folder exists.
        title: above the axes.

    Returns:
        False, drawing nothing, for a run without an episode.
    """
    run = episodes if isinstance(episodes, Episodes) else episodes.arrays()
    if run.count == 0:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    window = int(np.clip(run.count // 10, 1, 100))
    figure = Figure(figsize=(COLUMN_INCHES, 0.68 * COLUMN_INCHES), dpi=300, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(
        run.timesteps,
        run.returns,
        linestyle="none",
        marker=".",
        markersize=3 if run.count < 1000 else 1.5,
        markeredgewidth=0,
        color=BLUE,
        alpha=0.35 if run.count < 1000 else 0.15,
        label="one episode",
    )
    axes.plot(
        run.timesteps,
        moving_average(run.returns, window),
        color=BLUE,
        linewidth=1.5,
        marker="." if run.count < 5 else None,
        label=f"mean of {window} episodes" if window > 1 else None,
    )
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel("timesteps", fontsize=8)
    axes.set_ylabel("episode return", fontsize=8)
    axes.set_title(title, fontsize=8, wrap=True)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(
        fontsize=7, frameon=True, framealpha=0.8, edgecolor="none", markerscale=1 if run.count < 1000 else 3
    )
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")
    return True
