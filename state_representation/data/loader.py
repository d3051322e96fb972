"""From a dataset to minibatches: which steps are learned from, in which order, and their frames read ahead."""

import queue
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from environments.datasets.dataset import Dataset
from environments.datasets.frames import PackedFrames
from srl3.errors import UserError

READ_AHEAD = 3
"""Minibatches that are read while the network learns from one."""
CACHE_BYTES = 4 * 2**30
"""Frames in picture files are decoded once and kept, as long as they need no more memory than this."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Sample:
    """Frames of a minibatch, as they were recorded.

    Args:
        steps: ``(m,)`` steps of the dataset.
        frames: ``(m, H, W, C) uint8``, or ``(2 * m, …)`` where a sample is a transition: the next frames come second.
    """

    steps: np.ndarray
    frames: np.ndarray


@dataclass(frozen=True)
class Partition:
    """Steps to learn from and steps to validate on; no episode is in both, unless there is only one."""

    training: np.ndarray
    validation: np.ndarray


class FrameReader:
    """Frames of a dataset, by step. Picture files are decoded once, where they fit `CACHE_BYTES`."""

    def __init__(self, dataset: Dataset, number: int) -> None:
        self._dataset = dataset
        size = number * int(np.prod(dataset.info.frame_shape))
        packed = isinstance(dataset._frames, PackedFrames)
        self._cache: np.ndarray | None = None
        if not packed and size <= CACHE_BYTES:
            self._cache = dataset.frames(np.arange(number))

    def read(self, steps: np.ndarray) -> np.ndarray:
        """``(m, H, W, C) uint8``"""
        return self._dataset.frames(steps) if self._cache is None else self._cache[steps]


def partition(dataset: Dataset, number: int, val_size: float, transitions: bool, rng: np.random.Generator) -> Partition:
    """Hold out whole episodes, drawn at random, until their steps make up ``val_size`` of all; at least one.

    Neighbouring frames are nearly equal, so frames held out singly would not tell whether the encoder generalises.
    Of a single episode the end is held out.

    Args:
        dataset: where the steps are from.
        number: how many of its first steps are used.
        val_size: share that is held out, in (0, 1).
        transitions: only steps with a next frame in the same episode.
        rng: draws the episodes.

    Raises:
        UserError: when either side would be empty.
    """
    steps = dataset.transitions() if transitions else np.arange(number)
    steps = steps[steps < number - transitions]
    episodes = dataset.episode_numbers()[steps]
    names, sizes = np.unique(episodes, return_counts=True)
    if len(names) > 1:
        order = rng.permutation(len(names))
        held = max(1, int(np.searchsorted(np.cumsum(sizes[order]), val_size * len(steps), side="right")))
        held_out = np.isin(episodes, names[order[: min(held, len(names) - 1)]])
    else:
        held_out = np.arange(len(steps)) >= round(len(steps) * (1 - val_size))
    found = Partition(steps[~held_out], steps[held_out])
    if min(len(found.training), len(found.validation)) < 2:
        if number < len(dataset):
            raise UserError(
                f"{number} of the {len(dataset)} steps of {dataset.path} are too few to learn from; give a larger "
                "--training-set-size."
            )
        raise UserError(f"{dataset.path} has {number} steps, too few to learn from; record more.")
    return found


def epoch_order(steps: np.ndarray, classes: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """The steps of an epoch in random order.

    Args:
        steps: ``(m,)``
        classes: ``(m,)``, from which each class is drawn as often as the others, with repetition; None: each step once.
        rng: of this epoch.
    """
    if classes is None:
        return rng.permutation(steps)
    _, inverse, counts = np.unique(classes, return_inverse=True, return_counts=True)
    chances = (1 / counts / len(counts))[inverse]
    return rng.choice(steps, size=len(steps), p=chances)


def minibatches(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Parts of ``order``; a last part of a single step, from which no statistics can be taken, is left out."""
    parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [part for part in parts if len(part) > 1]


def read_ahead(reader: FrameReader, parts: Sequence[np.ndarray], transitions: bool) -> Generator[Sample]:
    """The samples of these minibatches; a thread reads the next ones meanwhile.

    Close the iterator to end the thread early. An error of the thread is raised here.
    """
    ready: queue.Queue[Sample | BaseException | None] = queue.Queue(READ_AHEAD)
    stop = threading.Event()

    def put(item: Sample | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for steps in parts:
                rows = np.concatenate([steps, steps + 1]) if transitions else steps
                if not put(Sample(steps, reader.read(rows))):
                    return
        except BaseException as error:
            put(error)
        else:
            put(None)

    thread = threading.Thread(target=read, name="frames", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
