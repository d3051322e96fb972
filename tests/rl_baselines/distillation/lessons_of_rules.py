"""Datasets whose teachers are rules: what a student should do in them is known."""

import dataclasses
from pathlib import Path

import numpy as np

from environments import dataset_generator
from environments.datasets.copying import rows_of
from environments.datasets.dataset import Dataset, open_dataset
from environments.datasets.writer import DatasetWriter

WORLD = "MobileRobotGymEnv-v0"
WAYS = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


def recorded_at_random(folder: Path, name: str = "random", *flags: str, episodes: int = 12) -> Dataset:
    """A random agent's dataset of small pictures."""
    given = ["--save-path", str(folder), "--name", name, "--num-episode", str(episodes), "--no-progress"]
    kwargs = ["--env-kwargs", "max_steps:30", "random_target:true", "--img-shape", "36x36"]
    assert dataset_generator.main([*given, "--env", WORLD, *kwargs, *flags]) == 0
    return open_dataset(folder / name)


def offsets(dataset: Dataset) -> np.ndarray:
    """``(n, 2)``: from the robot to its target, in lengths of the arena's half."""
    offset: np.ndarray = dataset.targets - dataset.ground_truth[:, :2]
    return offset / abs(offset).max()


def taught(source: Dataset, path: Path, *, sign: float = 1.0, distribution: bool = True) -> Dataset:
    """``source`` with a teacher that goes toward the target, or, with ``sign`` -1, away from it."""
    offset = sign * offsets(source)
    labels: dict[str, np.ndarray] = {}
    if source.info.n_actions is None:
        labels["teacher_actions"] = np.clip(offset, -1, 1).astype(np.float32)
        if distribution:
            labels["action_means"] = labels["teacher_actions"]
            labels["action_stds"] = np.full_like(labels["action_means"], 0.2)
    else:
        scores = 8 * offset @ WAYS.T
        probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        labels["teacher_actions"] = probabilities.argmax(axis=1)
        if distribution:
            labels["action_probabilities"] = probabilities.astype(np.float32)
    info = dataclasses.replace(source.info, policy="ppo2" if distribution else "dqn")
    with DatasetWriter(path, info, overwrite=True) as writer:
        writer.append_rows(dataclasses.replace(rows_of(source, slice(None)), **labels))
        writer.finish()
    return open_dataset(path)
