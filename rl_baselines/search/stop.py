"""How a search is asked to end: by Ctrl-C or SIGTERM, or, in a worker process, by its parent."""

import contextlib
import os
import signal
import threading
from multiprocessing.connection import Connection
from types import FrameType
from typing import Protocol

from rl_baselines.callbacks.checkpoints import StopRequest


class SearchStopped(Exception):
    """Raised in a trial whose search was asked to end."""


class Stop(Protocol):
    """Whether the search was asked to end."""

    @property
    def requested(self) -> bool: ...


class SearchStop(StopRequest):
    """The first Ctrl-C or SIGTERM asks; the second leaves at once, and the study is whole in its storage."""

    @property
    def requested(self) -> bool:
        return self.signal is not None

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            os._exit(128 + number)
        self.signal = number
        # not print: the signal may have come in the midst of one
        with contextlib.suppress(OSError):
            os.write(2, f"\n{self.name}: giving back what is running; once more to leave at once.\n".encode())


class WorkerStop:
    """In a worker process: SIGTERM asks, and so does the parent by closing its end of ``pipe``, or by dying.

    Ctrl-C in the terminal reaches the parent alone.
    """

    def __init__(self, pipe: Connection) -> None:
        self._event = threading.Event()
        self._pipe = pipe
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self._event.set())
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    def _watch(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            self._pipe.recv_bytes()
        self._event.set()
