"""Test vectors: observations from the policy's own world, with what torch makes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import Checkpoint
from rl_baselines.export.contract import write_array
from rl_baselines.export.graph import ACTIONS, Exported
from rl_baselines.export.world import play

LOOSE = 1e-2
"""a tolerance beyond which a proof says little"""
PLAYED = 200
"""steps of the world that vectors are taken from"""
KEPT = 16
"""vectors in a file: of a policy with a memory the first ones, else evenly spaced"""
PICTURES_PLAYED, PICTURES_KEPT = 20, 3
EXACT, CLOSE = 1e-5, 1e-4
"""tolerance, relative to numbers above 1: of networks without convolutions and memory, and of those"""
SHAKEN, SHAKES = 2.0**-21, 4
"""rounding of a learned representation, relative to its largest number, and how often it is drawn: four times what a
convolution in another program's order of sums was seen to differ by"""


def make_vectors(checkpoint: Checkpoint, exported: Exported, actor: Actor, venv: VecEnv) -> dict[str, Any]:
    """Observations, and what the policy makes of them, as the contract's ``test``."""
    recurrent = bool(exported.head.memory_names)
    pictures = any(port.image for port in exported.ports)
    kept = PICTURES_KEPT if pictures else KEPT
    played = kept if recurrent else PICTURES_PLAYED if pictures else PLAYED
    steps = list(play(checkpoint, actor, venv, exported.ports, played))
    chosen = [steps[int(index)] for index in np.linspace(0, len(steps) - 1, kept)]
    observations = {
        port.name: np.concatenate([step.observations[port.name] for step in chosen]).astype(port.dtype())
        for port in exported.ports
    }
    starts = np.array([step.first for step in chosen])
    outputs = torch_outputs(exported, observations, starts)
    actions = np.concatenate([step.action for step in chosen])
    absolute = relative = CLOSE if pictures or recurrent else EXACT
    if exported.module.encode is not None:
        absolute = max(absolute, moved_by_rounding(exported, [step.observations for step in steps]))
    if not np.allclose(outputs[ACTIONS], actions, rtol=relative, atol=absolute):
        raise RuntimeError("the exported policy acts otherwise than the actor that it was made from")
    return {
        "source": "world",
        "first_of_episode": starts.tolist(),
        "observations": {name: write_array(values) for name, values in observations.items()},
        "outputs": {name: write_array(values) for name, values in outputs.items()},
        "tolerance": {"absolute": absolute, "relative": relative},
    }


def moved_by_rounding(exported: Exported, played: Sequence[Mapping[str, np.ndarray]]) -> float:
    """By how much rounding of its representation moves what the policy puts out: a normaliser that divides by small
    deviations makes much of it, and no two programs round alike."""
    module, encode = exported.module, exported.module.encode
    assert encode is not None
    port = exported.ports[0].name
    frames = np.concatenate([observations[port] for observations in played])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        states = encode(torch.as_tensor(frames))
    size = SHAKEN * states.abs().max()
    found = []
    try:
        for draw in range(1 + SHAKES):
            noise = 2 * torch.rand(states.shape, generator=generator) - 1
            module.encode = _Given(states + (size * noise if draw else 0))
            found.append(torch_outputs(exported, {port: frames}))
    finally:
        module.encode = encode
    floats = [name for name, output in found[0].items() if np.issubdtype(output.dtype, np.floating)]
    return max(float(np.abs(each[name] - found[0][name]).max()) for each in found[1:] for name in floats)


class _Given(nn.Module):
    """States that were made before, in the place of an encoder."""

    def __init__(self, states: torch.Tensor) -> None:
        super().__init__()
        self.states = states

    def forward(self, _frames: torch.Tensor) -> torch.Tensor:
        return self.states


def torch_outputs(
    exported: Exported, observations: Mapping[str, np.ndarray], starts: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """What torch makes of observations ``(n, …)`` by input, by output, without the memory.

    Args:
        exported: whose `PolicyGraph` is asked.
        observations: of n robots, or, where ``starts`` are given and the policy has a memory, of one robot in n steps.
        starts: ``(n,) bool``: the first steps of episodes; None: n robots that all begin.
    """
    head = exported.head
    names = exported.module.output_names()
    count = len(next(iter(observations.values())))
    in_order = [torch.as_tensor(np.array(observations[port.name])) for port in exported.ports]
    shown = [name for name in names if not name.endswith("_out")]
    with torch.no_grad():
        if not head.memory_names:
            outputs = dict(zip(names, exported.module(*in_order), strict=True))
            return {name: outputs[name].numpy() for name in shown}
        layers, size = head.memory_shape()
        empty = [torch.zeros(layers, 1 if starts is not None else count, size) for _ in head.memory_names]
        if starts is None:
            outputs = dict(zip(names, exported.module(*in_order, *empty), strict=True))
            return {name: outputs[name].numpy() for name in shown}
        found: dict[str, list[np.ndarray]] = {name: [] for name in shown}
        memory = empty
        for row in range(count):
            memory = empty if starts[row] else memory
            outputs = dict(
                zip(names, exported.module(*(part[row : row + 1] for part in in_order), *memory), strict=True)
            )
            memory = [outputs[f"{name}_out"] for name in head.memory_names]
            for name in shown:
                found[name].append(outputs[name].numpy())
    return {name: np.concatenate(values) for name, values in found.items()}
