"""What a state is compared with: where the agent and the target are."""

from dataclasses import dataclass

import numpy as np

from environments.datasets.dataset import Dataset

_AXES = "xyz"


@dataclass(frozen=True)
class Truth:
    """Ground truth of every step: ``values`` ``(n, k) float64``, one column for each of ``names``."""

    values: np.ndarray
    names: tuple[str, ...]


def world_truth(dataset: Dataset) -> Truth:
    """Agent, then target, in the world frame; metres and radians.

    Positions that were recorded relative to the target are made absolute, because a relative one mixes the two.
    """
    agent = dataset.ground_truth.astype(np.float64)
    target = dataset.targets.astype(np.float64)
    position = min(agent.shape[1], target.shape[1])
    if dataset.info.relative_pos:
        agent[:, :position] += target[:, :position]
    names = [_name("agent", index, position) for index in range(agent.shape[1])]
    names += [_name("target", index, target.shape[1]) for index in range(target.shape[1])]
    return Truth(np.hstack([agent, target]), tuple(names))


def relative_truth(dataset: Dataset) -> Truth:
    """The agent relative to the target, which is what a policy on ground truth observes."""
    agent = dataset.ground_truth.astype(np.float64)
    position = min(agent.shape[1], dataset.targets.shape[1])
    if not dataset.info.relative_pos:
        agent[:, :position] -= dataset.targets[:, :position]
    return Truth(agent, tuple(_name("relative", index, position) for index in range(agent.shape[1])))


def _name(of: str, index: int, position: int) -> str:
    return f"{of}_{_AXES[index]}" if index < min(position, len(_AXES)) else f"{of}_{index + 1}"
