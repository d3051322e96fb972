"""Process-wide random generators: their seeds, and leaving them as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def kept_generators() -> Iterator[None]:
    """Whatever the block draws or seeds, Python's, NumPy's and torch's generators then go on where they were.

    So do the choices of cuDNN, which seeding a Stable-Baselines3 model changes.
    """
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
