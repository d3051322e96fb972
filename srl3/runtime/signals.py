"""Ctrl-C and SIGTERM: as an exception that clears up, or as a request to stop at the next good moment."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


@contextmanager
def leave_on_sigterm() -> Iterator[None]:
    """SIGTERM leaves the block as an exception does, so that what was begun is cleared away; exit status 143."""

    def leave(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # another one must not interrupt the clearing away
        sys.exit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Ctrl-C and SIGTERM that come during the block take effect at its end."""
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda number, _frame: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


class StopRequest:
    """Turns the first Ctrl-C or SIGTERM into a request to stop, and the second into an exit at once.

    A context manager: the previous handlers are put back at its end.

    Args:
        promise: what happens now, said after the signal's name on standard error; None says nothing.
        leave: ends the process on the second signal, with that exit status: `os._exit` where files are written whole
            or not at all, `sys.exit` where something must still be cleared away.
    """

    def __init__(self, promise: str | None, leave: Callable[[int], Any] = os._exit) -> None:
        self.signal: int | None = None
        self._elsewhere: int | None = None
        self._promise = promise
        self._leave = leave
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @property
    def requested(self) -> bool:
        """Whether a signal came, here or elsewhere."""
        return self._number is not None

    def came_elsewhere(self, number: int) -> None:
        """Another process of the same work was asked to stop by this signal; one that comes here is still the first."""
        self._elsewhere = number

    @property
    def _number(self) -> int | None:
        return self.signal if self.signal is not None else self._elsewhere

    @property
    def exit_status(self) -> int:
        """128 + the signal's number, as shells report it; 0 without one."""
        return 128 + self._number if self._number is not None else 0

    @property
    def name(self) -> str:
        """What the user did."""
        return "Ctrl-C" if self._number == signal.SIGINT else "SIGTERM"

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            self._leave(128 + number)
        self.signal = number
        if self._promise is not None:
            # not print: the signal may have come in the midst of one, and streams can't be entered twice
            with contextlib.suppress(OSError):
                os.write(2, f"\n{self.name}: {self._promise}; once more to leave at once.\n".encode())
