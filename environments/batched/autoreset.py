"""One step of a batched world after which the robots whose episodes ended begin new ones: what all adapters share."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from environments.batched.arrays import Array
from environments.batched.episodes import EpisodeStatistics
from environments.batched.world import BatchedWorld, Step
from environments.terms import POLICY


class Transition(NamedTuple):
    """A step of N robots and the resets that followed, K of them."""

    step: Step
    observations: dict[str, Array]
    """by group, ``(N, ...)``: after the resets"""
    frames: np.ndarray | None
    """``(N, H, W, C) uint8`` after the resets, where they were asked for"""
    rows: Array
    """``(K,) int64``: the robots whose episodes ended"""
    final_observations: dict[str, Array]
    """by group, ``(K, ...)``: the last ones of those episodes"""
    final_frames: np.ndarray | None
    """``(K, H, W, C) uint8``: the last pictures of those episodes"""
    episodes: EpisodeStatistics
    """of those episodes"""


def step_and_reset(
    world: BatchedWorld,
    actions: Array,
    groups: Sequence[str] = (POLICY,),
    frames: bool = False,
    before_reset: Callable[[], object] | None = None,
) -> Transition:
    """Step all robots, look at them, and begin new episodes where they ended.

    Args:
        world: the robots.
        actions: ``(N,)`` integers or ``(N, A)`` numbers.
        groups: which observations to take.
        frames: take pictures too.
        before_reset: called between the step and the resets.

    Raises:
        ValueError: for an action outside the action space.
    """
    step = world.step(actions)
    observations = {group: world.observe(group=group) for group in groups}
    pictures = world.images() if frames else None
    if before_reset is not None:
        before_reset()
    rows = world.arrays.nonzero(step.terminated | step.truncated)
    final_observations = {group: values[rows] for group, values in observations.items()}
    episodes = ended_episodes(world, step, rows)
    final_pictures = None
    if len(rows):
        index = episodes.rows
        final_pictures = pictures[index] if pictures is not None else None
        world.reset(rows)
        for group, values in observations.items():
            values[rows] = world.observe(rows, group)
        if pictures is not None:
            pictures[index] = world.images(rows)
    elif pictures is not None:
        final_pictures = pictures[:0]
    return Transition(step, observations, pictures, rows, final_observations, final_pictures, episodes)


def ended_episodes(world: BatchedWorld, step: Step, rows: Array) -> EpisodeStatistics:
    """Statistics of the episodes of ``rows (K,)``, which ended with ``step``."""
    names, count = world.term_names(), len(rows)
    if not count:
        none = np.zeros(0)
        return EpisodeStatistics(
            np.zeros(0, np.int64),
            none,
            np.zeros(0, np.int64),
            none,
            dict.fromkeys(names, none),
            dict.fromkeys(step.endings, np.zeros(0, np.bool_)),
        )
    to_numpy = world.arrays.to_numpy
    terms = to_numpy(world.episode_terms[:, rows])
    return EpisodeStatistics(
        to_numpy(rows),
        to_numpy(world.episode_return[rows]),
        to_numpy(world.elapsed[rows]),
        to_numpy(step.success[rows]).astype(np.float64) if world.reports_success else np.full(count, np.nan),
        dict(zip(names, terms, strict=True)),
        {name: to_numpy(ended[rows]) for name, ended in step.endings.items()},
    )
