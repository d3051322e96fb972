"""Taking times: two sides in turn, so that what else the machine does falls on both."""

import os
import resource
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(works: list[Work], repeats: int, prepare: list[Work] | None = None) -> list[list[float]]:
    """Seconds of every call: a list per work, with one entry per repeat.

    Each repeat runs all works, every other repeat in reverse order, after one call of each that does not count.

    Args:
        works: what is timed.
        repeats: how often.
        prepare: called before each call of the work of the same place, untimed.
    """
    times: list[list[float]] = [[] for _ in works]
    for repeat in range(-1, repeats):
        order = range(len(works))
        for index in order if repeat % 2 == 0 else reversed(order):
            if prepare is not None:
                prepare[index]()
            taken = seconds(works[index])
            if repeat >= 0:
                times[index].append(taken)
    return times


def median_ratio(numerators: Iterable[float], denominators: Iterable[float]) -> float:
    """Median of the ratios of the same repeats."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def peak_memory(pids: Iterable[int] = ()) -> float:
    """Greatest resident memory of this process and of those, MiB."""
    return sum(_peak(pid) for pid in (os.getpid(), *pids))


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time that these processes have had so far (Linux)."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
