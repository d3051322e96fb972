"""`BatchedWorld`: N robots that are stepped together in a few array operations."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from gymnasium import spaces

from environments.batched.arrays import Array, arrays_of
from environments.boundary.actions import checked_actions, checked_tensors
from environments.boundary.checks import check_observation, check_picture
from environments.config import EnvConfig
from environments.mirror import Mirror
from environments.terms import POLICY, ActionTerm, CommandTerm, ObservationTerm, action_terms_of, observation_terms_of
from srl3.errors import UserError

if TYPE_CHECKING:
    from environments.scenes.parts import ScenePart

Rows = Array | slice
"""Which robots: their indices ``(K,) int64``, or a slice."""
ALL = slice(None)
_NO_ENDINGS: Mapping[str, Array] = MappingProxyType({})


class SubstepResult(NamedTuple):
    """Result of one application of the actions for N robots."""

    terms: Array
    """``(number of terms, N)``; their sum over the terms is the reward."""
    terminated: Array
    """``(N,) bool``"""
    success: Array
    """``(N,) bool``: the robot has done its task, as things stand."""
    endings: Mapping[str, Array] = _NO_ENDINGS
    """``(N,) bool`` by termination reason, where a world tells them apart."""


class Step(NamedTuple):
    """Result of one step for N robots. The observations are taken by `BatchedWorld.observe`."""

    reward: Array
    """``(N,)``: the sum of the terms."""
    terminated: Array
    """``(N,) bool``"""
    truncated: Array
    """``(N,) bool``: out of time, and not terminated."""
    success: Array
    """``(N,) bool``"""
    terms: Array
    """``(number of terms, N)``: the reward by term."""
    endings: Mapping[str, Array]
    """``(N,) bool`` by termination reason; empty where the world does not tell them apart."""


class BatchedWorld(ABC):
    """N robots of one configuration, each in a world of its own.

    All arrays are of one kind, ``array_kind``: NumPy, or torch tensors on ``device``. What a robot does must not depend
    on its neighbours: robot i draws from a generator or counter of its own, which `seed` sets.

    A subclass provides the abstract methods; the rest has defaults that do for any world. One in the manner of the
    S-RL Toolbox (ground truth, a target, pictures, NumPy) derives from `environments.batched.srl_world.SRLWorld`.

    Args:
        config: the configuration that all robots share.
        num_envs: N.
        device: where tensors are; ``cpu`` for NumPy.

    Attributes:
        observation_spaces: the space of each group of one robot's observations: ``policy``, and ``critic`` where a
            value function may see more.
        action_space: of one robot.
        elapsed: ``(N,) int64``, steps of the current episodes.
        applied: ``(N,) int64``, actions applied in the current episodes (``action_repeat`` to a step).
        episode_return: ``(N,) float64``, sum of the rewards of the current episodes.
        episode_terms: ``(number of terms, N) float64``, the same by term.
    """

    failures_folder: Path | None = None
    """where a world whose physics can fail writes the state from which it did; None: nowhere"""
    array_kind: ClassVar[Literal["numpy", "torch"]] = "numpy"
    state_arrays: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes, arrays of N rows each, that hold a world's state; subclasses list theirs."""

    def __init__(self, config: EnvConfig, num_envs: int, device: str = "cpu") -> None:
        if num_envs < 1:
            raise UserError(f"{config.env_id} needs at least 1 robot, not {num_envs}.")
        self.config = config
        self.num_envs = num_envs
        self.device = device
        self.arrays = arrays_of(self.array_kind, device)
        self.action_space = self._make_action_space()
        self.observation_spaces = self._make_observation_spaces()
        self.no_rows = self.arrays.arange(0)
        self.elapsed = self.arrays.zeros((num_envs,), "int64")
        self.applied = self.arrays.zeros((num_envs,), "int64")
        self._reset_checked = self._step_checked = False
        self.episode_return = self.arrays.zeros((num_envs,), "float64")
        self.episode_terms = self.arrays.zeros((len(self.term_names()), num_envs), "float64")

    # what a world provides

    @abstractmethod
    def _make_action_space(self) -> spaces.Space[Any]:
        """The action space of one robot."""

    @abstractmethod
    def _make_observation_spaces(self) -> dict[str, spaces.Box]:
        """The space of each group of observations of one robot; ``policy`` is always there."""

    @abstractmethod
    def term_names(self) -> tuple[str, ...]:
        """Names of the reward's terms, in the order of `SubstepResult.terms`."""

    @abstractmethod
    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed robot i with ``seeds[i]``; None leaves it. One that was never seeded seeds itself at random."""

    @abstractmethod
    def _reset_rows(self, rows: Array) -> None:
        """Put the robots ``rows (K,) int64``, never none, at the start of a new episode."""

    @abstractmethod
    def _substep(self, actions: Array) -> SubstepResult:
        """Apply the checked ``actions`` (``(N,) int`` or ``(N, A) float32``) once to all robots, in place."""

    @abstractmethod
    def observe(self, rows: Rows = ALL, group: str = POLICY) -> Array:
        """``(K, *observation_spaces[group].shape)``, a new array that no later step changes."""

    @abstractmethod
    def _random_state(self) -> dict[str, Any]:
        """The state of the robots' generators: plain values and NumPy arrays by name."""

    @abstractmethod
    def _restore_random_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `_random_state` gave, from a mapping that may hold more."""

    # what a world may provide

    @property
    def reports_success(self) -> bool:
        """Whether an episode succeeds or fails; without, the infos have no ``is_success``."""
        return True

    @property
    def control_dt(self) -> float | None:
        """Seconds of simulated time in one step; None for a world without time."""
        return None

    def images(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, H, W, 3) uint8`` RGB (6 channels with two cameras), NumPy; a new array."""
        raise UserError(f"{self.config.env_id} draws no pictures.")

    def observation_terms(self) -> list[ObservationTerm]:
        """What the numbers of the observations mean, for all groups; they cover each group's space exactly."""
        return [term for group, space in self.observation_spaces.items() for term in observation_terms_of(space, group)]

    def action_terms(self) -> list[ActionTerm]:
        """What the numbers of an action mean, one term for each."""
        return action_terms_of(self.action_space)

    def most_like(self, configs: Sequence[EnvConfig]) -> Array:
        """``(N,) int64``: whose world, of these, is most like what each robot is to do now; 0 where it says nothing."""
        return self.arrays.zeros((self.num_envs,), "int64")

    def group_as(self, config: EnvConfig) -> str:
        """The group of observations here that a policy of a world with this configuration observes."""
        return POLICY

    def observe_as(self, config: EnvConfig) -> Any:
        """``(N, *observation_spaces[group].shape)``: what such a policy, of that group, is shown in this state."""
        return self.observe(group=self.group_as(config))

    def mirrors(self) -> list[Mirror]:
        """The symmetries of the world, none where it says nothing: a policy may learn from mirror images."""
        return []

    def episode_figures(self, rows: Array) -> dict[str, Array]:
        """``(K,)`` numbers by name of the episodes of these robots, which end: how hard they were, as a curriculum had
        it. Training logs their means; the names are the same at all times."""
        return {}

    def stay_at(self, control_steps: int) -> int:
        """Keep a curriculum where it is after so many control steps of each robot; the number of that stage, counted
        from 1, or 0 before the first and in a world without one."""
        return 0

    def count_from(self, control_steps: int) -> None:
        """Let a curriculum go on as after so many control steps of each robot. Worlds without one don't count."""
        self.stay_at(control_steps)

    def term_tables(self) -> str:
        """The world's terms as tables for people, printed when a training begins; empty where it has none."""
        return ""

    def scene_parts(self) -> "list[ScenePart] | None":
        """What a viewer draws of one robot's world; None: only `images`."""
        return None

    def scene_poses(self, rows: Rows = ALL) -> np.ndarray | None:
        """Where the parts of `scene_parts` are: ``(K, parts, 7)``, position (metres) and quaternion (w, x, y, z)."""
        return None

    @property
    def can_be_pushed(self) -> bool:
        """Whether `push` does something."""
        return False

    def push(self, rows: Rows, velocity: Sequence[float]) -> None:
        """Change the velocity of these robots' bases by ``(3,)`` m/s, world frame, from one moment to the next.

        Raises:
            UserError: in a world whose robots have no free base.
        """
        raise UserError(f"robots of {self.config.env_id} can't be pushed.")

    def command_terms(self) -> list[CommandTerm]:
        """What a person may command the robots to do; empty in a world without commands."""
        return []

    def set_command(self, values: Sequence[float] | None) -> None:
        """Let all robots follow these commands from here on, one number for each of `command_terms`.

        Args:
            values: None: the world draws its own again, with the next episodes.

        Raises:
            UserError: in a world without commands.
        """
        raise UserError(f"{self.config.env_id} has no commands.")

    def commands(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, terms) float32``: what these robots are commanded to do now, in the units of `command_terms`."""
        return np.zeros((len(np.arange(self.num_envs)[rows]), 0), np.float32)

    def ground_truth_dim(self) -> int:
        """Length of one robot's ground truth."""
        return int(np.prod(self.observation_space.shape))

    def ground_truth(self, rows: Rows = ALL) -> Array:
        """``(K, ground_truth_dim) float32``: the robots' state where the world has one, else what is observed."""
        observations = self.observe(rows)
        return self.arrays.as_float(observations.reshape(len(observations), -1))

    def target_pos(self, rows: Rows = ALL) -> Array:
        """``(K, dimensions)``: positions of the targets, metres; no dimensions for a world without a target."""
        return self.arrays.zeros((len(self.elapsed[rows]), 0), "float64")

    # episodes

    @property
    def observation_space(self) -> spaces.Box:
        """The space of what a policy observes of one robot."""
        return self.observation_spaces[POLICY]

    def reset(self, rows: Array | None = None) -> None:
        """Begin an episode for the robots of these indices (or of this mask), or for all."""
        if rows is None:
            rows = self.arrays.arange(self.num_envs)
        elif rows.dtype == self.arrays.zeros((), "bool").dtype:
            rows = self.arrays.nonzero(rows)
        if not len(rows):
            return
        self._reset_rows(rows)
        self.elapsed[rows] = 0
        self.applied[rows] = 0
        self.episode_return[rows] = 0
        self.episode_terms[:, rows] = 0
        if not self._reset_checked:
            self._check_observations()
            self._reset_checked = True

    def step(self, actions: Any) -> Step:
        """One step of all robots: the actions are applied ``action_repeat`` times, or until a robot terminates.

        Args:
            actions: ``(N,)`` integers, or ``(N, A)`` numbers.

        Raises:
            ValueError: for an action outside the action space, NaN included.
        """
        return self.step_checked(self.checked(actions))

    def step_checked(self, actions: Array) -> Step:
        """`step` with what `checked` gave."""
        terms, terminated, success, endings = self._substep(actions)
        self.applied += 1
        reward = terms.sum(0)
        for _ in range(self.config.action_repeat - 1):
            over = self.arrays.nonzero(terminated)
            frozen = self.get_rows(over) if len(over) else None
            result = self._substep(actions)
            self.applied += 1
            if frozen is not None:
                self.set_rows(over, frozen)
                result.terms[:, over] = 0
                result.success[over] = success[over]
            reward = reward + result.terms.sum(0)
            terms = terms + result.terms
            endings = {name: endings[name] | (more & ~terminated) for name, more in result.endings.items()}
            terminated = terminated | result.terminated
            success = result.success
        return self._counted(reward, SubstepResult(terms, terminated, success, endings))

    def _counted(self, reward: Array, result: SubstepResult) -> Step:
        """The step in which this happened, ``reward (N,)`` the sum of its terms."""
        terms, terminated, success, endings = result
        self.elapsed += 1
        self.episode_return += reward
        self.episode_terms += terms
        truncated = (self.elapsed >= self.config.max_steps) & ~terminated
        step = Step(reward, terminated, truncated, success, terms, endings)
        if not self._step_checked:
            self._check_step(step)
            self._check_observations()
            self._step_checked = True
        return step

    def checked(self, actions: Any) -> Array:
        """The actions, as the action space has them.

        Raises:
            ValueError: when one is outside of it, or there are not N.
        """
        if self.array_kind == "numpy":
            return checked_actions(self.config.env_id, self.action_space, actions, self.num_envs)
        return checked_tensors(self.config.env_id, self.action_space, self.arrays.of(actions), self.num_envs)

    def _check_observations(self) -> None:
        """Hold what the first robots observe against the spaces; done once for a reset and once for a step."""
        env_id = self.config.env_id
        rows = slice(0, 2)
        count = len(self.elapsed[rows])
        for group, space in self.observation_spaces.items():
            values = self.arrays.to_numpy(self.observe(rows, group))
            if values.shape != (count, *space.shape):
                raise UserError(
                    f"{env_id} declares observations of shape {space.shape} ({group}), but {count} robots gave shape "
                    f"{values.shape}."
                )
            for row in values:
                check_observation(env_id, row, space)
        if self.config.record_data:
            for picture in self.images(rows):
                check_picture(env_id, picture, self.config.image_shape)

    def _check_step(self, step: Step) -> None:
        env_id, count = self.config.env_id, self.num_envs
        for name, terms in zip(self.term_names(), self.arrays.to_numpy(step.terms), strict=True):
            if terms.shape != (count,) or not np.isfinite(terms).all():
                raise UserError(f"the reward's term {name} of {env_id} must be {count} finite numbers, not {terms}.")
        for name, flags in (("terminated", step.terminated), ("success", step.success)):
            values = self.arrays.to_numpy(flags)
            if values.shape != (count,) or values.dtype != np.bool_:
                raise UserError(f"{name} of {env_id} must be {count} booleans, not {values!r}.")

    # state

    def get_rows(self, rows: Rows = ALL) -> dict[str, Array]:
        """Copies of the state of these robots, without their generators."""
        return {name: self.arrays.copy(getattr(self, name)[rows]) for name in ("applied", *self.state_arrays)}

    def set_rows(self, rows: Rows, state: Mapping[str, Array]) -> None:
        """Put back what `get_rows` gave."""
        for name, values in state.items():
            getattr(self, name)[rows] = self.arrays.of(values)

    def resume_state(self) -> dict[str, Any]:
        """All that `restore_state` needs to go on from here to the last bit: plain values and NumPy arrays."""
        counters = {
            name: self.arrays.to_numpy(self.arrays.copy(getattr(self, name)))
            for name in ("elapsed", "episode_return", "episode_terms")
        }
        rows = {name: self.arrays.to_numpy(values) for name, values in self.get_rows().items()}
        return {"rows": rows, **counters, **self._random_state()}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Go to the point at which `resume_state` was called on a world made the same way.

        Raises:
            UserError: when the state is of another number of robots.
        """
        saved = len(state["elapsed"])
        if saved != self.num_envs:
            raise UserError(f"the saved state is of {saved} robots, not {self.num_envs}; use --num-cpu {saved}.")
        self.set_rows(ALL, state["rows"])
        for name in ("elapsed", "episode_return", "episode_terms"):
            getattr(self, name)[:] = self.arrays.of(state[name])
        self._restore_random_state(state)

    def close(self) -> None:
        """Free what the world holds outside of Python; it is not used any more."""
        return
