"""One step of a batched world after which the robots whose episodes ended begin new ones: what all adapters share."""

from collections.abc import Callable, Sequence
from functools import cache
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
    ended: Array
    """``(N,) bool``: whose episodes ended"""
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
    ended = step.terminated | step.truncated
    rows = world.arrays.nonzero(ended)
    if not len(rows):
        episodes = _no_episodes(world.term_names(), tuple(step.endings), tuple(world.episode_figures(world.no_rows)))
        nothing = {group: values[:0] for group, values in observations.items()}
        no_pictures = None if pictures is None else pictures[:0]
        return Transition(step, observations, pictures, ended, world.no_rows, nothing, no_pictures, episodes)
    final_observations = {group: values[rows] for group, values in observations.items()}
    episodes = ended_episodes(world, step, rows)
    final_pictures = pictures[episodes.rows] if pictures is not None else None
    world.reset(rows)
    for group, values in observations.items():
        values[rows] = world.observe(rows, group)
    if pictures is not None:
        pictures[episodes.rows] = world.images(rows)
    return Transition(step, observations, pictures, ended, rows, final_observations, final_pictures, episodes)


@cache
def _no_episodes(terms: tuple[str, ...], endings: tuple[str, ...], figures: tuple[str, ...]) -> EpisodeStatistics:
    """Statistics of no episodes, with these reward terms, termination reasons and figures."""
    numbers, whole, flags = np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.bool_)
    return EpisodeStatistics(
        whole,
        numbers,
        whole,
        numbers,
        dict.fromkeys(terms, numbers),
        dict.fromkeys(endings, flags),
        dict.fromkeys(figures, numbers),
    )


def ended_episodes(world: BatchedWorld, step: Step, rows: Array) -> EpisodeStatistics:
    """Statistics of the episodes of ``rows (K,)``, at least one, which ended with ``step``."""
    endings, figures = dict(step.endings), world.episode_figures(rows)
    numbers, returns, lengths, successes, terms, *flags_and_figures = world.arrays.all_to_numpy(
        rows,
        world.episode_return[rows],
        world.elapsed[rows],
        step.success[rows],
        world.episode_terms[:, rows],
        *(ended[rows] for ended in endings.values()),
        *figures.values(),
    )
    flags, numbers_of_figures = flags_and_figures[: len(endings)], flags_and_figures[len(endings) :]
    return EpisodeStatistics(
        numbers,
        returns,
        lengths,
        successes.astype(np.float64) if world.reports_success else np.full(len(rows), np.nan),
        dict(zip(world.term_names(), terms, strict=True)),
        dict(zip(endings, flags, strict=True)),
        {name: values.astype(np.float64) for name, values in zip(figures, numbers_of_figures, strict=True)},
    )
