"""Several frames in one observation: the boxes of an observation stacked along their last axis."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecFrameStack
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn
from stable_baselines3.common.vec_env.stacked_observations import StackedObservations

from rl_baselines.vec_envs.leaves import Observations, joined, keyed_leaves, layers, leaves_of, with_leaves
from srl3.errors import UserError
from srl3.spaces import ROOT, Space


def stackable_keys(space: Space) -> list[str]:
    """Keys (`rl_baselines.vec_envs.leaves`) of the observations of which several frames can be stacked: boxes."""
    return [key for key, leaf in keyed_leaves(space).items() if isinstance(leaf, spaces.Box)]


def stacked_space(space: Space, n_stack: int) -> Space:
    """``space`` of which ``n_stack`` frames are stacked: its boxes, and nothing else, along their last axes."""
    if n_stack == 1:
        return space
    changed: dict[str, Space] = {
        key: StackedObservations(1, n_stack, leaf, "last").stacked_observation_space
        for key, leaf in keyed_leaves(space).items()
        if isinstance(leaf, spaces.Box)
    }
    return with_leaves(space, changed)


class FrameStack(VecEnvWrapper):
    """The last ``n_stack`` frames of each box, the newest last, zeros before an episode's first one.

    Leaves of a Dict that are no boxes keep their newest value alone. Images are stacked along their channels,
    which are always last here, so unlike SB3's wrapper this one has nothing to guess.

    Args:
        venv: what is stacked.
        n_stack: frames, at least 2.

    Raises:
        UserError: when nothing that is observed can be stacked.
    """

    def __init__(self, venv: VecEnv, n_stack: int) -> None:
        self.n_stack = n_stack
        found = keyed_leaves(venv.observation_space)
        self.stacks: dict[str, StackedObservations[np.ndarray]] = {
            key: StackedObservations(venv.num_envs, n_stack, leaf, "last")
            for key, leaf in found.items()
            if isinstance(leaf, spaces.Box)
        }
        if not self.stacks:
            raise UserError(f"observations in {venv.observation_space} can't be stacked; leave out --num-stack.")
        super().__init__(venv, observation_space=stacked_space(venv.observation_space, n_stack))

    def reset(self) -> Observations:
        leaves = dict(leaves_of(self.venv.reset()))  # type: ignore[arg-type]
        for key, stack in self.stacks.items():
            leaves[key] = stack.reset(leaves[key])
        return joined(leaves)

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, dones, infos = self.venv.step_wait()
        leaves = dict(leaves_of(observations))  # type: ignore[arg-type]
        ended = [rank for rank in np.flatnonzero(dones) if "terminal_observation" in infos[rank]]
        infos = list(infos)
        last = {rank: dict(leaves_of(infos[rank]["terminal_observation"])) for rank in ended}
        for key, stack in self.stacks.items():
            told: list[dict[str, Any]] = [{} for _ in infos]
            for rank, leaf in last.items():
                told[rank] = {"terminal_observation": leaf[key]}
            leaves[key], told = stack.update(leaves[key], dones, told)
            for rank, leaf in last.items():
                leaf[key] = told[rank]["terminal_observation"]
        for rank, leaf in last.items():
            infos[rank] = {**infos[rank], "terminal_observation": joined(leaf)}
        return joined(leaves), rewards, dones, infos

    def save_state(self) -> Any:
        """The frames of all environments: an array, or one for each key."""
        return joined({key: stack.stacked_obs for key, stack in self.stacks.items()})

    def load_state(self, state: np.ndarray | Mapping[str, np.ndarray]) -> None:
        """Go on with the frames that `save_state` gave."""
        for key, frames in state.items() if isinstance(state, Mapping) else [(ROOT, state)]:
            self.stacks[key].stacked_obs = np.array(frames)


def stacked_frames(env: VecEnv) -> int:
    """How many frames an observation of ``env`` stacks: by this wrapper, or by Stable-Baselines3's."""
    for layer in layers(env):
        if isinstance(layer, FrameStack):
            return layer.n_stack
        if isinstance(layer, VecFrameStack):
            return layer.stacked_obs.n_stack
    return 1
