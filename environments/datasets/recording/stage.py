"""Where episodes are played: K robots side by side, and what is recorded of them."""

import copy
import dataclasses
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from environments.batched.single import BatchedGymEnv
from environments.batched.world import BatchedWorld
from environments.boundary.checks import check_picture
from environments.config import GROUND_TRUTH, EnvConfig, SRLConfig
from environments.registry import ThreadingType, find_env
from environments.srl_env import SRLGymEnv


class Stage(Protocol):
    """K robots that are reset together and stepped together; one whose episode has ended plays on unrecorded."""

    config: EnvConfig
    num_robots: int
    action_space: spaces.Space[Any]
    world: Any
    """what the world's scripted policy takes: a `BatchedWorld`, or the one environment"""

    def reset(self, seed: int) -> None:
        """Begin an episode for all, robot r seeded with ``seed + r``."""

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rewards ``(K,)``, and whose episodes ended ``(K,) bool``."""

    def frames(self, rows: np.ndarray) -> np.ndarray:
        """``(m, H, W, C) uint8``: what ``raw_pixels`` observes of these robots now."""


class BatchedStage:
    """K robots of a batched world.

    Args:
        world: the robots.
    """

    def __init__(self, world: BatchedWorld) -> None:
        self.world = world
        self.config = world.config
        self.num_robots = world.num_envs
        self._checked = False
        self.action_space = world.action_space

    def reset(self, seed: int) -> None:
        self.world.seed([seed + row for row in range(self.num_robots)])
        self.world.reset()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        step, to_numpy = self.world.step(actions), self.world.arrays.to_numpy
        return to_numpy(step.reward), to_numpy(step.terminated | step.truncated)

    def frames(self, rows: np.ndarray) -> np.ndarray:
        frames = self.world.images(rows)
        if not self._checked:
            for frame in frames[:1]:
                check_picture(self.config.env_id, frame, self.config.image_shape)
            self._checked = True
        return frames


class SingleStage:
    """One environment with an engine of its own.

    Args:
        env: the environment; it should observe something cheaper than pixels.
    """

    def __init__(self, env: SRLGymEnv) -> None:
        self.world = env
        self.config = env.config
        self.num_robots = 1
        self._checked = False
        self.action_space = env.action_space

    def reset(self, seed: int) -> None:
        self.world.reset(seed=seed)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, reward, terminated, truncated, _ = self.world.step(actions[0])
        return np.array([reward]), np.array([terminated or truncated])

    def frames(self, rows: np.ndarray) -> np.ndarray:
        frame = self.world.get_image()
        if not self._checked:
            check_picture(self.config.env_id, frame, self.config.image_shape)
            self._checked = True
        return frame[None]


def make_stage(env_id: str, env_kwargs: dict[str, Any], num_robots: int) -> Stage:
    """A stage whose robots observe nothing but what is recorded.

    Args:
        env_id: key of ``registered_env``.
        env_kwargs: fields of its configuration.
        num_robots: K; 1 where every robot needs an engine.
    """
    entry = find_env(env_id)
    cheap = {**env_kwargs, "srl_model": GROUND_TRUTH, "record_data": False, "renders": False}
    face = entry.load_class()
    if entry.threading is ThreadingType.BATCHED:
        assert issubclass(face, BatchedGymEnv)
        return BatchedStage(face.world_class(face.config_class.from_kwargs(cheap), num_robots))
    assert num_robots == 1
    return SingleStage(face(**cheap))


def places(stage: Stage) -> tuple[np.ndarray, np.ndarray]:
    """The agents' states ``(K, d) float32`` in the world frame, and the targets' positions ``(K, t) float32``."""
    world = _absolute(stage.world)
    truth, targets = world.ground_truth(), world.target_pos()
    if isinstance(world, SRLGymEnv):
        truth, targets = truth[None], targets[None]
    else:
        truth, targets = world.arrays.to_numpy(truth), world.arrays.to_numpy(targets)
    targets = targets.astype(np.float32)
    return truth[:, : truth.shape[1] - targets.shape[1]], targets


def _absolute(world: Any) -> Any:
    """The same world, seen with its agent's state and then its target's position as the ground truth."""
    config = world.config
    if not isinstance(config, SRLConfig) or not config.relative_pos:
        return world
    view = copy.copy(world)  # shares all state; only what it is told differs
    view.config = dataclasses.replace(config, relative_pos=False)
    return view
