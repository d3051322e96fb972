"""The Kuka world against bare PyBullet."""

import statistics
from typing import Any

import numpy as np

from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from environments.kuka_gym.robot import BASE_FRAME, joints_for
from rl_baselines.benchmarks.bare_kuka import BareKuka, Goal
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory

SEED = 0


class _Pair:
    """The world and the bare scene, given the same joint targets."""

    def __init__(self, n_steps: int, **env_kwargs: Any) -> None:
        self.env = KukaButtonGymEnv(max_steps=100_000, **env_kwargs)
        self.bare = BareKuka(self.env.config)
        self.env.action_space.seed(SEED)
        self.actions: list[Any] = []
        self.goals: list[Goal] = []
        self.env.reset(seed=SEED)
        over = False
        while len(self.actions) < n_steps and not over:
            self.actions.append(self.env.action_space.sample())
            over = self.env.step(self.actions[-1])[2]
            hand = self.env._arm.effector_goal
            self.goals.append((hand, joints_for(*np.subtract(hand, BASE_FRAME).tolist())))
        if over:
            del self.actions[-1], self.goals[-1]

    def reset_env(self) -> None:
        self.env.reset(seed=SEED)

    def step_env(self) -> None:
        for action in self.actions:
            self.env.step(action)

    def step_bare(self) -> None:
        for goal in self.goals:
            self.bare.step(goal)


def steps(effort: Effort) -> list[Measured]:
    """Steps per second from ground truth; ratio: against the bare loop's."""
    pair = _Pair(effort.count(400, least=50), srl_model="ground_truth")
    ours, bare = alternate([pair.step_env, pair.step_bare], effort.repeats, [pair.reset_env, pair.bare.reset])
    rate = len(pair.actions) / statistics.median(ours)
    return [Measured(rate, "steps/s", median_ratio(bare, ours), peak_memory())]


def reset(effort: Effort) -> list[Measured]:
    """Milliseconds per reset; ratio: against 500 bare physics steps."""
    pair = _Pair(1, srl_model="ground_truth")
    count = effort.count(20, least=5)

    def resets() -> None:
        for _ in range(count):
            pair.env.reset()

    ours, bare = alternate([resets, pair.bare.settle], effort.repeats, [pair.reset_env, pair.bare.reset])
    each = [taken / count for taken in ours]
    return [Measured(1000 * statistics.median(each), "ms", median_ratio(each, bare), peak_memory())]


def pixels(effort: Effort, side: int) -> list[Measured]:
    """Frames per second; ratio: against a bare step and plain ``getCameraImage`` of the unmodified scene."""
    pair = _Pair(effort.count(40, least=5), img_shape=(side, side))

    def step_and_draw() -> None:
        for goal in pair.goals:
            pair.bare.step(goal)
            pair.bare.image(side, side)

    ours, bare = alternate([pair.step_env, step_and_draw], effort.repeats, [pair.reset_env, pair.bare.reset])
    rate = len(pair.actions) / statistics.median(ours)
    return [Measured(rate, "frames/s", median_ratio(bare, ours), peak_memory())]
