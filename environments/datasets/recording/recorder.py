"""Playing a block of episodes and recording them."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from environments.config import EnvConfig
from environments.datasets.info import RECORD_AGAIN
from environments.datasets.recording.policies import (
    Oracle,
    Performer,
    Policy,
    RandomPolicy,
    drawn_actions,
    load_oracle,
)
from environments.datasets.recording.stage import Stage, make_stage, places
from environments.datasets.writer import Rows
from environments.registry import ThreadingType, find_env
from srl3.files import atomic_path
from srl3.formats.npz import read_arrays

BLOCK_EPISODES = 16
"""Most episodes played side by side."""
BLOCK_BYTES = 64 * 2**20
"""Most memory that the frames of a block take, where it holds more than one episode."""


@dataclasses.dataclass(frozen=True)
class RandomPerformer:
    """A random agent in ``env_id``."""

    env_id: str
    env_kwargs: dict[str, Any]

    def open(self, num_robots: int) -> tuple[Stage, Policy]:
        """A stage of this many robots, and the policy that acts on it."""
        return make_stage(self.env_id, self.env_kwargs, num_robots), RandomPolicy()


@dataclasses.dataclass(frozen=True)
class RecordingPlan:
    """All that decides a dataset.

    Episodes are played in blocks of a size that depends on nothing but this plan, and episode e draws only from its own
    generators; so neither the number of processes nor their speed changes a bit.
    """

    env_id: str
    performer: Performer
    seed: int
    num_episodes: int
    block_size: int
    """episodes played side by side, `block_size_for` of the world"""
    toward_target: float
    """share of the steps in which the world's scripted policy acts"""
    relative_pos: bool
    """record the agent's position relative to the target"""
    with_frames: bool = True
    perturbed: float = 0.0
    """share of the steps in which a random action is done; what the teacher says of them is recorded all the same"""

    @property
    def blocks(self) -> list[range]:
        """The numbers of the episodes of each block."""
        size = self.block_size
        return [range(at, min(at + size, self.num_episodes)) for at in range(0, self.num_episodes, size)]

    @property
    def first_seed(self) -> int:
        """The world of episode e is seeded with this plus e; datasets of different seeds share no episodes."""
        return int(np.random.SeedSequence(self.seed).generate_state(1)[0]) // 2


@dataclasses.dataclass(frozen=True)
class Episode:
    """A finished episode."""

    number: int
    rows: Rows

    def save(self, folder: Path) -> None:
        """Write it to a file of its own, in one piece."""
        with atomic_path(part_path(folder, self.number)) as temporary, temporary.open("wb") as opened:
            np.savez(opened, allow_pickle=False, **self.rows.arrays())

    @classmethod
    def take(cls, path: Path) -> "Episode":
        """Read what `save` wrote, and remove it (so that merging parts never needs more room than they have)."""
        rows = Rows(**read_arrays(path, RECORD_AGAIN))
        path.unlink()
        return cls(int(path.stem.rpartition("_")[2]), rows)


def part_path(folder: Path, number: int) -> Path:
    """The file of a finished episode."""
    return folder / f"episode_{number:06d}.npz"


def block_size_for(env_id: str, config: EnvConfig, num_episodes: int) -> int:
    """How many episodes of this world to play side by side."""
    if find_env(env_id).threading is not ThreadingType.BATCHED:
        return 1
    episode_bytes = config.max_steps * math.prod(config.image_shape or (1,))
    return max(1, min(BLOCK_EPISODES, num_episodes, BLOCK_BYTES // episode_bytes))


class Recorder:
    """Plays blocks of a plan, one after the other, in this process.

    Args:
        plan: what to record.
    """

    def __init__(self, plan: RecordingPlan) -> None:
        self.plan = plan
        self.stage, self._policy = plan.performer.open(plan.block_size)
        self._oracle: Oracle | None = load_oracle(plan.env_id) if plan.toward_target else None

    def record(self, block: range, stopped: Callable[[], bool] = lambda: False) -> list[Episode]:
        """The episodes of a block, in order.

        Args:
            block: their numbers.
            stopped: asked before each step; True leaves out the episodes that have not ended.
        """
        plan, stage = self.plan, self.stage
        numbers = range(block.start, block.start + stage.num_robots)
        rngs = [np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(number,))) for number in numbers]
        steps = stage.config.max_steps
        toward = np.stack([rng.random(steps) < plan.toward_target for rng in rngs])
        chance = self._chance(numbers)
        self._policy.begin(stage, rngs, plan.first_seed + block.start)
        stage.reset(plan.first_seed + block.start)
        running = np.arange(len(block))
        taken: list[list[dict[str, Any]]] = [[] for _ in block]
        done: list[Episode] = []
        for step in range(steps):
            if not running.size or stopped():
                break
            frames = stage.frames(running) if plan.with_frames else np.empty((len(running), 0, 0, 3), np.uint8)
            truth, targets = places(stage)
            if plan.relative_pos:
                truth = relative(truth, targets)
            actions, labels = self._policy.act(stage)
            if self._oracle is not None and toward[:, step].any():
                actions = _where(toward[:, step], self._oracle(stage), actions)
            if chance is not None:
                perturbed, drawn = chance
                actions = _where(perturbed[:, step], drawn[:, step], actions)
            rewards, ended = stage.step(actions)
            for row, frame in zip(running.tolist(), frames, strict=True):
                taken[row].append(
                    {
                        "frames": frame,
                        "actions": actions[row],
                        "rewards": rewards[row],
                        "episode_starts": step == 0,
                        "ground_truth": truth[row],
                        "targets": targets[row],
                        **{name: values[row] for name, values in labels.items()},
                    }
                )
            for row in running[ended[running]].tolist():
                done.append(Episode(block[row], _stacked(taken[row])))
                taken[row] = []
            running = running[~ended[running]]
        return sorted(done, key=lambda episode: episode.number)

    def _chance(self, numbers: range) -> tuple[np.ndarray, np.ndarray] | None:
        """When chance acts in these episodes, ``(K, max_steps) bool``, and what it does; None: never.

        It draws from generators of its own, so that the rest of an episode's randomness is as without it.
        """
        plan, stage = self.plan, self.stage
        if not plan.perturbed:
            return None
        seeds = [np.random.SeedSequence(plan.seed, spawn_key=(number, 1)) for number in numbers]
        rngs = [np.random.default_rng(seed) for seed in seeds]
        perturbed = np.stack([rng.random(stage.config.max_steps) < plan.perturbed for rng in rngs])
        return perturbed, drawn_actions(stage, rngs)


def _where(chosen: np.ndarray, actions: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``actions`` of the robots that are ``chosen (K,) bool``, ``others`` of the rest."""
    return np.where(chosen.reshape(-1, *[1] * (others.ndim - 1)), actions, others)


def _stacked(steps: list[dict[str, Any]]) -> Rows:
    return Rows(**{name: np.stack([step[name] for step in steps]) for name in steps[0]})


def relative(ground_truth: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """States ``(n, d)`` whose position, the first ``t`` numbers, is less the target's ``(n, t)``."""
    moved = ground_truth.copy()
    moved[:, : targets.shape[1]] -= targets
    return moved
