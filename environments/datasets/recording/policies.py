"""Who acts while a dataset is recorded: at random, or the scripted policies that see the world itself."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from gymnasium import spaces

from environments.config import EnvConfig
from environments.datasets.recording.stage import Stage
from environments.registry import ThreadingType, find_env, registered_env
from srl3.errors import UserError

Oracle = Callable[[Stage], np.ndarray]
"""From a stage to the action of each robot."""


class Policy(Protocol):
    """What acts on a stage."""

    def begin(self, stage: Stage, rngs: list[np.random.Generator], seed: int) -> None:
        """The stage is about to be reset; draw only from ``rngs``, one for each robot, or from what ``seed`` seeds."""

    def act(self, stage: Stage) -> tuple[np.ndarray, np.ndarray | None]:
        """Actions ``(K,)`` or ``(K, k)``, and the probabilities of discrete ones ``(K, n_actions)``, if there are."""


class RandomPolicy:
    """Actions drawn uniformly from the action space, each robot's from its own generator."""

    def begin(self, stage: Stage, rngs: list[np.random.Generator], seed: int) -> None:
        space, length = stage.action_space, stage.config.max_steps
        if isinstance(space, spaces.Discrete):
            drawn = [rng.integers(space.n, size=length) for rng in rngs]
        else:
            assert isinstance(space, spaces.Box)
            drawn = [rng.uniform(space.low, space.high, (length, *space.shape)).astype(np.float32) for rng in rngs]
        self._actions = np.stack(drawn)
        self._step = 0

    def act(self, stage: Stage) -> tuple[np.ndarray, np.ndarray | None]:
        self._step += 1
        return self._actions[:, self._step - 1], None


def check_oracle(env_id: str, config: EnvConfig) -> None:
    """Raise `UserError` unless the world has a scripted policy for this configuration."""
    if find_env(env_id).oracle is None:
        known = [name for name, entry in registered_env.items() if entry.oracle]
        raise UserError(f"{env_id} has no scripted policy that goes toward the target; these have: {', '.join(known)}.")
    if getattr(config, "action_joints", False) and env_id.startswith("Kuka"):
        raise UserError(f"the scripted policy of {env_id} does not move joints; leave out -joints, or act at random.")


def load_oracle(env_id: str) -> Oracle:
    """The scripted policy of a world that `check_oracle` accepted."""
    entry = find_env(env_id)
    policy = entry.load_oracle()
    assert policy is not None
    if entry.threading is ThreadingType.BATCHED:
        return lambda stage: policy(stage.world)
    return lambda stage: np.asarray(policy(stage.world))[None]
