"""How a search is asked to end: by Ctrl-C or SIGTERM, or, in a worker process, by its parent."""

import contextlib
import signal
import threading
from multiprocessing.connection import Connection
from typing import Protocol


class SearchStopped(Exception):
    """Raised in a trial whose search was asked to end."""


class Stop(Protocol):
    """Whether the search was asked to end."""

    @property
    def requested(self) -> bool: ...


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
