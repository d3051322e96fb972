"""What the windows of a training show, as plotly's traces and layouts: no server is needed to make them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rl_baselines.plots.smoothing import mean_of_last
from rl_baselines.runs.monitors import Episodes

SMOOTHING_WINDOW = 100
"""episodes that a point of the smoothed curves is the mean of, at least"""
MAX_POINTS = 2000
"""points along the x axis; longer runs are drawn in as many bins"""
SEVERAL = 2.0
"""episodes that end at one step, on average, from which on their mean and spread are drawn instead of each"""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933", "#882255", "#44aa99")
_BAND = "rgba(0, 114, 178, 0.2)"
WIDTH, HEIGHT = 560, 340
"""pixels of a window on the page"""


@dataclass(frozen=True)
class Window:
    """One window of the page."""

    name: str
    """under which visdom keeps it; it is replaced when it is sent again"""
    title: str
    """what it shows, in the window's bar"""
    traces: list[dict[str, Any]]
    layout: dict[str, Any]

    def message(self, environment: str) -> dict[str, Any]:
        """What visdom's ``/events`` takes to show it in this environment, as JSON holds it."""
        options = {"title": self.title, "width": WIDTH, "height": HEIGHT}
        return {"data": self.traces, "layout": self.layout, "win": self.name, "eid": environment, "opts": options}


@dataclass(frozen=True)
class Groups:
    """Episodes by the step at which they ended, or by bins of steps where those are more than `MAX_POINTS`."""

    timesteps: np.ndarray
    """``(m,) float64``: mean step of each group's episodes, increasing"""
    ends: np.ndarray
    """``(m,) int64``: the last episode of each"""
    counts: np.ndarray
    """``(m,) int64``: number of episodes, at least 1"""

    @classmethod
    def of(cls, timesteps: np.ndarray) -> "Groups":
        """Groups of episodes that ended at ``timesteps``, ``(n,)``, never decreasing, n at least 1."""
        new = np.flatnonzero(np.diff(timesteps)) + 1
        if len(new) >= MAX_POINTS:
            edges = np.linspace(timesteps[0], timesteps[-1], MAX_POINTS + 1)[1:-1]
            new = np.unique(np.searchsorted(timesteps, edges))
            new = new[(new > 0) & (new < len(timesteps))]
        starts = np.concatenate([[0], new])
        ends = np.concatenate([new, [len(timesteps)]]) - 1
        counts = ends - starts + 1
        return cls(np.add.reduceat(timesteps.astype(np.float64), starts) / counts, ends, counts)

    def mean_and_deviation(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each group's ``values``; ``(n,)`` to two of ``(m,)``."""
        starts = self.ends - self.counts + 1
        means = np.add.reduceat(values, starts) / self.counts
        squares = (values - np.repeat(means, self.counts)) ** 2
        return means, np.sqrt(np.add.reduceat(squares, starts) / self.counts)


def episode_windows(run: Episodes, episode_window: int) -> list[Window]:
    """The windows of a run's episodes: each return, smoothed over steps, over episodes, and success with length.

    Args:
        run: at least one episode, in the order in which they ended.
        episode_window: episodes of the moving average against the number of episodes.
    """
    groups = Groups.of(run.timesteps)
    window = max(SMOOTHING_WINDOW, int(groups.counts.max()) if _several(groups) else 0)
    by_number = _spread(run.count)
    windows = [
        _returns(run, groups),
        Window(
            "smoothed",
            f"Return, mean of the last {window} episodes",
            [_line("return", run.timesteps[groups.ends], mean_of_last(run.returns, groups.ends, window))],
            _layout("timesteps", "episode return"),
        ),
        Window(
            "by_episode",
            f"Return by episode, mean of the last {episode_window}",
            [_line("return", by_number + 1, mean_of_last(run.returns, by_number, episode_window))],
            _layout("episodes", "episode return"),
        ),
    ]
    known = np.isfinite(run.successes)
    if known.any():
        windows.append(_success(run, known))
    return windows


def terms_window(timesteps: np.ndarray, terms: Mapping[str, np.ndarray]) -> Window:
    """The window of the reward's terms: a line for each, ``(m,)`` sums over an episode against ``(m,)`` timesteps."""
    traces = [
        _line(name, timesteps, sums, COLOURS[place % len(COLOURS)]) for place, (name, sums) in enumerate(terms.items())
    ]
    return Window(
        "reward_terms",
        "Reward by term, mean of the episodes",
        traces,
        _layout("timesteps", "sum over an episode", legend=True),
    )


def _several(groups: Groups) -> bool:
    return groups.counts.sum() >= SEVERAL * len(groups.counts)


def _returns(run: Episodes, groups: Groups) -> Window:
    """Each episode's return; where several end at one step, or in one bin of a long run, their mean and spread."""
    if not _several(groups):
        traces = [_line("return", run.timesteps, run.returns)]
        return Window("returns", "Return of each episode", traces, _layout("timesteps", "episode return"))
    means, deviations = groups.mean_and_deviation(run.returns)
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "type": "scatter"}
    x = groups.timesteps.tolist()
    traces = [
        {**edge, "name": "mean - std", "x": x, "y": _numbers(means - deviations), "showlegend": False},
        {
            **edge,
            "name": "± standard deviation",
            "x": x,
            "y": _numbers(means + deviations),
            "fill": "tonexty",
            "fillcolor": _BAND,
        },
        _line("mean", groups.timesteps, means),
    ]
    layout = _layout("timesteps", "episode return", legend=True)
    return Window("returns", "Return of the episodes that end together", traces, layout)


