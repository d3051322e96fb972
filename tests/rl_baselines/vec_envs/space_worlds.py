"""Small worlds of every kind of space, and how to make several of one in worker processes."""

import dataclasses
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.vec_envs.frame_stack import FrameStack
from rl_baselines.vec_envs.images import as_sb3, image_paths
from rl_baselines.vec_envs.monitor import RunMonitor
from rl_baselines.vec_envs.normalizer import StateNormalizer
from rl_baselines.vec_envs.plain_spaces import with_plain_spaces
from rl_baselines.vec_envs.worker_process import EnvSpec
from rl_baselines.vec_envs.workers import WorkerVecEnv

OBSERVED = {
    "box": spaces.Box(-np.inf, np.inf, (3,), np.float32),
    "discrete": spaces.Discrete(5),
    "multi_discrete": spaces.MultiDiscrete([3, 4]),
    "multi_binary": spaces.MultiBinary(4),
    "image": spaces.Box(0, 255, (40, 36, 3), np.uint8),
    "dict": spaces.Dict(
        {
            "camera": spaces.Box(0, 255, (40, 36, 3), np.uint8),
            "joints": spaces.Box(-np.inf, np.inf, (2,), np.float32),
            "gear": spaces.Discrete(4),
            "lamps": spaces.MultiBinary(3),
        }
    ),
}
ACTIONS = {
    "discrete": spaces.Discrete(3),
    "continuous": spaces.Box(-1, 1, (2,), np.float32),
    "multi_discrete": spaces.MultiDiscrete([2, 3]),
    "multi_binary": spaces.MultiBinary(3),
}


class SpaceWorld(gym.Env[Any, Any]):
    """Observes elements that are drawn from its generator; pays the number of steps of the episode, which has 7."""

    def __init__(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space = observation_space, action_space
        self.actions: list[Any] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.t = 0
        return self._drawn(self.observation_space), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action if isinstance(action, np.ndarray) else np.int64(action)), action
        self.actions.append(np.copy(action))
        self.t += 1
        over = self.t >= 7
        return self._drawn(self.observation_space), float(self.t), False, over, {"is_success": True} if over else {}

    def taken(self) -> list[Any]:
        """The actions so far."""
        return self.actions

    def action_masks(self) -> np.ndarray:
        space = self.action_space
        choices = {spaces.Discrete: lambda: space.n, spaces.MultiDiscrete: lambda: space.nvec.sum()}
        return np.ones(choices.get(type(space), lambda: 2 * space.n)(), dtype=bool)

    def resume_state(self) -> dict[str, Any]:
        return {"rng": self.np_random.bit_generator.state, "t": self.t}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.np_random.bit_generator.state = state["rng"]
        self.t = state["t"]

    def _drawn(self, space: spaces.Space[Any]) -> Any:
        rng = self.np_random
        if isinstance(space, spaces.Dict):
            return {key: self._drawn(leaf) for key, leaf in space.items()}
        if isinstance(space, spaces.Tuple):
            return tuple(self._drawn(leaf) for leaf in space)
        if isinstance(space, spaces.Discrete):
            return int(space.start + rng.integers(space.n))
        if isinstance(space, spaces.MultiDiscrete):
            return (space.start + rng.integers(space.nvec)).astype(space.dtype)
        if isinstance(space, spaces.MultiBinary):
            return rng.integers(2, size=space.shape).astype(space.dtype)
        if space.dtype == np.uint8:
            return rng.integers(256, size=space.shape).astype(np.uint8)
        return (3 + 2 * rng.standard_normal(space.shape)).astype(space.dtype)


@dataclasses.dataclass(frozen=True)
class SpaceSpec(EnvSpec):
    """Makes a `SpaceWorld` from ``env_kwargs``."""

    def make(self) -> RunMonitor:
        return RunMonitor(with_plain_spaces(SpaceWorld(**self.env_kwargs)), self.monitor, self.append)


def space_envs(
    observed: spaces.Space[Any] | str,
    acted: spaces.Space[Any] | str = "discrete",
    *,
    n_envs: int = 2,
    workers: int = 1,
    stack: int = 1,
    normalize: bool = False,
    seed: int = 0,
) -> VecEnv:
    """`SpaceWorld` as `create_envs` makes the environments of a registered world."""
    kwargs = {
        "observation_space": OBSERVED[observed] if isinstance(observed, str) else observed,
        "action_space": ACTIONS[acted] if isinstance(acted, str) else acted,
    }
    specs = [SpaceSpec("MobileRobotGymEnv-v0", kwargs, None, False, None) for _ in range(n_envs)]
    venv: VecEnv = WorkerVecEnv(specs, workers)
    venv.seed(seed)
    if stack > 1:
        venv = FrameStack(venv, stack)
    images = image_paths(venv)
    venv = as_sb3(venv)
    return StateNormalizer(venv, images) if normalize else venv
