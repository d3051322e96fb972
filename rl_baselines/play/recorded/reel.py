"""`Reel`: what is shown of recordings, and the loop that moves it. It knows no window."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from rl_baselines.play.recorded.library import Library
from rl_baselines.play.recorded.scenery import Scenery
from rl_baselines.play.recorded.timeline import Timeline
from rl_baselines.recordings.recording import Recording
from srl3.errors import UserError

TURN_SECONDS = 0.02
"""between two turns"""


class ReelViewer(Protocol):
    """Shows a reel."""

    def watched(self) -> bool:
        """Whether anybody looks; while nobody does, nothing moves."""
        ...

    def show(self, reel: "Reel", now: float) -> None:
        """Draw, if it is time."""
        ...


class Reel:
    """A recording of a library, some of its trajectories, and a moment of them. Other threads speak to it by `post`.

    Args:
        library: what can be chosen; the one that was recorded last is shown first, and plays.
        speed: of the world's time.
        clock: seconds, monotonic.

    Raises:
        UserError: when that one can't be read.

    Attributes:
        path: of the recording that is shown.
        problem: why another could not be shown, else empty.
        version: rises when other trajectories, or another recording, are shown.
    """

    def __init__(self, library: Library, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.library = library
        self.clock = clock
        self.path = library.paths()[-1]
        self.problem = ""
        self.version = 0
        self.scenery = Scenery(library.read(self.path), [0])
        self.timeline = Timeline(self.scenery.length, self.recording.step_seconds)
        self.timeline.speed = speed
        self.timeline.toggle()
        self._posts: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._ended = threading.Event()

    @property
    def recording(self) -> Recording:
        """What is shown."""
        return self.scenery.recording

    def choose(self, path: Path) -> None:
        """Show another recording of the library, the same trajectories of it as far as it has them."""
        try:
            recording = self.library.read(path)
        except UserError as error:
            self.problem = str(error)
            return
        self.path, self.problem = path, ""
        count = len(recording.trajectories)
        everything = len(self.scenery.numbers) == len(self.recording.trajectories) > 1
        numbers = range(count) if everything else [min(self.scenery.numbers[0], count - 1)]
        self._set(Scenery(recording, list(numbers)))

    def pick(self, number: int | None) -> None:
        """Show one trajectory, or all side by side."""
        count = len(self.recording.trajectories)
        self._set(Scenery(self.recording, list(range(count)) if number is None else [min(max(number, 0), count - 1)]))

    def _set(self, scenery: Scenery) -> None:
        self.scenery = scenery
        self.timeline.resize(scenery.length, scenery.recording.step_seconds)
        scenery.step = self.timeline.step
        self.version += 1

    # the loop

    def post(self, do: Callable[[], None]) -> None:
        """Let the reel's thread do this."""
        self._posts.put(do)
        self._wake.set()

    def end(self) -> None:
        """Leave the loop."""
        self._ended.set()
        self._wake.set()

    @property
    def ended(self) -> bool:
        """Whether the loop has been left, or will be after this turn."""
        return self._ended.is_set()

    def run(self, viewer: ReelViewer, stop: Callable[[], bool] = bool) -> None:
        """Turn by turn until `end`, or until ``stop()``."""
        while not (self.ended or stop()):
            self.turn(viewer)
            self._wake.wait(TURN_SECONDS)
            self._wake.clear()

    def turn(self, viewer: ReelViewer) -> None:
        """What other threads asked for, the time that has passed, and the viewer."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._posts.get_nowait()()
        if viewer.watched():
            self.timeline.advance(self.clock())
        else:
            self.timeline.rest()
        self.scenery.step = self.timeline.step
        viewer.show(self, self.clock())
