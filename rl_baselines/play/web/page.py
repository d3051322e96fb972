"""The page as a viewer: a scene, panels, and pictures as often as somebody looks and keeps up."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from rl_baselines.play.core.events import Event
from rl_baselines.play.core.player import Player
from rl_baselines.play.core.saved import Saved, go_to, moment, write_saved
from rl_baselines.play.loopback import HOST
from rl_baselines.play.web.checkpoints import CheckpointPanel
from rl_baselines.play.web.controls import Controls, RobotControls
from rl_baselines.play.web.escaping import escaped
from rl_baselines.play.web.figures import Details, Figures, TrainingCurve, wall_clock
from rl_baselines.play.web.film import SIZE, Film
from rl_baselines.play.web.frames import Answers, FramePace
from rl_baselines.play.web.scene import MeshView, PictureView, View
from rl_baselines.play.web.server import LocalServer
from srl3.errors import UserError

RENDER_SECONDS = 30.0
"""that a page may take to draw a picture for a film"""


class Page:
    """Shows a player in the browsers that are connected.

    Args:
        player: shown and steered.
        server: taken, and ended in the end.
        fps: pictures per second, at most.

    Attributes:
        pictures: drawn so far.
    """

    def __init__(self, player: Player, server: LocalServer, fps: float = 15.0) -> None:
        self.server: Any = server
        server.gui.set_panel_label(f"{player.stage.env_id} · SRL3 play")
        self.pictures = 0
        self._player = player
        self._pace = FramePace(fps)
        self._answers = Answers(self.server, self._pace)
        self._film: Film | None = None
        run = next((slot.source.run for slot in player.slots if slot.source.run is not None), None)
        self._saved: Saved | None = None
        self._folder = Path.cwd() if run is None else run.videos
        self._states = Path.cwd() if run is None else run.states
        self._curve = None if run is None else TrainingCurve(run)
        self._view: View = self._make_view()
        gui = self.server.gui
        with gui.add_folder("Checkpoint"):
            self.checkpoints = CheckpointPanel(gui, player)
        with gui.add_folder("Play"):
            self.controls = Controls(gui, player, self._changed, self._set_follow)
        robot = player.stage.command_terms() or player.stage.can_be_pushed
        self._robot = None
        if robot:
            with gui.add_folder("Robot"):
                self._robot = RobotControls(gui, player)
        self._let_pull()
        with gui.add_folder("Figures"):
            self._figures = Figures(gui, player, self._curve)
        with gui.add_folder("Keep"):
            self._record = gui.add_button("Record", hint="an MP4 of what this page shows")
            self._record_text = gui.add_markdown("")
            self._save = gui.add_button("Save this moment", hint="to go on from it, now or with --state")
            self._back = gui.add_button("Back to it", disabled=True)
            self._saved_text = gui.add_markdown("")
            self._save.on_click(lambda _: player.post(self._save_moment))
            self._back.on_click(lambda _: player.post(self._go_back))
            self._record.on_click(lambda event: player.post(lambda: self._toggle_film(event.client)))
        self._details = Details(gui)
        self._view.follow = player.stage.can_be_pushed
        self.checkpoints.update(player.clock())

    @property
    def address(self) -> str:
        """Of the page."""
        return f"http://{HOST}:{self.server.get_port()}"

    def watched(self) -> bool:
        return bool(self.server.get_clients())

    def show(self, player: Player, now: float) -> None:
        if not self.watched() or not self._pace.due(now):
            return
        self._view.draw(player.stage, [slot.title for slot in player.slots])
        self.pictures += 1
        slot = self.checkpoints.slot
        self.checkpoints.update(now)
        self._figures.update(player, slot, now, self._pace.actual_fps)
        self._details.update(player, slot, now)
        if self._robot is not None:
            self._robot.update(player.stage.rows(slot.number).start, now)
        if self._film is not None and not self._film.running:
            self._end_film()

    def event(self, player: Player, event: Event) -> None:
        if event.kind in ("loaded", "choice"):
            self.checkpoints.refresh()

    def close(self) -> None:
        """Finish a film, and end the server and all threads."""
        if self._film is not None:
            self._film.finish()
        self._answers.close()
        if self._curve is not None:
            self._curve.close()
        self.server.stop()  # a page that owes the film a picture is waited for no longer
        if self._film is not None:
            self._film.stop()

    # the view

    def _make_view(self) -> View:
        stage, titles = self._player.stage, [slot.title for slot in self._player.slots]
        parts = stage.scene_parts()
        return PictureView(self.server) if parts is None else MeshView(self.server, stage, parts, titles)

    def _changed(self) -> None:
        """The world has been made anew."""
        follow = self._view.follow
        self._view.remove()
        self._view = self._make_view()
        self._view.follow = follow
        if self._robot is not None:
            self._robot.tell()
        self._let_pull()

    def _let_pull(self) -> None:
        """Robots that are dragged with Shift are pushed, where the world lets them be."""
        robot, player = self._robot, self._player
        if robot is not None and isinstance(self._view, MeshView) and player.stage.can_be_pushed:
            self._view.on_pull(lambda row, way: player.post(lambda: robot.pull(row, way)))

    def _set_follow(self, follow: bool) -> None:
        self._view.follow = follow

    # moments

    def _save_moment(self) -> None:
        self._saved = moment(self._player)
        self._back.disabled = False
        path = self._states / f"moment_{wall_clock()}.zip"
        try:
            path.parent.mkdir(exist_ok=True)
            write_saved(path, self._saved)
        except OSError as error:
            self._saved_text.content = escaped(f"not on disk: {error.strerror}")
        else:
            self._saved_text.content = escaped(f"play --state {path}")

    def _go_back(self) -> None:
        assert self._saved is not None
        try:
            go_to(self._player, self._saved)
        except UserError as error:
            self._saved_text.content = escaped(str(error))
            return
        if self._robot is not None:
            self._robot.tell()

    # films

    def _toggle_film(self, client: Any) -> None:
        if self._film is not None:
            self._film.finish()  # the page may still be drawing a picture, which steps do not wait for
            self._record_text.content = "finishing the film …"
            return
        name = re.sub(r"[^\w.-]+", "_", self._player.stage.env_id)
        self._film = Film(self._folder / f"{name}_{wall_clock()}.mp4", lambda: self._picture(client))
        self._record.label = "Stop recording"
        self._record_text.content = "recording …"

    def _picture(self, client: Any) -> np.ndarray | None:
        if isinstance(self._view, PictureView):
            return self._view.last
        if client is None or client.client_id not in self.server.get_clients():
            raise RuntimeError("the page that was recorded is gone")
        height, width = SIZE
        image: np.ndarray = client.get_render(height, width, transport_format="jpeg", timeout=RENDER_SECONDS)
        return image

    def _end_film(self) -> None:
        assert self._film is not None
        film, self._film = self._film, None
        self._record.label = "Record"
        said = f"no film: {film.problem}" if film.problem else f"{film.path.parent.name}/{film.path.name}"
        said += f" (ended: {film.why_ended})" if film.why_ended and not film.problem else ""
        self._record_text.content = escaped(said)
