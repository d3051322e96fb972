"""How many steps are due, at a speed in terms of the world's own time."""

MAX_BEHIND = 0.25
"""seconds that are made up for; what is later than that is left out"""
FULL = float("inf")
"""the speed of a world that is stepped as fast as it goes"""


class Pace:
    """Tells when to step.

    Args:
        step_seconds: of the world's time in one step.
        speed: of the world's time against that of the clock; `FULL` as fast as it goes.
    """

    def __init__(self, step_seconds: float, speed: float = 1.0) -> None:
        self.step_seconds = step_seconds
        self.speed = speed
        self._next: float | None = None

    @property
    def period(self) -> float:
        """Seconds of the clock between two steps."""
        return self.step_seconds / self.speed

    def due(self, now: float) -> bool:
        """Whether a step is due; it counts as made."""
        if self._next is None or now - self._next > MAX_BEHIND:
            self._next = now
        if now < self._next:
            return False
        self._next += self.period
        return True

    def seconds_left(self, now: float) -> float:
        """Until the next step."""
        return 0.0 if self._next is None else max(0.0, self._next - now)

    def pause(self) -> None:
        """Time passes unheeded until the next call of `due`."""
        self._next = None


class Rate:
    """Events per second, over the last seconds."""

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._start: float | None = None
        self._count = 0
        self._value = 0.0

    def count(self, amount: int, now: float) -> None:
        """So many have happened."""
        if self._start is None:
            self._start = now
        self._count += amount
        passed = now - self._start
        if passed >= self._seconds:
            self._value = self._count / passed
            self._start, self._count = now, 0

    @property
    def value(self) -> float:
        """Per second; 0 until there is a first figure."""
        return self._value