def _success(run: Episodes, known: np.ndarray) -> Window:
    """Success rate on the left, length on the right, over the last episodes that tell."""
    timesteps, successes, lengths = run.timesteps[known], run.successes[known], run.lengths[known].astype(np.float64)
    groups = Groups.of(timesteps)
    window = max(SMOOTHING_WINDOW, int(groups.counts.max()) if _several(groups) else 0)
    rate = _line("success rate", timesteps[groups.ends], mean_of_last(successes, groups.ends, window))
    length = _line("length", timesteps[groups.ends], mean_of_last(lengths, groups.ends, window), COLOURS[1])
    layout = _layout("timesteps", "success rate", legend=True)
    layout["yaxis"]["range"] = [-0.02, 1.02]
    layout["yaxis2"] = {
        "title": "episode length (steps)",
        "overlaying": "y",
        "side": "right",
        "rangemode": "tozero",
        "showgrid": False,
    }
    title = f"Success and length, mean of the last {window} episodes"
    return Window("success", title, [rate, {**length, "yaxis": "y2"}], layout)


def _spread(count: int) -> np.ndarray:
    """Indices from 0 to ``count - 1``, at most `MAX_POINTS` of them, the last one always."""
    if count <= MAX_POINTS:
        return np.arange(count)
    return np.linspace(0, count - 1, MAX_POINTS).round().astype(np.int64)


def _line(name: str, x: np.ndarray, y: np.ndarray, colour: str = COLOURS[0]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "scatter",
        "mode": "lines" if len(x) > 1 else "markers",
        "line": {"color": colour, "width": 1.5},
        "marker": {"color": colour, "size": 7},
        "x": x.tolist(),
        "y": _numbers(y),
    }


def _numbers(values: np.ndarray) -> list[float | None]:
    """Numbers as JSON knows them: None for what is not finite."""
    return [value if known else None for value, known in zip(values.tolist(), np.isfinite(values), strict=True)]


def _layout(x: str, y: str, *, legend: bool = False) -> dict[str, Any]:
    return {
        "xaxis": {"title": x},
        "yaxis": {"title": y},
        "margin": {"l": 65, "r": 60, "t": 24, "b": 60},
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
    }
