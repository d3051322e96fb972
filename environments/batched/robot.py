"""One robot of a batched world, seen alone."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from environments.batched.srl_world import SRLWorld
from environments.batched.world import BatchedWorld
from environments.config import EnvConfig
from environments.srl_env import SRLGymEnv
from environments.terms import ActionTerm, ObservationTerm
from srl3.errors import UserError


class Robot:
    """What ``VecEnv.get_attr`` and ``VecEnv.env_method`` see of one robot: `SRLGymEnv` without reset and step.

    Args:
        world: all robots.
        row: which of them.
        render_mode: ``human``, ``rgb_array`` or None; ``renders`` in the configuration means ``human``.
    """

    def __init__(self, world: BatchedWorld, row: int, render_mode: str | None) -> None:
        if render_mode not in (None, *SRLGymEnv.metadata["render_modes"]):
            raise UserError(f"{world.config.env_id} renders as human or rgb_array, not '{render_mode}'.")
        self.render_mode = "human" if world.config.renders else render_mode
        self._world = world
        self._index = row
        self._row = world.arrays.of(np.array([row]))

    @property
    def config(self) -> EnvConfig:
        return self._world.config

    @property
    def spec(self) -> gym.envs.registration.EnvSpec:
        return gym.spec(self._world.config.env_id)

    @property
    def action_space(self) -> spaces.Space[Any]:
        return self._world.action_space

    @property
    def observation_space(self) -> spaces.Box:
        return self._world.observation_space

    @property
    def np_random(self) -> np.random.Generator:
        """The robot's generator.

        Raises:
            AttributeError: for a world whose robots have none of NumPy's.
        """
        if not isinstance(self._world, SRLWorld):
            raise AttributeError(f"robots of {self._world.config.env_id} have no np_random")
        return self._world.rng(self._index)

    @property
    def unwrapped(self) -> "Robot":
        return self

    def ground_truth_dim(self) -> int:
        return self._world.ground_truth_dim()

    def ground_truth(self) -> np.ndarray:
        """``(ground_truth_dim,) float32``"""
        return self._world.arrays.to_numpy(self._world.ground_truth(self._row))[0]

    def target_pos(self) -> np.ndarray:
        """Position of the target, metres."""
        return self._world.arrays.to_numpy(self._world.target_pos(self._row))[0]

    def observation_terms(self) -> list[ObservationTerm]:
        """What the numbers of an observation mean."""
        return self._world.observation_terms()

    def action_terms(self) -> list[ActionTerm]:
        """What the numbers of an action mean."""
        return self._world.action_terms()

    @property
    def control_dt(self) -> float | None:
        """Seconds of simulated time in one step."""
        return self._world.control_dt

    def get_image(self) -> np.ndarray:
        """``(H, W, 3) uint8``, 6 channels with ``multi_view``"""
        return self._world.images(self._row)[0]

    def render(self) -> np.ndarray | None:
        """``(H, W, 3) uint8``, or None without a ``render_mode``."""
        return None if self.render_mode is None else self.get_image()[..., :3]
