"""Taking times: two sides in turn, so that what else the machine does falls on both."""

import resource
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

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
    """Greatest resident memory of this process so far, and what those other processes add to it now, MiB.

    Memory that several processes share is counted in parts (``Pss`` of Linux).
    """
    own = _proc_field("/proc/self/status", "VmHWM:")
    if own is None:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    others = [_proc_field(f"/proc/{pid}/smaps_rollup", "Pss:") or 0 for pid in pids]
    return (own + sum(others)) / 1024


def wait_for(device: "str | torch.device") -> None:
    """Until a GPU has done what it was given."""
    import torch

    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def memory_of(device: "str | torch.device") -> float:
    """What all programs take of a GPU's memory now, or the greatest resident memory of this process, MiB."""
    import torch

    if torch.device(device).type == "cpu":
        return peak_memory()
    free, total = torch.cuda.mem_get_info(device)
    return float(total - free) / 2**20


def resident_memory() -> float:
    """What of this process is in memory now, MiB; the greatest so far where the system does not say."""
    own = _proc_field("/proc/self/status", "VmRSS:")
    return peak_memory() if own is None else own / 1024


def _proc_field(file: str, field: str) -> int | None:
    """KiB in the line that begins with ``field``; None where the system has no such file."""
    path = Path(file)
    if not path.is_file():
        return None
    return next((int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(field)), None)
