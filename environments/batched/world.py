"""`BatchedWorld`: N robots that are stepped together in a few array operations."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding

from environments.config import PIXELS, EnvConfig
from srl3.errors import UserError

Rows = np.ndarray | slice
"""Which robots: their indices, or a slice."""
ALL = slice(None)


class Outcome(NamedTuple):
    """What one application of the actions brought to N robots."""

    terms: np.ndarray
    """``(number of terms, N) float64``; their sum over the terms is the reward."""
    terminated: np.ndarray
    """``(N,) bool``"""
    success: np.ndarray
    """``(N,) bool``: the robot has done its task, as things stand."""


class Step(NamedTuple):
    """What one step brought to N robots. The observations are taken by `BatchedWorld.observe`."""

    reward: np.ndarray
    """``(N,) float64``"""
    terminated: np.ndarray
    """``(N,) bool``"""
    truncated: np.ndarray
    """``(N,) bool``: out of time, and not terminated."""
    success: np.ndarray
    """``(N,) bool``"""


class BatchedWorld(ABC):
    """N robots of one configuration, each in a world of its own.

    Robots draw only from their own generator and only when they are reset, so that a robot's trajectory does
    not depend on its neighbours; noise per step is drawn at the reset too, one block for the episode.

    Attributes:
        config: the configuration that all robots share.
        num_envs: N.
        rngs: N generators; `seed` sets them, and the single face puts Gymnasium's ``np_random`` in.
        elapsed: ``(N,) int64``, steps of the current episodes.
        applied: ``(N,) int64``, actions applied in the current episodes (``action_repeat`` to a step).
        episode_return: ``(N,) float64``, sum of the rewards of the current episodes.
        episode_terms: ``(number of terms, N) float64``, the same by term.
    """

    state_arrays: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays, N rows each, that hold a world's state; subclasses list theirs."""

    def __init__(self, config: EnvConfig, num_envs: int) -> None:
        if num_envs < 1:
            raise UserError(f"{config.env_id} needs at least 1 robot, not {num_envs}.")
        self.config = config
        self.num_envs = num_envs
        self.rngs: list[np.random.Generator | None] = [None] * num_envs
        self.action_space = self._make_action_space()
        self.observation_space = self._make_observation_space()
        self.elapsed = np.zeros(num_envs, np.int64)
        self.applied = np.zeros(num_envs, np.int64)
        self.episode_return = np.zeros(num_envs)
        self.episode_terms = np.zeros((len(self.term_names()), num_envs))

    # what a world provides

    @abstractmethod
    def _make_action_space(self) -> spaces.Space[Any]:
        """The action space of one robot."""

    @abstractmethod
    def ground_truth_dim(self) -> int:
        """Length of one robot's ground truth."""

    @abstractmethod
    def term_names(self) -> tuple[str, ...]:
        """Names of the reward's terms, in the order of `Outcome.terms`."""

    @property
    def knows_success(self) -> bool:
        """Whether an episode succeeds or fails; without, the infos have no ``is_success``."""
        return True

    @abstractmethod
    def _draw_episode(self, rng: np.random.Generator) -> np.ndarray:
        """All random numbers of one robot's episode: one row, ``float64``, always of the same length."""

    @abstractmethod
    def _begin(self, rows: np.ndarray, draws: np.ndarray) -> None:
        """Put the robots ``rows (K,)`` at the start of an episode made from ``draws (K, length)``."""

    @abstractmethod
    def _advance(self, actions: np.ndarray) -> Outcome:
        """Apply the checked ``actions`` (``(N,) int`` or ``(N, A) float32``) once to all robots, in place."""

    @abstractmethod
    def ground_truth(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, ground_truth_dim) float32``, as `SRLGymEnv.ground_truth`."""

    @abstractmethod
    def target_pos(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, dimensions) float64``: positions of the targets, metres."""

    @abstractmethod
    def images(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, H, W, 3) uint8`` RGB, 6 channels with ``multi_view``; a new array."""

    # episodes

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Give robot i a generator seeded with ``seeds[i]``, as ``gymnasium.Env.reset`` does; None leaves it."""
        for row, seed in enumerate(seeds):
            if seed is not None:
                self.rngs[row] = seeding.np_random(seed)[0]

    def reset(self, rows: np.ndarray | None = None) -> None:
        """Begin an episode for the robots of these indices (or of this mask), or for all."""
        if rows is None:
            rows = np.arange(self.num_envs)
        elif rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        self._begin(rows, np.stack([self._draw_episode(self.rng(row)) for row in rows.tolist()]))
        self.elapsed[rows] = 0
        self.applied[rows] = 0
        self.episode_return[rows] = 0
        self.episode_terms[:, rows] = 0

    def advance(self, actions: np.ndarray) -> Outcome:
        """Apply checked actions once. `step` is what faces of several robots call."""
        outcome = self._advance(actions)
        self.applied += 1
        return outcome

    def step(self, actions: np.ndarray) -> Step:
        """One step of all robots: the actions are applied ``action_repeat`` times, or until a robot terminates.

        Args:
            actions: ``(N,)`` integers, or ``(N, A)`` numbers.

        Raises:
            ValueError: for an action outside the action space, NaN included.
        """
        actions = self.checked(actions)
        terms, terminated, success = self.advance(actions)
        reward = terms.sum(axis=0)
        for _ in range(self.config.action_repeat - 1):
            over = np.flatnonzero(terminated)
            frozen = self.get_rows(over)
            outcome = self.advance(actions)
            if over.size:
                self.set_rows(over, frozen)
                outcome.terms[:, over] = 0
                outcome.success[over] = success[over]
            reward += outcome.terms.sum(axis=0)
            terms = terms + outcome.terms
            terminated = terminated | outcome.terminated
            success = outcome.success
        self.elapsed += 1
        self.episode_return += reward
        self.episode_terms += terms
        truncated = (self.elapsed >= self.config.max_steps) & ~terminated
        return Step(reward, terminated, truncated, success)

    def checked(self, actions: np.ndarray) -> np.ndarray:
        """The actions, as the action space has them.

        Raises:
            ValueError: when one is outside of it, or there are not N.
        """
        space = self.action_space
        if isinstance(space, spaces.Discrete):
            actions = np.asarray(actions)
            if actions.shape != (self.num_envs,) or actions.dtype.kind not in "iu":
                raise ValueError(f"{self.config.env_id} takes {self.num_envs} integers, not {actions!r}")
            if actions.min() < 0 or actions.max() >= space.n:
                raise ValueError(f"{self.config.env_id} takes actions 0 to {space.n - 1}, not {actions!r}")
            return actions
        assert isinstance(space, spaces.Box)
        actions = np.asarray(actions, np.float32)
        if actions.shape != (self.num_envs, *space.shape):
            raise ValueError(
                f"{self.config.env_id} takes actions of shape {(self.num_envs, *space.shape)}, not {actions.shape}"
            )
        if not ((actions >= space.low) & (actions <= space.high)).all():
            raise ValueError(
                f"{self.config.env_id} takes numbers in [{space.low.min():g}, {space.high.max():g}], not {actions!r}"
            )
        return actions

    def observe(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, *observation_space.shape)``, a new array; nothing is drawn unless pixels are observed."""
        return self.images(rows) if self.config.srl_model == PIXELS else self.ground_truth(rows)

    # state

    def get_rows(self, rows: Rows = ALL) -> dict[str, np.ndarray]:
        """Copies of the state of these robots, without their generators."""
        return {name: np.array(getattr(self, name)[rows]) for name in ("applied", *self.state_arrays)}

    def set_rows(self, rows: Rows, state: dict[str, np.ndarray]) -> None:
        """Put back what `get_rows` gave."""
        for name, values in state.items():
            getattr(self, name)[rows] = values

    def resume_state(self) -> dict[str, Any]:
        """All that `restore_state` needs to go on from here to the last bit: plain values and arrays."""
        return {
            "rows": self.get_rows(),
            "elapsed": self.elapsed.copy(),
            "episode_return": self.episode_return.copy(),
            "episode_terms": self.episode_terms.copy(),
            "rngs": [None if rng is None else rng.bit_generator.state for rng in self.rngs],
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go to the point at which `resume_state` was called on a world made the same way.

        Raises:
            ValueError: when the state is of another number of robots.
        """
        if len(state["rngs"]) != self.num_envs:
            raise ValueError(f"the state is of {len(state['rngs'])} robots, but there are {self.num_envs}")
        self.set_rows(ALL, state["rows"])
        self.elapsed[:] = state["elapsed"]
        self.episode_return[:] = state["episode_return"]
        self.episode_terms[:] = state["episode_terms"]
        for row, rng_state in enumerate(state["rngs"]):
            if rng_state is not None:
                self.rng(row).bit_generator.state = rng_state

    # helpers

    def _make_observation_space(self) -> spaces.Box:
        if self.config.srl_model == PIXELS:
            channels = 6 if self.config.multi_view else 3
            return spaces.Box(0, 255, (*self.config.img_shape, channels), np.uint8)
        return spaces.Box(-np.inf, np.inf, (self.ground_truth_dim(),), np.float32)

    def rng(self, row: int) -> np.random.Generator:
        """The generator of one robot, seeded from the operating system where `seed` never set it."""
        rng = self.rngs[row]
        if rng is None:
            rng = self.rngs[row] = seeding.np_random()[0]
        return rng
