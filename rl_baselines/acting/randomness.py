"""The random numbers that a policy draws, apart from those of the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

KNOWN = ("torch.", "stable_baselines3.", "sb3_contrib.", "rl_baselines.batched_ppo.")
"""where policies draw actions by torch alone, but for explorers, which ask NumPy whether to explore"""


class OwnRandomness:
    """States of torch's and NumPy's generators, and of those that a policy holds, which are in place only in a block.

    Policies of Stable-Baselines3 draw from the process's generators and take no other. NumPy's takes 0.1 ms to be put
    in place and back, more than a small network, and is left alone where a policy is known not to draw from it.

    Args:
        model: what draws.
    """

    def __init__(self, model: BaseAlgorithm) -> None:
        self._held = [value for value in vars(model.policy).values() if isinstance(value, torch.Generator)]
        self._cuda = model.device if model.device.type == "cuda" else None
        parts = (model, *model.policy.modules())
        known = all(type(part).__module__.startswith(KNOWN) for part in parts)
        self._numpy = not known or hasattr(model, "exploration_rate")
        self._states = self._capture()

    def seed(self, seed: int) -> None:
        """Begin anew from ``seed``, as `torch.manual_seed` and `numpy.random.seed` would."""
        with self.in_place():
            torch.manual_seed(seed)
            if self._numpy:
                np.random.seed(seed)
            for generator in self._held:
                generator.manual_seed(seed)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """In the block what is drawn comes from here; afterwards the process's generators go on where they were."""
        others = self._capture()
        self._restore(self._states)
        try:
            yield
        finally:
            self._states = self._capture()
            self._restore(others)

    def _capture(self) -> tuple[Any, ...]:
        cuda = torch.cuda.get_rng_state(self._cuda) if self._cuda else None
        held = [generator.get_state() for generator in self._held]
        return torch.get_rng_state(), cuda, np.random.get_state() if self._numpy else None, held

    def _restore(self, states: tuple[Any, ...]) -> None:
        cpu, cuda, numpy, held = states
        torch.set_rng_state(cpu)
        if self._cuda:
            torch.cuda.set_rng_state(cuda, self._cuda)
        if numpy is not None:
            np.random.set_state(numpy)
        for generator, state in zip(self._held, held, strict=True):
            generator.set_state(state)
