"""The panels that are read: figures of slots, the curve, the reward by term, what is observed."""

import threading
import time
from typing import Any

import numpy as np

from rl_baselines.play.core.player import Player
from rl_baselines.play.core.slots import Slot
from rl_baselines.play.web.scene import PALETTE
from rl_baselines.play.web.texts import comparison, episode, observed, reward_terms, speeds
from rl_baselines.runs.monitors import Episodes, read_run
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError

TEXT_SECONDS, PLOT_SECONDS, READ_SECONDS = 0.25, 1.0, 5.0
"""between two updates of texts and plots, and two readings of a training's episodes"""
POINTS = 200
"""of a training's curve"""
SMOOTH = 20
"""episodes that a point of the curve is the mean of, at most"""


class TrainingCurve:
    """What a training's monitor files say, read in a thread of its own.

    Args:
        run: of the training.
    """

    def __init__(self, run: RunFolder) -> None:
        self.steps, self.returns = np.zeros(0), np.zeros(0)
        self.speed: float | None = None
        """steps per second"""
        self.problem = ""
        """why the files could not be read when that was tried last, else empty"""
        self._run = run
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name="training curve", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        while True:
            try:
                self._take(read_run(self._run.path, on_damage=lambda _: None))
                self.problem = ""
            except (UserError, OSError) as error:  # the file may be mended, or come back
                self.problem = str(error)
            if self._ended.wait(READ_SECONDS):
                return

    def _take(self, episodes: Episodes) -> None:
        if episodes.count:
            steps, returns = thinned(episodes)
            self.speed = _speed(episodes)
            self.steps, self.returns = steps, returns


def thinned(episodes: Episodes) -> tuple[np.ndarray, np.ndarray]:
    """Steps and smoothed returns of at most `POINTS` points, each ``(k,) float64``."""
    window = min(SMOOTH, episodes.count)
    means = np.convolve(episodes.returns, np.ones(window) / window, "valid")
    steps = episodes.timesteps[window - 1 :].astype(np.float64)
    chosen = np.unique(np.linspace(0, len(means) - 1, min(POINTS, len(means))).round().astype(int))
    return steps[chosen], means[chosen]


def _speed(episodes: Episodes) -> float | None:
    last = slice(-min(episodes.count, 200), None)
    steps, times = episodes.timesteps[last], episodes.times[last]
    passed = float(times[-1] - times[0])
    return float(steps[-1] - steps[0]) / passed if passed > 0 else None


class Figures:
    """Texts and the plot, brought up to date now and then.

    Args:
        gui: viser's.
        player: read.
        curve: of the first run; None where only agents act.
    """

    def __init__(self, gui: Any, player: Player, curve: TrainingCurve | None) -> None:
        self._curve = curve
        self._next_text = self._next_plot = 0.0
        self._speeds = gui.add_markdown("")
        self._table = gui.add_markdown("")
        self._episode = gui.add_markdown("")
        from viser import uplot

        series = [uplot.Series(label="steps"), uplot.Series(label="training", stroke="#777777", width=2)]
        for slot in player.slots:
            red, green, blue = PALETTE[slot.number % len(PALETTE)]
            colour = f"#{red:02x}{green:02x}{blue:02x}"
            points = uplot.Series_Points(show=True, size=7, fill=colour)
            series.append(uplot.Series(label=f"played {slot.number + 1}", stroke=colour, width=0, points=points))
        empty = tuple(np.zeros(0) for _ in series)
        self._plot = gui.add_uplot(
            empty,
            tuple(series),
            title="return against trained steps",
            scales={"x": uplot.Scale(time=False), "y": uplot.Scale(auto=True)},
            height=220,
        )

    def update(self, player: Player, slot: Slot, now: float, fps: float) -> None:
        """Texts and plot, when it is time."""
        if now >= self._next_text:
            self._next_text = now + TEXT_SECONDS
            training, problem = (None, "") if self._curve is None else (self._curve.speed, self._curve.problem)
            _set(self._speeds, speeds(player, fps, training, problem))
            _set(self._table, comparison(player.slots))
            _set(self._episode, f"Robot 1 of policy {slot.number + 1}: {episode(player, slot)}")
        if now >= self._next_plot:
            self._next_plot = now + PLOT_SECONDS
            self._draw(player)

    def _draw(self, player: Player) -> None:
        from viser import uplot

        none = np.zeros(0)
        curves = [(none, none) if self._curve is None else (self._curve.steps, self._curve.returns)]
        for slot in player.slots:
            points = _means(slot)
            curves.append((np.array([x for x, _ in points], float), np.array([y for _, y in points], float)))
        steps = np.unique(np.concatenate([x for x, _ in curves]))
        if len(steps) == 0:
            return
        columns = []
        for x, y in curves:
            column = np.full(len(steps), np.nan)
            column[np.searchsorted(steps, x)] = y
            columns.append(column)
        known = np.concatenate([y for _, y in curves])
        low, high = float(known.min()), float(known.max())
        margin = 0.05 * (high - low) or 1.0
        right = float(steps[-1])
        self._plot.data = (steps, *columns)
        self._plot.scales = {  # uPlot keeps the old ones otherwise
            "x": uplot.Scale(time=False, range=(0.0, max(right, 1.0) * 1.02)),
            "y": uplot.Scale(range=(low - margin, high + margin)),
        }


class Details:
    """The reward by term, and what is observed and done.

    Args:
        gui: viser's.
    """

    def __init__(self, gui: Any) -> None:
        self._next = 0.0
        with gui.add_folder("Reward by term", expand_by_default=False):
            self._terms = gui.add_markdown("")
        with gui.add_folder("Observations and actions", expand_by_default=False):
            self._observed = gui.add_markdown("")

    def update(self, player: Player, slot: Slot, now: float) -> None:
        """Texts, when it is time."""
        if now >= self._next:
            self._next = now + TEXT_SECONDS
            _set(self._terms, reward_terms(player, slot))
            _set(self._observed, observed(player, slot))


def _means(slot: Slot) -> list[tuple[int, float]]:
    """Trained steps and mean return of each checkpoint that was played."""
    sums: dict[int, list[float]] = {}
    for steps, value in slot.statistics.curve:
        sums.setdefault(steps, []).append(value)
    return [(steps, float(np.mean(values))) for steps, values in sorted(sums.items())]


def _set(handle: Any, content: str) -> None:
    if handle.content != content:
        handle.content = content


def wall_clock() -> str:
    """A time for file names."""
    return time.strftime("%y-%m-%d_%Hh%M_%S")
