"""How many threads torch and engines take."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from srl3.runtime.ranks import place


def cores() -> int:
    """Processor cores that this process may use: its share of them where several train together."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, allowed // place().local_size)


@contextmanager
def torch_threads(*, images: bool, count: int | None = None) -> Iterator[None]:
    """In the block torch has ``count`` threads, or else one for small networks on states, where more only wait for one
    another, and as many as before for images; afterwards as many as before.
    """
    import torch

    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    elif not images:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
