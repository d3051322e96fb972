"""Where the time of a training goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

PARTS = ("world", "policy", "update")


class Clock:
    """Seconds spent in the parts of an iteration, since the last `restart`."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._start = time.perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What runs in the block belongs to this part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

    def figures(self, steps: int) -> dict[str, float]:
        """Steps per second, in all and as if only this part ran, and the share of all that is in no part."""
        total = max(time.perf_counter() - self._start, 1e-9)
        rates = {"steps_per_second": steps / total}
        rates |= {f"{name}_steps_per_second": steps / max(spent, 1e-9) for name, spent in self.seconds.items()}
        return {**rates, "bookkeeping_share": max(0.0, 1 - sum(self.seconds.values()) / total)}
