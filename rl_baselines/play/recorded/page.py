"""The page of recordings: the scene, a time line, and the values of the moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rl_baselines.play.core.pace import FULL
from rl_baselines.play.core.steering import SPEEDS
from rl_baselines.play.loopback import HOST
from rl_baselines.play.recorded.reel import Reel
from rl_baselines.play.recorded.words import described, moment_label, trajectory_label, values
from rl_baselines.play.web.escaping import escaped
from rl_baselines.play.web.frames import Answers, FramePace
from rl_baselines.play.web.scene import MeshView, PictureView, View
from rl_baselines.play.web.server import make_server

FIRST_PORT = 8787
LIST_SECONDS, PLOT_SECONDS = 5.0, 0.25
"""between two looks for recordings that are new, and two updates of the plot"""
MOVES = ("|◀", "◀", "▶", "▶|")
ALL = "all of them, side by side"


class RecordedPage:
    """Shows a reel in the browsers that are connected.

    Args:
        reel: shown and steered.
        port: None takes the first free one from `FIRST_PORT` on.
        fps: pictures per second, at most.

    Raises:
        UserError: when the port is in use.
    """

    def __init__(self, reel: Reel, port: int | None = None, fps: float = 15.0) -> None:
        self.server: Any = make_server(port, FIRST_PORT, f"{reel.recording.env_id} · SRL3 recording")
        self._pace = FramePace(fps)
        self._answers = Answers(self.server, self._pace)
        self._version = -1
        self._drawn: tuple[Any, ...] | None = None
        self._view: View | None = None
        self._next_list = self._next_plot = 0.0
        self._paths: dict[str, Path] = {}
        gui = self.server.gui
        with gui.add_folder("Recording"):
            self._moment = gui.add_dropdown("Training", ("",), hint="the newest first")
            self._trajectory = gui.add_dropdown("Trajectory", ("",))
            self._described = gui.add_markdown("")
        with gui.add_folder("Time"):
            self._play = gui.add_button("Play", hint="key P")
            self._slider = gui.add_slider("Step", 0, 1, 1, 0)
            self._moves = gui.add_button_group("Go to", MOVES, hint="the beginning, one step, the end")
            self._speed = gui.add_dropdown(
                "Speed", _speeds(reel.timeline.speed), initial_value=f"{reel.timeline.speed:g}×"
            )
            self._again = gui.add_checkbox("Again and again", reel.timeline.again)
            self._follow = gui.add_checkbox("Follow the robots", True)
            self._end = gui.add_button("End play", hint="key Esc; the command ends", color="red")
        with gui.add_folder("This moment"):
            self._values = gui.add_markdown("")
            self._plot = _reward_plot(gui)
        self._steer(reel)
        self._list(reel)

    @property
    def address(self) -> str:
        """Of the page."""
        return f"http://{HOST}:{self.server.get_port()}"

    def watched(self) -> bool:
        return bool(self.server.get_clients())

    def show(self, reel: Reel, now: float) -> None:
        if not self.watched() or not self._pace.due(now):
            return
        if now >= self._next_list:
            self._next_list = now + LIST_SECONDS
            self._list(reel)
        if self._version != reel.version:
            self._version = reel.version
            self._changed(reel)
        titles = [f"{number + 1}" for number in reel.scenery.numbers]
        if len(titles) == 1:
            titles = [f"{reel.recording.trained_steps:,} steps trained · trajectory {titles[0]}"]
        self._draw(reel, titles)
        _set(self._play, "label", "Stop" if reel.timeline.playing else "Play")
        _set(self._slider, "value", reel.scenery.step)
        _set(self._values, "content", values(reel.scenery))
        if now >= self._next_plot:
            self._next_plot = now + PLOT_SECONDS
            self._draw_plot(reel)

    def close(self) -> None:
        """End the server and its threads."""
        self._answers.close()
        self.server.stop()

    # what is steered

    def _steer(self, reel: Reel) -> None:
        """Callbacks only post to the reel."""
        time = reel.timeline
        self._moment.on_update(_by_people(reel, lambda _: self._choose(reel)))
        self._trajectory.on_update(_by_people(reel, lambda _: self._pick(reel)))
        self._slider.on_update(_by_people(reel, lambda value: time.go_to(int(value))))
        self._play.on_click(lambda _: reel.post(time.toggle))
        self._speed.on_update(lambda _: reel.post(lambda: setattr(time, "speed", float(self._speed.value[:-1]))))
        self._again.on_update(lambda _: reel.post(lambda: setattr(time, "again", self._again.value)))
        self._follow.on_update(lambda _: reel.post(self._set_follow))
        self._end.on_click(lambda _: reel.end())

        def moved(event: Any) -> None:
            where = MOVES.index(event.target.value)
            reel.post(lambda: time.go_to((0, time.step - 1, time.step + 1, time.length)[where]))

        self._moves.on_click(moved)
        keys = (
            ("Play or stop", "P", lambda: reel.post(time.toggle)),
            ("End play", "escape", reel.end),
        )
        for label, key, do in keys:
            self.server.gui.add_command(label, hotkey=key).on_trigger(lambda _, do=do: do())

    def _choose(self, reel: Reel) -> None:
        path = self._paths.get(self._moment.value)
        if path is not None:
            reel.choose(path)
            self._list(reel)

    def _pick(self, reel: Reel) -> None:
        number = self._trajectory.value.partition(":")[0]
        reel.pick(int(number) - 1 if number.isdecimal() else None)

    def _set_follow(self) -> None:
        if self._view is not None:
            self._view.follow = self._follow.value

    # what is shown

    def _list(self, reel: Reel) -> None:
        """The recordings that are there now."""
        self._paths = {moment_label(path): path for path in reversed(reel.library.paths())}
        options = tuple(self._paths) or (moment_label(reel.path),)
        if options != tuple(self._moment.options):
            self._moment.options = options
        shown = moment_label(reel.path)
        _set(self._moment, "value", shown if shown in options else options[0])
        problem = f"\n\n⚠️ {escaped(reel.problem)}" if reel.problem else ""
        _set(self._described, "content", described(reel.recording) + problem)

    def _changed(self, reel: Reel) -> None:
        """Other trajectories are shown."""
        trajectories = reel.recording.trajectories
        labels = [trajectory_label(number, each) for number, each in enumerate(trajectories)]
        options = tuple([*labels, ALL] if len(labels) > 1 else labels)
        if options != tuple(self._trajectory.options):
            self._trajectory.options = options
        numbers = reel.scenery.numbers
        _set(self._trajectory, "value", labels[numbers[0]] if len(numbers) == 1 else ALL)
        _set(self._slider, "max", reel.scenery.length)
        self._list(reel)
        self._next_plot = 0.0

    def _draw(self, reel: Reel, titles: list[str]) -> None:
        scenery, parts = reel.scenery, reel.recording.parts
        drawn = (scenery.count, [part.name for part in parts], len(titles))
        if self._view is None or drawn != self._drawn:
            if self._view is not None:
                self._view.remove()
            self._view = MeshView(self.server, scenery, parts, titles) if parts else PictureView(self.server)
            self._view.follow = self._follow.value
            if self._drawn is not None and parts:  # pages that are open already
                for client in self.server.get_clients().values():
                    client.camera.position = self.server.initial_camera.position
                    client.camera.look_at = self.server.initial_camera.look_at
            self._drawn = drawn
        self._view.draw(scenery, titles)

    def _draw_plot(self, reel: Reel) -> None:
        from viser import uplot

        steps, means, now = rewards_and_now(reel)
        self._plot.data = (steps, means, now)
        low, high = float(np.nanmin(means)), float(np.nanmax(means))
        margin = 0.05 * (high - low) or 1.0
        self._plot.scales = {  # uPlot keeps the old ones otherwise
            "x": uplot.Scale(time=False, range=(0.0, float(max(len(steps), 1)))),
            "y": uplot.Scale(range=(low - margin, high + margin)),
        }


def rewards_and_now(reel: Reel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps, the reward of each (the mean of the trajectories that still go on), and that of the moment alone."""
    scenery = reel.scenery
    sums, counts = np.zeros(scenery.length), np.zeros(scenery.length)
    for each in scenery.shown:
        sums[: each.length] += each.rewards
        counts[: each.length] += 1
    means = sums / counts
    now = np.full(scenery.length, np.nan)
    now[max(scenery.step - 1, 0)] = means[max(scenery.step - 1, 0)]
    return np.arange(1.0, scenery.length + 1), means, now


