"""Which engine a recorded world runs on: that of this machine."""

import importlib.util
from collections.abc import Mapping
from typing import Any

ENGINE_OF_THIS_MACHINE = {"impl": "auto", "device": "auto"}


def for_this_machine(env_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """``env_kwargs`` of a recorded world, on the default engine where its own needs a GPU that isn't here."""
    sim = env_kwargs.get("sim")
    if not isinstance(sim, Mapping) or sim.get("impl") not in ("warp", "jax") or _has_warp(str(sim.get("device"))):
        return dict(env_kwargs)
    return {**env_kwargs, "sim": {**sim, **ENGINE_OF_THIS_MACHINE}}


def _has_warp(device: str) -> bool:
    if importlib.util.find_spec("mujoco_warp") is None:
        return False
    import torch

    return device == "cpu" or torch.cuda.is_available()
