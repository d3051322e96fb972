"""The figures of a study, as PNG and as HTML: how it went, what mattered, and every trial as a line."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from rl_baselines.plots.style import BLUE, COLOURS, COLUMN_INCHES, PAGE_INCHES, SMALL_FONT, new_figure, save
from rl_baselines.search.studies.study import DEFAULT
from srl3.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HISTORY, IMPORTANCE, PARALLEL = "history", "importance", "parallel_coordinate"
VALUE = "mean return"
MIN_TRIALS = 2
"""complete trials, of which at least two differ: below, nothing mattered"""
_ORANGE = COLOURS[1]
_SPREAD = 0.96
"""share of an axis over which choices are spread"""


def draw_figures(study: Study, folder: Path, title: str) -> list[str]:
    """Write each figure as PNG and as a page that needs no network.

    Args:
        study: with at least one complete trial.
        folder: made where it is missing.
        title: above the figures.

    Returns:
        names of the figures that could be drawn; below two complete trials the history alone.
    """
    from optuna import visualization
    from optuna.importance import get_param_importances

    folder.mkdir(parents=True, exist_ok=True)
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.value is not None]
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    _save_page(visualization.plot_optimization_history(study, target_name=VALUE), folder / HISTORY, title)
    _draw_history(trials, folder / HISTORY, title)
    if len({trial.value for trial in complete}) < MIN_TRIALS:
        return [HISTORY]
    _save_page(visualization.plot_param_importances(study, target_name=VALUE), folder / IMPORTANCE, title)
    _draw_importance(get_param_importances(study), len(complete), folder / IMPORTANCE, title)
    _save_page(visualization.plot_parallel_coordinate(study, target_name=VALUE), folder / PARALLEL, title)
    _draw_parallel(complete, folder / PARALLEL, title)
    return [HISTORY, IMPORTANCE, PARALLEL]


def _save_page(figure: Any, path: Path, title: str) -> None:
    figure.update_layout(title=title)
    with atomic_path(path.with_suffix(".html")) as temporary:
        figure.write_html(temporary, include_plotlyjs=True)


def _draw_history(trials: list[FrozenTrial], path: Path, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(1)
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    pruned = [trial for trial in trials if trial.state is TrialState.PRUNED and trial.value is not None]
    best: list[float] = []
    for trial in complete:
        best.append(max([*best[-1:], float(trial.value or 0.0)]))
    numbers = [trial.number for trial in complete]
    axes.step([*numbers, max(trial.number for trial in trials)], [*best, best[-1]], where="post", color=_ORANGE, lw=1.2)
    style: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.5}
    axes.plot(numbers, [_value(trial) for trial in complete], color=BLUE, label="complete", **style)
    if pruned:
        axes.plot(
            [trial.number for trial in pruned],
            [_value(trial) for trial in pruned],
            color=BLUE,
            markerfacecolor="none",
            label="pruned",
            **style,
        )
    for trial in complete:
        if trial.user_attrs.get(DEFAULT):
            axes.axhline(_value(trial), color="0.4", linestyle=":", linewidth=1, label="default")
            break
    axes.lines[0].set_label("best so far")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("trial", fontsize=SMALL_FONT)
    axes.set_ylabel(VALUE, fontsize=SMALL_FONT)
    _finish(axes, title)
    figure.legend(loc="outside lower center", ncols=4, fontsize=SMALL_FONT, frameon=False, handlelength=1.2)
    save(figure, path.with_suffix(".png"))


def _draw_importance(importances: dict[str, float], n_trials: int, path: Path, title: str) -> None:
    figure, (axes,) = new_figure(1)
    figure.set_size_inches(COLUMN_INCHES, 0.8 + 0.17 * len(importances))
    names = list(importances)[::-1]
    bars = axes.barh(names, [importances[name] for name in names], color=BLUE, height=0.7)
    axes.bar_label(bars, fmt="%.2f", fontsize=SMALL_FONT, padding=2)
    axes.set_xlim(0, 1.15 * max(importances.values()))
    axes.set_xlabel(f"importance (PED-ANOVA, {n_trials} trials)", fontsize=SMALL_FONT)
    axes.grid(visible=False, axis="y")
    _finish(axes, title)
    save(figure, path.with_suffix(".png"))


def _draw_parallel(trials: list[FrozenTrial], path: Path, title: str) -> None:
    """Each trial a line across its hyperparameters to its return; the better, the bolder."""
    from matplotlib import colormaps

    names = list(trials[0].distributions)
    figure, (axes,) = new_figure(1)
    figure.set_size_inches(PAGE_INCHES, 3.0)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_yticks([])
    low, high = min(map(_value, trials)), max(map(_value, trials))
    for trial in sorted(trials, key=_value):
        share = (_value(trial) - low) / (high - low)
        heights = [_height(trial.params[name], trial.distributions[name]) for name in names]
        colour = colormaps["viridis_r"](0.1 + 0.9 * share)
        axes.plot([*heights, share], color=colour, linewidth=0.5 + 1.3 * share**2, alpha=0.35 + 0.65 * share)
    for column, name in enumerate(names):
        axes.axvline(column, color="0.3", linewidth=0.6)
        for height, text in _ticks(trials[0].distributions[name]):
            axes.text(column - 0.04, height, text, fontsize=5.5, ha="right", va="center", bbox=_PAPER)
    axes.axvline(len(names), color="0.3", linewidth=0.6)
    for height, value in ((0.0, low), (1.0, high)):
        axes.text(len(names) + 0.05, height, f"{value:.4g}", fontsize=SMALL_FONT, va="center")
    axes.set_xlim(-0.6, len(names) + 0.5)
    axes.set_ylim(-0.04, 1.04)
    axes.set_xticks(range(len(names) + 1), [*names, VALUE], rotation=25, ha="right", fontsize=SMALL_FONT)
    axes.tick_params(length=0)
    _finish(axes, title)
    save(figure, path.with_suffix(".png"))


_PAPER: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}


def _height(value: Any, distribution: BaseDistribution) -> float:
    """Where a value stands on its axis, from 0 to 1."""
    if isinstance(distribution, CategoricalDistribution):
        return _height_of_choice(distribution.choices.index(value), len(distribution.choices))
    low, high = distribution.low, distribution.high  # type: ignore[attr-defined]
    if distribution.log:  # type: ignore[attr-defined]
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low)


def _height_of_choice(index: int, count: int) -> float:
    return 0.5 if count == 1 else 0.5 + _SPREAD * (index / (count - 1) - 0.5)


def _ticks(distribution: BaseDistribution) -> list[tuple[float, str]]:
    if isinstance(distribution, CategoricalDistribution):
        count = len(distribution.choices)
        return [(_height_of_choice(index, count), _short(choice)) for index, choice in enumerate(distribution.choices)]
    ends = (distribution.low, distribution.high)  # type: ignore[attr-defined]
    return [(_height(end, distribution), _short(end)) for end in ends]


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return text if len(text) <= 12 else text[:11] + "…"


def _finish(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=SMALL_FONT, wrap=True)


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value