def _reward_plot(gui: Any) -> Any:
    from viser import uplot

    series = (
        uplot.Series(label="step"),
        uplot.Series(label="reward", stroke="#4285f4", width=1.5),
        uplot.Series(
            label="now", stroke="#db4437", width=0, points=uplot.Series_Points(show=True, size=9, fill="#db4437")
        ),
    )
    return gui.add_uplot(
        tuple(np.zeros(0) for _ in series),
        series,
        title="reward of each step",
        scales={"x": uplot.Scale(time=False), "y": uplot.Scale(auto=True)},
        height=200,
    )


def _speeds(speed: float) -> tuple[str, ...]:
    """What can be chosen, the speed of now among it."""
    numbers = {each for each in SPEEDS.values() if each != FULL} | {speed}
    return tuple(f"{each:g}×" for each in sorted(numbers))


def _by_people(reel: Reel, do: Callable[[Any], None]) -> Callable[[Any], None]:
    """A callback for what a visitor changes; what the page itself sets goes unheeded.

    ``do`` gets the value that the visitor chose: the page may have set another one before it is called.
    """

    def changed(event: Any) -> None:
        if event.client_id is not None:
            value = event.target.value
            reel.post(lambda: do(value))

    return changed


def _set(handle: Any, name: str, value: Any) -> None:
    """Set a property if it has another value: each setting is a message to all pages."""
    if getattr(handle, name) != value:
        setattr(handle, name, value)
