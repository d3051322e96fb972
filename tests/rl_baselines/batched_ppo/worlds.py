"""Worlds of a few lines for `BatchedPPO`, whose values are known."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecMonitor

from environments.batched.arrays import Array
from environments.batched.sb3 import BatchedVecEnv
from environments.batched.world import ALL, BatchedWorld, Rows, SubstepResult
from environments.config import EnvConfig
from environments.mirror import Mirror, Reflection
from rl_baselines.batched_ppo.algorithm import BatchedPPO
from rl_baselines.batched_ppo.registered import BatchedPPOModel


@dataclasses.dataclass(frozen=True, kw_only=True)
class FollowConfig(EnvConfig):
    """Episodes of 8 steps, the end being a time limit."""

    env_id = "Follow-v0"
    max_steps: int = 8


class FollowWorld(BatchedWorld):
    """A number in [-1, 1], new in each step; the reward is a hidden 0 or 5, less the squared distance of the action.

    The policy sees the number alone; the critic sees the hidden part of the next reward too. Both are mirrored by
    turning the sign of number and action.
    """

    config: FollowConfig
    state_arrays = ("numbers", "hidden")

    def __init__(self, config: FollowConfig, num_envs: int) -> None:
        super().__init__(config, num_envs)
        self.numbers = np.zeros(num_envs)
        self.hidden = np.zeros(num_envs)
        self.rngs = [np.random.default_rng(row) for row in range(num_envs)]

    def _make_action_space(self) -> spaces.Space[Any]:
        return spaces.Box(-2, 2, (1,), np.float32)

    def _make_observation_spaces(self) -> dict[str, spaces.Box]:
        return {
            "policy": spaces.Box(-1, 1, (1,), np.float32),
            "critic": spaces.Box(-np.inf, np.inf, (2,), np.float32),
        }

    def term_names(self) -> tuple[str, ...]:
        return ("hidden", "distance")

    def seed(self, seeds: Sequence[int | None]) -> None:
        for row, seed in enumerate(seeds):
            if seed is not None:
                self.rngs[row] = np.random.default_rng(seed)

    def _draw(self, rows: np.ndarray) -> None:
        for row in rows.tolist():
            self.numbers[row] = self.rngs[row].uniform(-1, 1)
            self.hidden[row] = 5.0 * self.rngs[row].integers(2)

    def _reset_rows(self, rows: Array) -> None:
        self._draw(rows)

    def _substep(self, actions: Array) -> SubstepResult:
        terms = np.stack([self.hidden.copy(), -np.square(actions[:, 0] - self.numbers)])
        self._draw(np.arange(self.num_envs))
        none = np.zeros(self.num_envs, np.bool_)
        return SubstepResult(terms, none, none)

    def observe(self, rows: Rows = ALL, group: str = "policy") -> Array:
        parts = [self.numbers[rows]] if group == "policy" else [self.numbers[rows], self.hidden[rows]]
        return np.stack(parts, axis=1).astype(np.float32)

    def _random_state(self) -> dict[str, Any]:
        return {"rngs": [rng.bit_generator.state for rng in self.rngs]}

    def _restore_random_state(self, state: Mapping[str, Any]) -> None:
        for rng, saved in zip(self.rngs, state["rngs"], strict=True):
            rng.bit_generator.state = saved

    def mirrors(self) -> list[Mirror]:
        seen = {"policy": Reflection((0,), (-1.0,)), "critic": Reflection((0, 1), (-1.0, 1.0))}
        return [Mirror(seen, Reflection((0,), (-1.0,)))]


def follow(num_envs: int = 16, **config: Any) -> BatchedVecEnv:
    """Some `FollowWorld`."""
    return BatchedVecEnv(FollowWorld(FollowConfig(**config), num_envs))


class CueWorld(gym.Env[np.ndarray, Any]):
    """The first observation says which of two actions pays at the end of the episode; the others say nothing."""

    LENGTH = 4

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.cue = int(self.np_random.integers(2))
        self.time = 0
        return np.array([1 - 2 * self.cue, 0], np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.time += 1
        over = self.time == self.LENGTH
        last_but_one = float(self.time == self.LENGTH - 1)
        return np.array([0, last_but_one], np.float32), float(over and int(action) == self.cue), over, False, {}


def cues(num_envs: int = 16) -> VecEnv:
    """Some `CueWorld`."""
    return VecMonitor(DummyVecEnv([CueWorld for _ in range(num_envs)]))


def made(env: VecEnv, seed: int = 0, **hyperparams: Any) -> BatchedPPO:
    """A model of the registry's."""
    model = BatchedPPOModel.make_model(env, hyperparams, seed=seed, device="cpu")
    assert isinstance(model, BatchedPPO)
    return model


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorridorConfig(EnvConfig):
    """Episodes of 24 steps."""

    env_id = "Corridor-v0"
    max_steps: int = 24


class CorridorWorld(BatchedWorld):
    """A place on a line, moved by at most 0.1 in a step, where to move costs a little and nothing pays."""

    config: CorridorConfig
    state_arrays = ("places",)

    def __init__(self, config: CorridorConfig, num_envs: int) -> None:
        super().__init__(config, num_envs)
        self.places = np.zeros(num_envs)
        self.ends: list[float] = []

    @property
    def farthest(self) -> float:
        """Mean distance from the start at which the last 100 episodes ended."""
        return float(np.mean(np.abs(self.ends[-100:])))

    def _make_action_space(self) -> spaces.Space[Any]:
        return spaces.Box(-1, 1, (1,), np.float32)

    def _make_observation_spaces(self) -> dict[str, spaces.Box]:
        return {"policy": spaces.Box(-np.inf, np.inf, (1,), np.float32)}

    def term_names(self) -> tuple[str, ...]:
        return ("effort",)

    def seed(self, seeds: Sequence[int | None]) -> None:
        pass

    def _reset_rows(self, rows: Array) -> None:
        self.ends.extend(self.places[rows].tolist())
        self.places[rows] = 0

    def _substep(self, actions: Array) -> SubstepResult:
        self.places += 0.1 * actions[:, 0]
        none = np.zeros(self.num_envs, np.bool_)
        return SubstepResult(-0.1 * np.square(actions.T), none, none)

    def observe(self, rows: Rows = ALL, group: str = "policy") -> Array:
        return self.places[rows][:, None].astype(np.float32)

    def _random_state(self) -> dict[str, Any]:
        return {}

    def _restore_random_state(self, state: Mapping[str, Any]) -> None:
        pass


def corridor(num_envs: int = 16) -> BatchedVecEnv:
    """Some `CorridorWorld`."""
    return BatchedVecEnv(CorridorWorld(CorridorConfig(), num_envs))
