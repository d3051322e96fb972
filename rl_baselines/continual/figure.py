"""What each strategy leaves of every task, after each task that it learns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rl_baselines.continual.flags import JOINT
from rl_baselines.continual.stages import Outcome
from rl_baselines.cross_evaluation.matrix import Matrix
from rl_baselines.plots.style import FONT, SMALL_FONT, legend_below, line_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def task_curves(matrix: Matrix, outcomes: Sequence[Outcome]) -> "Figure":
    """A panel for each task: its return (normalised where the world has a scale) after each task that was learned.

    Each strategy is a line, the mean over seeds, with every seed as a point; training on all tasks at once is a level.

    Args:
        matrix: the policies in every task.
        outcomes: what each policy is, in the matrix's order.
    """
    count = len(matrix.tasks)
    figure, panels = new_figure(count, panel_heights=[1.15] * count)
    strategies = list(dict.fromkeys(outcome.strategy for outcome in outcomes))
    handles = {}
    for axes, task in zip(panels, matrix.tasks, strict=True):
        cells = matrix.column(task)
        scaled = any(cell.normalised is not None for cell in cells)
        values = np.array([cell.normalised if scaled else cell.mean for cell in cells], np.float64)
        for index, strategy in enumerate(strategies):
            look = line_style(index)
            of = [place for place, outcome in enumerate(outcomes) if outcome.strategy == strategy]
            numbers = np.array([outcomes[place].number for place in of])
            axes.plot(numbers, values[of], linestyle="none", marker=".", markersize=4, color=look.colour, alpha=0.6)
            steps = np.unique(numbers)
            means = np.array([np.nanmean(values[of][numbers == step]) for step in steps])
            if strategy == JOINT:
                handles[strategy] = axes.axhline(means[-1], color=look.colour, linestyle=look.dashes, linewidth=1.1)
            else:
                (handles[strategy],) = axes.plot(steps, means, color=look.colour, linestyle=look.dashes, linewidth=1.3)
        if scaled:
            axes.set_ylim(min(-0.05, np.nanmin(values) - 0.05), max(1.05, np.nanmax(values) + 0.05))
        axes.set_xticks(range(count), [f"{each.name}" for each in matrix.tasks], fontsize=SMALL_FONT)
        axes.set_ylabel(task.name, fontsize=FONT)
        axes.set_xlim(-0.1, count - 0.9)
        if axes is not panels[-1]:
            axes.tick_params(labelbottom=False)
    panels[0].set_title("return in each task" + (", normalised" if matrix.normalises else ""), fontsize=SMALL_FONT)
    panels[-1].set_xlabel("after learning", fontsize=FONT)
    legend_below(figure, list(handles.values()), list(handles))
    return figure
