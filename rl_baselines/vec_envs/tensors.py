"""Any `VecEnv` as tensors: batched worlds without a detour, all others through their arrays and infos."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from environments.batched.episodes import EpisodeStatistics
from environments.batched.sb3 import BatchedVecEnv
from environments.batched.tensors import TensorEnv, TensorStep, WorldTensors
from environments.batched.world import BatchedWorld
from environments.mirror import Mirror
from environments.registry import find_env
from environments.terms import POLICY
from rl_baselines.vec_envs.create import restore_vec_env_state, vec_env_state
from rl_baselines.vec_envs.infos import ENDINGS, FIGURES, REWARD_TERMS, columns
from srl3.errors import UserError


@runtime_checkable
class TensorVecEnv(TensorEnv, Protocol):
    """`TensorEnv` of a `VecEnv` that Stable-Baselines3 resets and seeds."""

    def after_reset(self, observations: Any) -> dict[str, Tensor]:
        """The observations by group after ``venv.reset()`` gave ``observations``."""

    def mirrors(self) -> tuple[Mirror, ...]:
        """The symmetries of the world; none where it says nothing."""

    @property
    def control_dt(self) -> float | None:
        """Seconds of simulated time in one step; None where that is not known."""

    def noisy_groups(self) -> frozenset[str]:
        """The groups of observations to which the world adds noise, as far as it says so."""

    def set_episode_ages(self, shares: Tensor) -> None:
        """Make the episodes look as if a share ``(N,)`` in [0, 1) of their greatest length had passed.

        Raises:
            UserError: where the world is not batched.
        """

    def scripted_policy(self) -> Callable[[], Tensor]:
        """Gives the actions of the world's scripted policy in the present states, ``(N, A)`` or ``(N,)``.

        Raises:
            UserError: where the world has none, or is not batched.
        """


def tensor_env(venv: VecEnv) -> TensorVecEnv:
    """``venv`` as tensors.

    A batched world gives its own, with all groups of observations, unless it is wrapped, shown in a window, or records
    frames. Elsewhere a `Dict` of observations gives a group for each key, everything else the group ``policy``.
    """
    if isinstance(venv, BatchedVecEnv) and venv.render_mode != "human" and not venv.config.record_data:
        return BatchedTensors(venv)
    return VecEnvTensors(venv)


class BatchedTensors(WorldTensors):
    """`TensorVecEnv` of a batched world; episodes go to its monitor file.

    Args:
        venv: the world as a `VecEnv`.
    """

    def __init__(self, venv: BatchedVecEnv) -> None:
        super().__init__(venv.world)
        self.venv = venv
        self._running = True

    def reset(self) -> dict[str, Tensor]:
        self.venv.reset()
        return self.observe()

    def after_reset(self, observations: Any) -> dict[str, Tensor]:
        return self.observe()

    def step(self, actions: Tensor) -> TensorStep:
        step = super().step(actions)
        if len(step.episodes.rows):
            self.venv.record_episodes(step.episodes)
        return step

    def seed(self, seed: int) -> None:
        self.venv.seed(seed)

    def mirrors(self) -> tuple[Mirror, ...]:
        return tuple(self.world.mirrors())

    @property
    def control_dt(self) -> float | None:
        return self.world.control_dt

    def noisy_groups(self) -> frozenset[str]:
        return frozenset(term.group for term in self.world.observation_terms() if np.any(term.noise))

    def set_episode_ages(self, shares: Tensor) -> None:
        set_ages(self.world, shares)

    def scripted_policy(self) -> Callable[[], Tensor]:
        return scripted_policy_of(self.venv)


def set_ages(world: BatchedWorld, shares: Tensor) -> None:
    """Make a batched world's episodes look as if a share ``(N,)`` in [0, 1) of their greatest length had passed."""
    ages = (shares * world.config.max_steps).long()
    world.elapsed[:] = world.arrays.of(ages.cpu().numpy())


def scripted_policy_of(venv: BatchedVecEnv) -> Callable[[], Tensor]:
    """Gives the actions of a batched world's scripted policy, or of what stands in its place, in the present states:
    ``(N, A)`` or ``(N,)``.

    Raises:
        UserError: where the world has none.
    """
    world = venv.world
    oracle = venv.oracle or find_env(world.config.env_id).load_oracle()
    if oracle is None:
        raise UserError(f"{world.config.env_id} has no scripted policy to be imitated; set imitation_coef:0.")
    return lambda: torch.as_tensor(oracle(world))


