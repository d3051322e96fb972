"""Where in a trajectory we are: it plays, stops, and is moved."""

import math


class Timeline:
    """A position among the moments 0 (before the first step) to ``length`` (after the last).

    Args:
        length: steps.
        step_seconds: of the world's time in a step.

    Attributes:
        speed: of the world's time against that of the clock.
        playing: whether it moves by itself.
        again: at the end it begins anew, instead of stopping.
    """

    def __init__(self, length: int, step_seconds: float) -> None:
        self.length = length
        self.step_seconds = step_seconds
        self.speed = 1.0
        self.playing = False
        self.again = False
        self._position = 0.0
        self._last: float | None = None

    @property
    def step(self) -> int:
        """The moment that is shown, 0 to ``length``."""
        return math.floor(self._position)

    def resize(self, length: int, step_seconds: float) -> None:
        """Another trajectory: the same moment of it, or its end where it is shorter."""
        self.length, self.step_seconds = length, step_seconds
        self._position = min(self._position, length)

    def toggle(self) -> None:
        """Play or stop; at the end, from the beginning."""
        self.playing = not self.playing
        self._last = None
        if self.playing and self.step >= self.length:
            self._position = 0.0

    def go_to(self, step: int) -> None:
        """Show this moment, and stop there."""
        self._position = float(min(max(step, 0), self.length))
        self.playing = False

    def rest(self) -> None:
        """Time passes unheeded until the next call of `advance`."""
        self._last = None

    def advance(self, now: float) -> None:
        """Move as far as the clock has moved since the last call, while it plays.

        Args:
            now: seconds of a monotonic clock.
        """
        passed = 0.0 if self._last is None else now - self._last
        self._last = now
        if not self.playing:
            return
        self._position += passed * self.speed / self.step_seconds
        if self._position < self.length:
            return
        if self.again:
            self._position %= self.length
        else:
            self._position, self.playing = float(self.length), False
