"""What a student observes at recorded steps: frames, ground truth or a learned representation; stacked, normalised."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from environments.datasets.dataset import Dataset
from environments.datasets.recording.recorder import relative
from rl_baselines.vec_envs.create import find_normalize
from rl_baselines.vec_envs.frame_stack import stacked_frames
from rl_baselines.vec_envs.images import channels_first, image_paths, transposed_images
from rl_baselines.vec_envs.leaves import layers
from rl_baselines.vec_envs.normalizer import Normalizer
from srl3.errors import UserError
from srl3.spaces import ROOT
from state_representation.encoding.vec_wrapper import find_encoder

Read = Callable[[np.ndarray], np.ndarray]
"""from numbers of steps to what the world gave then"""
CHUNK = 1024
"""frames encoded at once"""


class Observations:
    """What a student in ``env`` observes at the steps of datasets, one after the other.

    Args:
        env: the student's environment with its wrappers, which say what is made of an observation.
        datasets: the steps.

    Raises:
        UserError: when they do not hold what the student observes; it names both sides.
    """

    def __init__(self, env: VecEnv, datasets: Sequence[Dataset]) -> None:
        self._bare = world_of(env)
        self._encoder = find_encoder(env)
        self._images = transposed_images(env)
        self._normalize = find_normalize(env)
        self._num_stack = stacked_frames(env)
        self._parts: list[tuple[int, Read]] = []
        self._starts = np.zeros(0, np.bool_)
        for dataset in datasets:
            self.add(dataset)

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, dataset: Dataset) -> None:
        """More steps, after those that are here."""
        self._parts.append((len(dataset), self._reader(dataset)))
        self._starts = np.concatenate([self._starts, dataset.episode_starts])

    def __call__(self, steps: np.ndarray) -> np.ndarray:
        """``(m, …)``: what the policy takes at these steps."""
        observed = self.stacked(steps)
        if self._normalize is not None and self._normalize.norm_obs:
            observed = Normalizer.of(self._normalize)(observed)
        given: np.ndarray = channels_first(observed, self._images)
        return given

    def stacked(self, steps: np.ndarray) -> np.ndarray:
        """As `__call__`, before it is normalised and images go channels first."""
        if self._num_stack == 1:
            return self._read(steps)
        first = np.maximum.accumulate(np.where(self._starts, np.arange(len(self)), 0))[steps]
        layers_ = []
        for age in range(self._num_stack - 1, -1, -1):
            seen = self._read(np.maximum(steps - age, first))
            seen[steps - age < first] = 0
            layers_.append(seen)
        return np.concatenate(layers_, axis=-1)

    def fit_normaliser(self, steps: np.ndarray) -> None:
        """Make the statistics of the environment's normaliser, where it has one, those of these steps."""
        normalize = self._normalize
        if normalize is None or not normalize.norm_obs:
            return
        moments: Any = normalize.obs_rms
        values = self.stacked(steps).astype(np.float64)
        moments.mean, moments.var, moments.count = values.mean(axis=0), values.var(axis=0), float(len(values))

    def _read(self, steps: np.ndarray) -> np.ndarray:
        if len(self._parts) == 1:
            return self._parts[0][1](steps)
        begin, seen = 0, None
        for count, read in self._parts:
            here = (steps >= begin) & (steps < begin + count)
            if here.any():
                values = read(steps[here] - begin)
                if seen is None:
                    seen = np.empty((len(steps), *values.shape[1:]), values.dtype)
                seen[here] = values
            begin += count
        assert seen is not None
        return seen

    def _reader(self, dataset: Dataset) -> Read:
        space = self._bare.observation_space
        if observes_frames(self._bare):
            if space.shape != dataset.info.frame_shape:
                frames, wanted = ("x".join(map(str, shape)) for shape in (dataset.info.frame_shape, space.shape or ()))
                raise UserError(
                    f"the frames of {dataset.path} are {frames}, and the student observes {wanted}; give --img-shape, "
                    "or record them again."
                )
            if self._encoder is None:
                return dataset.frames
            chunks = np.array_split(np.arange(len(dataset)), -(-len(dataset) // CHUNK))
            states = np.concatenate([self._encoder(dataset.frames(chunk)) for chunk in chunks])
            return lambda steps: states[steps]
        truth = ground_truth_of(dataset, space)
        return lambda steps: truth[steps]


def ground_truth_of(dataset: Dataset, space: spaces.Space[Any]) -> np.ndarray:
    """``(n, d) float32``: what a world whose ground truth is of this ``space`` would have shown at a dataset's steps.

    Raises:
        UserError: for anything but ground truth.
    """
    truth, targets = dataset.ground_truth, dataset.targets
    if dataset.info.relative_pos:
        truth = truth.copy()
        truth[:, : targets.shape[1]] += targets
    try:
        return as_ground_truth(truth, targets, space)
    except ValueError:
        raise UserError(
            f"{dataset.path} holds frames and ground truth, and the student observes {space}; let it observe "
            "raw_pixels, ground_truth or a learned representation."
        ) from None


def as_ground_truth(truth: np.ndarray, targets: np.ndarray, space: spaces.Space[Any]) -> np.ndarray:
    """Agents' states in the world frame and their targets' positions as a world with this ``space`` shows them.

    Raises:
        ValueError: when the space is of neither form: both, or the state relative to the target.
    """
    if space.shape == (truth.shape[1] + targets.shape[1],):
        return np.concatenate([truth, targets], axis=1)
    if space.shape == (truth.shape[1],) and truth.shape[1] >= targets.shape[1]:
        return relative(truth, targets)
    raise ValueError(f"{space} is no ground truth of {truth.shape[1]} and {targets.shape[1]} numbers")


def world_of(env: VecEnv) -> VecEnv:
    """The bare worlds under all wrappers."""
    return list(layers(env))[-1]


def observes_frames(world: VecEnv) -> bool:
    """Whether bare worlds show pictures."""
    return image_paths(world) == {ROOT}
