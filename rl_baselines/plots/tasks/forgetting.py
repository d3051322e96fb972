"""What a policy still earns in the tasks that it has learned, while it learns others."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rl_baselines.plots.figures import Look
from rl_baselines.plots.style import FONT, SMALL_FONT, line_style, new_figure, number_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rl_baselines.cross_evaluation.history import Chapter

LETTERS = 14
"""of a name above a panel"""


def forgetting_curves(chapters: "Sequence[Chapter]", look: Look | None = None) -> "Figure":
    """A panel for each task: mean return over the steps of all trainings, and its standard error as a band.

    A dashed line shows where one training ends and the next begins, a dotted one where a student acts and asks its
    teachers; panels share their scale of steps, which says what it counts.

    Args:
        chapters: trainings that go on from one another, the first one first.
        look: title and limits.
    """
    look = look or Look()
    tasks = _tasks(chapters)
    figure, panels = new_figure(len(tasks), panel_heights=[1.1] * len(tasks))
    for index, (axes, task) in enumerate(zip(panels, tasks, strict=True)):
        colour = line_style(index).colour
        for chapter in chapters:
            x, mean, error = _curve(chapter, task)
            axes.plot(x, mean, color=colour, linewidth=1.3, marker=".", markersize=3)
            axes.fill_between(x, mean - error, mean + error, color=colour, alpha=0.2, linewidth=0)
            for begin in _rounds(chapter):
                axes.axvline(begin, color="#999999", linewidth=0.7, linestyle=(0, (1, 2)))
            if chapter.start:
                axes.axvline(chapter.start, color="#555555", linewidth=0.7, linestyle=(0, (4, 2)))
        axes.set_ylabel(task if len(task) <= LETTERS else f"{task[: LETTERS - 1]}…", fontsize=FONT)
        axes.set_xlim(0, max(chapter.start + chapter.steps for chapter in chapters))
        if look.y_lim is not None:
            axes.set_ylim(*look.y_lim)
        number_ticks(axes)
        if index + 1 < len(tasks):
            axes.tick_params(labelbottom=False)
    panels[-1].set_xlabel(", then ".join(dict.fromkeys(chapter.counts for chapter in chapters)), fontsize=FONT)
    panels[0].set_title(
        look.title or "mean return in each task", fontsize=FONT if look.title else SMALL_FONT, wrap=True
    )
    return figure


def as_csv(chapters: "Sequence[Chapter]") -> str:
    """A line for each evaluation in each task: the run, steps over all trainings, mean, standard error."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "timesteps", "task", "mean_return", "standard_error"])
    for chapter in chapters:
        for task in chapter.history.tasks:
            for numbers in zip(*_curve(chapter, task), strict=True):
                x, mean, error = map(float, numbers)
                writer.writerow([chapter.run.path.name, f"{x:.0f}", task, repr(mean), repr(error)])
    return text.getvalue()


def in_words(chapters: "Sequence[Chapter]") -> str:
    """A line for each task: the best mean return, and that at the end."""
    return "\n".join(_sentences(chapters))


def _sentences(chapters: "Sequence[Chapter]") -> Iterator[str]:
    for task in _tasks(chapters):
        means = np.concatenate([_curve(chapter, task)[1] for chapter in chapters])
        yield f"{task}: mean return {means[-1]:.2f} at the end, {means.max():.2f} at best"


def _tasks(chapters: "Sequence[Chapter]") -> list[str]:
    return list(dict.fromkeys(name for chapter in chapters for name in chapter.history.tasks))


def _rounds(chapter: "Chapter") -> np.ndarray:
    """Steps over all trainings at which the rounds of DAgger begin: each ends with an evaluation."""
    history = chapter.history
    last_before = np.flatnonzero(np.diff(history.rounds))
    found: np.ndarray = chapter.start + history.timesteps[last_before]
    return found


def _curve(chapter: "Chapter", task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps over all trainings, means and their standard errors, ``(T,)`` each; empty where the task is not played."""
    history = chapter.history
    if task not in history.tasks:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    returns = history.returns[:, history.tasks.index(task)]
    return (
        chapter.start + history.timesteps,
        returns.mean(axis=1),
        returns.std(axis=1) / np.sqrt(returns.shape[1]),
    )