class VecEnvTensors:
    """`TensorVecEnv` of any `VecEnv`.

    Statistics of episodes are those of the monitor in the infos (``episode``, ``is_success``, ``reward_terms``), where
    there is one; without, they are summed up here.

    Args:
        venv: observations may be `Box`, or a `Dict` of them.
    """

    def __init__(self, venv: VecEnv) -> None:
        self.venv = venv
        self.num_envs = venv.num_envs
        self.device = torch.device("cpu")
        space = venv.observation_space
        self.observation_spaces: dict[str, spaces.Space[Any]] = (
            dict(space.spaces) if isinstance(space, spaces.Dict) else {POLICY: space}
        )
        self.action_space = venv.action_space
        self.reports_success = True
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, np.int64)
        self._observations: dict[str, Tensor] = {}

    def reset(self) -> dict[str, Tensor]:
        return self.after_reset(self.venv.reset())

    def after_reset(self, observations: Any) -> dict[str, Tensor]:
        self._returns[:] = 0
        self._lengths[:] = 0
        self._observations = self._tensors(observations)
        return self._observations

    def observe(self) -> dict[str, Tensor]:
        return self._observations

    def step(self, actions: Tensor) -> TensorStep:
        given = actions.detach().cpu().numpy()
        if isinstance(self.action_space, spaces.Box):
            given = given.astype(self.action_space.dtype, copy=False)
        observations, rewards, dones, infos = self.venv.step(given)
        self._returns += rewards
        self._lengths += 1
        rows = np.flatnonzero(dones)
        ended = [infos[row] for row in rows.tolist()]
        truncated = np.zeros(self.num_envs, np.bool_)
        truncated[rows] = [bool(info.get("TimeLimit.truncated", False)) for info in ended]
        self._observations = self._tensors(observations)
        step = TensorStep(
            self._observations,
            torch.from_numpy(np.asarray(rewards, np.float32)),
            torch.from_numpy(dones & ~truncated),
            torch.from_numpy(truncated),
            torch.from_numpy(rows),
            self._finals([info["terminal_observation"] for info in ended]),
            self._statistics(rows, ended),
        )
        self._returns[rows] = 0
        self._lengths[rows] = 0
        return step

    def seed(self, seed: int) -> None:
        self.venv.seed(seed)

    def resume_state(self) -> dict[str, Any]:
        return {"venv": vec_env_state(self.venv), "returns": self._returns.copy(), "lengths": self._lengths.copy()}

    def restore_state(self, state: dict[str, Any]) -> None:
        restore_vec_env_state(self.venv, state["venv"])
        self._returns[:] = state["returns"]
        self._lengths[:] = state["lengths"]

    def close(self) -> None:
        self.venv.close()

    def mirrors(self) -> tuple[Mirror, ...]:
        return ()

    @property
    def control_dt(self) -> float | None:
        return None

    def noisy_groups(self) -> frozenset[str]:
        return frozenset()

    def set_episode_ages(self, shares: Tensor) -> None:
        beneath = self.venv.unwrapped
        if isinstance(beneath, BatchedVecEnv):  # wrapped, shown in a window, or recorded
            set_ages(beneath.world, shares)
            return
        raise UserError(
            "random_initial_ages needs a batched world that trains from its own state; set random_initial_ages:false."
        )

    def scripted_policy(self) -> Callable[[], Tensor]:
        beneath = self.venv.unwrapped
        if isinstance(beneath, BatchedVecEnv):
            return scripted_policy_of(beneath)
        raise UserError("imitation_coef needs a batched world with a scripted policy; set imitation_coef:0.")

    def _tensors(self, observations: Any) -> dict[str, Tensor]:
        if isinstance(observations, dict):
            return {group: _tensor(values) for group, values in observations.items()}
        return {POLICY: _tensor(observations)}

    def _finals(self, observations: list[Any]) -> dict[str, Tensor]:
        if observations and isinstance(observations[0], dict):
            return {group: _tensor(np.stack([one[group] for one in observations])) for group in self.observation_spaces}
        if observations:
            return {POLICY: _tensor(np.stack(observations))}
        return {group: torch.zeros((0, *(space.shape or ()))) for group, space in self.observation_spaces.items()}

    def _statistics(self, rows: np.ndarray, infos: list[dict[str, Any]]) -> EpisodeStatistics:
        episodes = [
            info.get("episode", {"r": self._returns[row], "l": self._lengths[row]})
            for row, info in zip(rows.tolist(), infos, strict=True)
        ]
        return EpisodeStatistics(
            rows,
            np.array([episode["r"] for episode in episodes], np.float64),
            np.array([episode["l"] for episode in episodes], np.int64),
            np.array([float(info.get("is_success", np.nan)) for info in infos], np.float64),
            columns(infos, REWARD_TERMS, np.float64),
            columns(infos, ENDINGS, np.bool_),
            columns(infos, FIGURES, np.float64),
        )


def _tensor(values: np.ndarray) -> Tensor:
    """A copy that later steps of the environments don't change: uint8 stays (pixels), the rest becomes float32."""
    array = np.asarray(values)
    return torch.from_numpy(np.array(array, array.dtype if array.dtype == np.uint8 else np.float32))
