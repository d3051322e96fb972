"""Episodes of a batched world: their statistics, and whole ones under a policy that sees the world itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from gymnasium import spaces

from environments.batched.world import BatchedWorld


@dataclass(frozen=True)
class EpisodeStatistics:
    """Of K episodes that ended in one step, as NumPy arrays on the CPU."""

    rows: np.ndarray
    """``(K,) int64``: which robots'"""
    returns: np.ndarray
    """``(K,) float64``: sums of the rewards"""
    lengths: np.ndarray
    """``(K,) int64``: steps"""
    successes: np.ndarray
    """``(K,) float64``: 1, 0, or NaN where the world does not report success"""
    terms: dict[str, np.ndarray]
    """``(K,) float64`` by reward term: sums over the episode"""
    endings: dict[str, np.ndarray]
    """``(K,) bool`` by termination reason; empty where the world does not tell them apart"""
    figures: dict[str, np.ndarray] = field(default_factory=dict)
    """``(K,) float64`` by name: what else the world tells of an episode (`BatchedWorld.episode_figures`)"""


Policy = Callable[[BatchedWorld], np.ndarray]
"""From N robots to the action of each: ``(N,)`` integers, or ``(N, A) float32``."""


def episode_returns(world: BatchedWorld, policy: Policy, seed: int) -> np.ndarray:
    """``(N,) float64``: what ``policy`` earns in one episode of each robot, robot i seeded with ``seed + i``.

    An evaluation can repeat episode i: it is the first one of an environment that was reset with that seed.
    """
    world.seed([seed + row for row in range(world.num_envs)])
    world.reset()
    returns = np.zeros(world.num_envs)
    running = np.ones(world.num_envs, np.bool_)
    while running.any():
        step = world.step(policy(world))
        ended = running & world.arrays.to_numpy(step.terminated | step.truncated)
        returns[ended] = world.arrays.to_numpy(world.episode_return)[ended]
        running &= ~ended
    return returns


def random_policy(rng: np.random.Generator) -> Policy:
    """Actions drawn uniformly from the action space."""

    def act(world: BatchedWorld) -> np.ndarray:
        space = world.action_space
        if isinstance(space, spaces.Discrete):
            return rng.integers(space.n, size=world.num_envs)
        assert isinstance(space, spaces.Box)
        return rng.uniform(space.low, space.high, (world.num_envs, *space.shape)).astype(np.float32)

    return act
