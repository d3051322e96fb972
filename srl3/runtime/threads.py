"""How many threads torch takes."""

from collections.abc import Iterator
from contextlib import contextmanager


def set_threads(*, images: bool) -> None:
    """One torch thread for small networks on states, where more only wait for one another; all for images."""
    import torch

    if not images:
        torch.set_num_threads(1)


@contextmanager
def torch_threads(*, images: bool) -> Iterator[None]:
    """As `set_threads` inside the block; afterwards torch has as many threads as before."""
    import torch

    before = torch.get_num_threads()
    set_threads(images=images)
    try:
        yield
    finally:
        torch.set_num_threads(before)
