"""How often the page gets a picture: as often as it is wanted, or as it keeps up with."""

import threading
import time
from typing import Any

SLOW_SECONDS = 0.35
"""a page that answers later than that is behind"""
SLOWEST = 1.0
"""seconds between two pictures for a page that can hardly keep up"""
ASK_SECONDS = 0.5
"""between two questions"""
GIVEN_UP = 5.0
"""seconds after which an answer is no longer waited for"""


class FramePace:
    """Tells when the next picture is due, from how quickly the page answers.

    Args:
        fps: pictures per second, at most.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self.interval = 1 / fps
        self._next = -float("inf")

    def due(self, now: float) -> bool:
        """Whether a picture is due; it counts as sent."""
        if now < self._next:
            return False
        self._next = max(self._next + self.interval, now) if self._next > now - 1 else now + self.interval
        return True

    def answered(self, seconds: float) -> None:
        """The page took so long to answer, what was sent before included."""
        if seconds > SLOW_SECONDS:
            self.interval = min(self.interval * 1.6, max(SLOWEST, 1 / self.fps))
        else:
            self.interval = max(self.interval * 0.8, 1 / self.fps)

    @property
    def actual_fps(self) -> float:
        """Pictures per second now."""
        return 1 / self.interval


class Answers:
    """A thread that asks each page again and again for a word, behind all that was sent to it.

    Args:
        server: viser's.
        pace: told how long answers take.
    """

    def __init__(self, server: Any, pace: FramePace) -> None:
        self._server = server
        self._pace = pace
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="page's answers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join(GIVEN_UP + 1)

    def _ask(self) -> None:
        while not self._ended.wait(ASK_SECONDS):
            slowest = 0.0
            for client in self._server.get_clients().values():
                start = time.monotonic()
                try:
                    client.local_storage.get_item("srl3", timeout=GIVEN_UP)
                except TimeoutError:
                    slowest = GIVEN_UP
                except RuntimeError:  # gone, or it forbids what was asked for
                    continue
                slowest = max(slowest, time.monotonic() - start)
            if slowest:
                self._pace.answered(slowest)
