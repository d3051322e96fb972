"""The figures: learning curves of one run and of many, performance profiles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rl_baselines.plots import style
from rl_baselines.plots.curves import AXES, Curve
from rl_baselines.plots.smoothing import moving_average
from rl_baselines.plots.style import (
    BLUE,
    FONT,
    PANEL_INCHES,
    SMALL_FONT,
    LineStyle,
    legend_below,
    line_style,
    new_figure,
    save,
)
from rl_baselines.runs.monitors import Episodes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rl_baselines.plots.profiles import Comparison, Profile
    from rl_baselines.runs.episodes import EpisodeLog


LONGEST_COMPARISON = 48
"""letters of a comparison that fit beside one another"""


@dataclass(frozen=True)
class Look:
    """What the user says of a figure's look."""

    title: str | None = None
    y_lim: tuple[float, float] | None = None
    y_label: str = "episode return"


def learning_curve(
    episodes: "Episodes | EpisodeLog",
    path: Path | str,
    title: str,
    *,
    window: int | None = None,
    axis: str = "timesteps",
    y_lim: tuple[float, float] | None = None,
) -> bool:
    """Draw the returns of a run: each episode faint, their moving average bold.

    Args:
        episodes: the run.
        path: PNG, SVG, HTML or PDF, replaced in one piece; its folder exists.
        title: above the axes.
        window: episodes of the average; None takes a tenth of them, at most 100.
        axis: key of `rl_baselines.plots.curves.AXES`.
        y_lim: limits of the returns shown.

    Returns:
        False, drawing nothing, for a run without an episode.
    """
    run = episodes if isinstance(episodes, Episodes) else episodes.arrays()
    if run.count == 0:
        return False
    if window is None:
        window = int(np.clip(run.count // 10, 1, 100))
    x, x_label = in_units(AXES[axis].of(run), axis)
    few = run.count < 1000
    figure, (axes,) = new_figure(1)
    axes.plot(
        x,
        run.returns,
        linestyle="none",
        marker=".",
        markersize=3 if few else 1.5,
        markeredgewidth=0,
        color=BLUE,
        alpha=0.35 if few else 0.15,
        label="one episode",
        rasterized=True,
    )
    axes.plot(
        x,
        moving_average(run.returns, window),
        color=BLUE,
        linewidth=1.5,
        marker="." if run.count < 5 else None,
        label=f"mean of {window} episodes" if window > 1 else None,
    )
    _finish(axes, x_label, Look(y_lim=y_lim))
    axes.set_title(title, fontsize=FONT, wrap=True)
    legend = axes.legend(
        fontsize=SMALL_FONT, frameon=True, framealpha=0.8, edgecolor="none", markerscale=1 if few else 3
    )
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
    save(figure, Path(path))
    return True


def seed_curves(curves: Sequence[Curve], axis: str, look: Look) -> "Figure":
    """A panel for each curve: the statistic bold with its band, the single runs faint behind it."""
    figure, panels = _panels(len(curves))
    curves, x_label = _all_in_units(curves, axis)
    for axes, curve in zip(panels, curves, strict=True):
        if len(curve.runs) > 1:
            axes.plot(curve.x, curve.runs.T, color="#888888", linewidth=0.5, alpha=0.5)
        _draw(axes, curve, LineStyle(BLUE, "-"))
        axes.set_title(f"{curve.env}\n{curve.method}, {_runs(len(curve.runs))}", fontsize=SMALL_FONT)
        _finish(axes, x_label, look)
    for env in {curve.env for curve in curves}:
        _same_limits([axes for axes, curve in zip(panels, curves, strict=True) if curve.env == env])
    _title(figure, look)
    return figure


def method_curves(curves: Sequence[Curve], axis: str, look: Look) -> "Figure":
    """A panel for each environment, with a line and a band for each method."""
    methods = sorted({curve.method for curve in curves})
    environments = sorted({curve.env for curve in curves})
    figure, panels = _panels(len(environments))
    curves, x_label = _all_in_units(curves, axis)
    handles = {}
    for axes, env in zip(panels, environments, strict=True):
        for curve in (curve for curve in curves if curve.env == env):
            handles[curve.method] = _draw(axes, curve, line_style(methods.index(curve.method)))
        if len(environments) > 1 or not look.title:
            axes.set_title(env, fontsize=FONT)
        _finish(axes, x_label, look)
    _title(figure, look)
    counts = {method: sorted({len(curve.runs) for curve in curves if curve.method == method}) for method in methods}
    labels = [f"{method} ({_runs(*counts[method])})" for method in methods]
    legend_below(figure, [handles[method] for method in methods], labels)
    return figure


def profile_figure(profiles: Sequence["Profile"], comparisons: Sequence["Comparison"], look: Look) -> "Figure":
    """Performance profiles and, below them, the probabilities of improvement."""
    names = [f"{each.method} > {each.baseline}" for each in comparisons]
    if max(map(len, names), default=0) > LONGEST_COMPARISON:
        names = [f"{each.method}\n> {each.baseline}" for each in comparisons]
    lines = sum(name.count("\n") + 1 for name in names)
    heights = [PANEL_INCHES, 0.5 + 0.12 * (len(names) + lines)]
    figure, panels = new_figure(2 if comparisons else 1, panel_heights=heights if comparisons else None)
    handles = []
    for index, profile in enumerate(profiles):
        look_of_line = line_style(index)
        (line,) = panels[0].plot(
            profile.thresholds,
            profile.estimate.value,
            color=look_of_line.colour,
            linestyle=look_of_line.dashes,
            linewidth=1.3,
            drawstyle="steps-post",
        )
        panels[0].fill_between(
            profile.thresholds,
            profile.estimate.low,
            profile.estimate.high,
            color=look_of_line.colour,
            alpha=0.18,
            linewidth=0,
            step="post",
        )
        handles.append(line)
    panels[0].set_ylim(-0.02, 1.02)
    panels[0].set_xlabel(f"{look.y_label} τ", fontsize=FONT)
    panels[0].set_ylabel("share of runs above τ", fontsize=FONT)
    if comparisons:
        _draw_comparisons(panels[1], comparisons, names)
    _title(figure, look)
    legend_below(figure, handles, [f"{profile.method} ({_runs(profile.n_runs)})" for profile in profiles])
    return figure


def _draw_comparisons(axes: "Axes", comparisons: Sequence["Comparison"], names: Sequence[str]) -> None:
    for row, (comparison, name) in enumerate(reversed(list(zip(comparisons, names, strict=True)))):
        estimate = comparison.estimate
        axes.plot([estimate.low, estimate.high], [row, row], color=BLUE, linewidth=4, alpha=0.35, solid_capstyle="butt")
        axes.plot([estimate.value], [row], color=BLUE, marker="o", markersize=3.5)
        axes.annotate(
            name,
            (0, row),
            xytext=(1, 5),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=SMALL_FONT,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        )
    axes.axvline(0.5, color="#000000", linewidth=0.7)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.4, len(comparisons) - 0.2)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("probability of improvement", fontsize=FONT)


def _panels(count: int) -> tuple["Figure", list["Axes"]]:
    columns = 1 if count == 1 else 2
    rows = -(-count // columns)
    figure, panels = new_figure(rows, columns)
    for unused in panels[count:]:
        unused.remove()
    return figure, panels[:count]


def _draw(axes: "Axes", curve: Curve, look: LineStyle) -> object:
    (line,) = axes.plot(curve.x, curve.estimate.value, color=look.colour, linestyle=look.dashes, linewidth=1.3)
    axes.fill_between(curve.x, curve.estimate.low, curve.estimate.high, color=look.colour, alpha=0.2, linewidth=0)
    return line


def in_units(x: np.ndarray, axis: str) -> tuple[np.ndarray, str]:
    """Places along an axis in a unit that suits them, and its name: long times are shown in minutes or hours."""
    if axis == "time":
        for seconds, unit in ((3600, "hours"), (60, "minutes")):
            if np.max(x) >= 2 * seconds:
                return x / seconds, unit
    return x, AXES[axis].label


def _all_in_units(curves: Sequence[Curve], axis: str) -> tuple[list[Curve], str]:
    x, label = in_units(np.array([curve.x for curve in curves]), axis)
    return [replace(curve, x=row) for curve, row in zip(curves, x, strict=True)], label


def _finish(axes: "Axes", x_label: str, look: Look) -> None:
    axes.set_xlim(left=0)
    style.number_ticks(axes)
    axes.set_xlabel(x_label, fontsize=FONT)
    axes.set_ylabel(look.y_label, fontsize=FONT)
    if look.y_lim is not None:
        axes.set_ylim(*look.y_lim)


def _same_limits(panels: Sequence["Axes"]) -> None:
    limits = [axes.get_ylim() for axes in panels]
    for axes in panels:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def _title(figure: "Figure", look: Look) -> None:
    if look.title:
        figure.suptitle(look.title, fontsize=FONT)


def _runs(*counts: int) -> str:
    low, high = min(counts), max(counts)
    return f"{low} run{'s' * (high != 1)}" if low == high else f"{low} to {high} runs"
