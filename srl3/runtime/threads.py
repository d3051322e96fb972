"""How many threads torch takes."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def torch_threads(*, images: bool) -> Iterator[None]:
    """In the block torch has one thread for small networks on states, where more only wait for one another, and as many
    as before for images; afterwards as many as before.
    """
    import torch

    before = torch.get_num_threads()
    if not images:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
