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


@contextmanager
def deterministic_algorithms(wanted: bool = True) -> Iterator[None]:
    """Within the block torch uses deterministic algorithms alone, and raises where it has none."""
    if not wanted:
        yield
        return
    import os

    import torch

    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    workspace = os.environ.get(_CUBLAS)
    os.environ.setdefault(_CUBLAS, ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        if workspace is None:
            os.environ.pop(_CUBLAS, None)


_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
"""which cuBLAS reads when it is first used"""
