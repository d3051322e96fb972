"""The random generators that a training draws from, as a tree of plain values and arrays."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm


def save(model: BaseAlgorithm) -> dict[str, Any]:
    """Python's, NumPy's, torch's and the action space's generators as they are now."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": [version, list(words), gauss],
        "numpy": [name, np.asarray(keys), position, has_gauss, cached],
        "torch": torch.get_rng_state().numpy(),
        "cuda": [part.numpy() for part in torch.cuda.get_rng_state_all()] if torch.cuda.is_available() else [],
        "action_space": model.action_space.np_random.bit_generator.state,
    }


def load(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Set them to what `save` gave."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(tuple(state["numpy"]))
    torch.set_rng_state(torch.as_tensor(state["torch"]))
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([torch.as_tensor(part) for part in state["cuda"]])
    model.action_space.np_random.bit_generator.state = state["action_space"]
