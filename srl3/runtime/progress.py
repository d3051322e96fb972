"""Bars with the time left: on a terminal they are redrawn, elsewhere a line now and then; durations in words."""

import os
import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO

LINE_SECONDS = 30.0
"""longest time between two lines where there is no terminal"""
LINE_SHARE = 0.1
"""share of the work between two lines where there is no terminal"""
DRAW_SECONDS = 0.1
"""time between two drawings of a bar that is told of every small step"""


def terminal_bar(
    total: int, layout: str, *, initial: int = 0, unit: str = "", draw_seconds: float = 0.0, leave: bool = True
) -> Any:
    """A ``tqdm`` bar on stderr; None where that is no terminal.

    Args:
        total: how much there is to do.
        layout: tqdm's ``bar_format``.
        initial: how much of it is done already.
        unit: what ``rate_fmt`` in the layout counts.
        draw_seconds: shortest time between two drawings.
        leave: False wipes it away at its end.
    """
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(
        total=total,
        initial=initial,
        unit=unit,
        mininterval=draw_seconds,
        miniters=1,
        bar_format=layout,
        leave=leave,
        file=sys.stderr,
        **({"dynamic_ncols": True} if _has_size(sys.stderr) else {"ncols": 100, "nrows": 24}),
    )


def duration_in_words(seconds: float) -> str:
    """``05:07``, or ``1:05:07`` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def _has_size(stream: TextIO) -> bool:
    """Whether a terminal knows its size; some, in containers, say 0, and tqdm would draw nothing there."""
    try:
        return min(os.get_terminal_size(stream.fileno())) > 0
    except (OSError, ValueError):
        return False


class Progress:
    """Counts what is done, on stderr. A context manager.

    Args:
        total: how much there is to do.
        unit: of what, for example ``episodes``.
        enabled: False shows nothing.
        leave: False wipes the bar away at its end.
    """

    def __init__(self, total: int, unit: str, enabled: bool = True, leave: bool = True) -> None:
        self.total = total
        self.unit = unit
        self.done = 0
        self._shown = 0
        self._start = self._line_time = time.monotonic()
        layout = "{percentage:3.0f}%|{bar}| {n:,}/{total:,} " + unit + " [{elapsed}, {remaining} left{postfix}]"
        self._bar = terminal_bar(total, layout, draw_seconds=DRAW_SECONDS, leave=leave) if enabled else None
        self._lines = enabled and self._bar is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Count ``amount`` more; ``note`` is shown behind the bar."""
        self.done += amount
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(amount)
        elif self._lines:
            now = time.monotonic()
            passed = self.done // (LINE_SHARE * self.total) > self._shown // (LINE_SHARE * self.total)
            waited = now - self._line_time
            if waited >= LINE_SECONDS or (waited >= 1 and passed):
                self._print_line(now, note)

    def _print_line(self, now: float, note: str) -> None:
        self._line_time, self._shown = now, self.done
        left = (now - self._start) / self.done * (self.total - self.done)
        said = f"{self.done:,}/{self.total:,} {self.unit} ({100 * self.done / self.total:.0f} %), {left:.0f} s left"
        print(said + (f", {note}" if note else ""), file=sys.stderr, flush=True)
