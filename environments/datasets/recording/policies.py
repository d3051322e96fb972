"""Who acts while a dataset is recorded: at random, scripted policies that see the world itself, or trained ones.

Trained policies are the business of ``rl_baselines``, of which nothing is imported here: they are loaded by name.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from environments.config import EnvConfig
from environments.datasets.recording.stage import Stage
from environments.registry import ThreadingType, find_env, registered_env
from srl3.entry_points import load_entry
from srl3.errors import UserError

TRAINED_POLICY = "rl_baselines.acting.recorded_policy:find_trained_policy"
"""``(run) -> TrainedPolicy`` of a checkpoint, a run folder or part of its name"""
TRAIN_PPO2 = "rl_baselines.training.recorded_ppo2:train_ppo2"
"""``(TeacherRequest) -> TrainedRun``"""

Labels = dict[str, np.ndarray]
"""What a teacher says of a step, by names of `environments.datasets.writer.Rows`, each ``(K, …)``: ``teacher_actions``,
and of its distribution ``action_probabilities``, or ``action_means`` and ``action_stds``."""

Oracle = Callable[[Stage], np.ndarray]
"""From a stage to the action of each robot."""


class Policy(Protocol):
    """What acts on a stage."""

    def begin(self, stage: Stage, rngs: list[np.random.Generator], seed: int) -> None:
        """The stage is about to be reset; draw only from ``rngs``, one for each robot, or from what ``seed`` seeds."""

    def act(self, stage: Stage) -> tuple[np.ndarray, Labels]:
        """Actions ``(K,)`` or ``(K, k)``, and what else is recorded of the choice."""


class Performer(Protocol):
    """Who acts, as plain data that goes to the recording processes."""

    def open(self, num_robots: int) -> tuple[Stage, Policy]:
        """A stage of this many robots, and the policy that acts on it."""


class TrainedPolicy(Protocol):
    """A policy that was trained, and the world that it was trained in. `load_trained_policy` finds it."""

    path: Path
    """the checkpoint"""
    env_id: str
    env_kwargs: dict[str, Any]
    algo: str
    """key of ``registered_rl``"""
    deterministic: bool
    """whether it acts so unless told otherwise"""

    def performer(self, env_kwargs: dict[str, Any], deterministic: bool) -> Performer:
        """It, acting in its world with other parameters."""


@dataclasses.dataclass(frozen=True)
class TeacherRequest:
    """A training of ppo2 on the ground truth, whose policy is then recorded."""

    env_id: str
    env_kwargs: dict[str, Any]
    """fields of its configuration, ``srl_model`` not among them"""
    seed: int
    num_timesteps: int
    suffix: str
    """of the run folder's name"""
    show_progress: bool


class TrainedRun(Protocol):
    """What became of a training."""

    path: Path | None
    """its run folder"""
    status: int
    """exit status"""


def load_trained_policy(run: str) -> TrainedPolicy:
    """The policy of a checkpoint, a run folder, or the run that has ``run`` in its name.

    Raises:
        UserError: when there is none, or several.
    """
    found: TrainedPolicy = load_entry(TRAINED_POLICY)(run)
    return found


def train_teacher(request: TeacherRequest) -> TrainedRun:
    """Train ppo2 as asked; its run is among the logs."""
    trained: TrainedRun = load_entry(TRAIN_PPO2)(request)
    return trained


def drawn_actions(stage: Stage, rngs: list[np.random.Generator]) -> np.ndarray:
    """Actions drawn uniformly for whole episodes, ``(K, max_steps)`` or ``(K, max_steps, k)``, each robot's from its
    own generator."""
    space, length = stage.action_space, stage.config.max_steps
    if isinstance(space, spaces.Discrete):
        return np.stack([rng.integers(space.n, size=length) for rng in rngs])
    assert isinstance(space, spaces.Box)
    drawn = [rng.uniform(space.low, space.high, (length, *space.shape)).astype(np.float32) for rng in rngs]
    return np.stack(drawn)


class RandomPolicy:
    """Actions drawn uniformly from the action space, each robot's from its own generator."""

    def begin(self, stage: Stage, rngs: list[np.random.Generator], seed: int) -> None:
        self._actions = drawn_actions(stage, rngs)
        self._step = 0

    def act(self, stage: Stage) -> tuple[np.ndarray, Labels]:
        self._step += 1
        return self._actions[:, self._step - 1], {}


def check_oracle(env_id: str, config: EnvConfig) -> None:
    """Raise `UserError` unless the world has a scripted policy for this configuration."""
    if find_env(env_id).oracle is None:
        known = [name for name, entry in registered_env.items() if entry.oracle]
        raise UserError(f"{env_id} has no scripted policy that goes toward the target; these have: {', '.join(known)}.")
    if getattr(config, "action_joints", False) and not find_env(env_id).oracle_moves_joints:
        raise UserError(f"the scripted policy of {env_id} does not move joints; leave out -joints, or act at random.")


def load_oracle(env_id: str) -> Oracle:
    """The scripted policy of a world that `check_oracle` accepted."""
    entry = find_env(env_id)
    policy = entry.load_oracle()
    assert policy is not None
    if entry.threading is ThreadingType.BATCHED:
        return lambda stage: policy(stage.world)
    return lambda stage: np.asarray(policy(stage.world))[None]
