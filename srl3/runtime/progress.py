"""A bar with the time left: on a terminal it is redrawn, elsewhere a line now and then."""

import sys
import time
from types import TracebackType
from typing import Any, Self

LINE_SECONDS = 30.0
"""longest time between two lines where there is no terminal"""
LINE_SHARE = 0.1
"""share of the work between two lines where there is no terminal"""


class Progress:
    """Counts what is done, on stderr. A context manager.

    Args:
        total: how much there is to do.
        unit: of what, for example ``episodes``.
        enabled: False shows nothing.
    """

    def __init__(self, total: int, unit: str, enabled: bool = True) -> None:
        self.total = total
        self.unit = unit
        self.done = 0
        self._shown = 0
        self._start = self._line_time = time.monotonic()
        self._lines = enabled and not sys.stderr.isatty()
        self._bar: Any = None
        if enabled and not self._lines:
            from tqdm import tqdm

            layout = "{percentage:3.0f}%|{bar}| {n:,}/{total:,} " + unit + " [{elapsed}, {remaining} left{postfix}]"
            self._bar = tqdm(total=total, bar_format=layout, file=sys.stderr, dynamic_ncols=True)

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
