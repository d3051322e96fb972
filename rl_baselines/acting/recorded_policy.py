"""A trained policy that acts while a dataset is recorded (`environments.datasets`), from its own observation."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported

from environments.batched.sb3 import BatchedVecEnv
from environments.config import EnvConfig
from environments.datasets.recording.policies import Labels, Policy
from environments.datasets.recording.stage import Stage
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.worlds import make_worlds
from rl_baselines.checkpoints.archive import load_checkpoint, read_info
from rl_baselines.registry import find_algo
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR, find_checkpoint
from rl_baselines.vec_envs.workers import WorkerVecEnv


@dataclasses.dataclass(frozen=True)
class RunPolicy:
    """The policy of a run, and the world that it was trained in."""

    path: Path
    env_id: str
    env_kwargs: dict[str, Any]
    algo: str
    deterministic: bool

    def performer(self, env_kwargs: dict[str, Any], deterministic: bool) -> "CheckpointPerformer":
        """It, acting in its world with other parameters."""
        return CheckpointPerformer(self.path, env_kwargs, deterministic)


def find_trained_policy(run: str) -> RunPolicy:
    """The policy of a checkpoint, a run folder, or the run below ``logs`` that has ``run`` in its name.

    Raises:
        UserError: when there is none, several, or no whole checkpoint.
    """
    path = find_checkpoint(run, DEFAULT_LOG_DIR)
    info = read_info(path)
    deterministic = not find_algo(info.algo).load_class(info.policy).on_policy
    return RunPolicy(path, info.env_id, info.env_kwargs_here, info.algo, deterministic)


@dataclasses.dataclass(frozen=True)
class CheckpointPerformer:
    """A checkpoint that acts in the world that it was trained in.

    Args:
        path: the checkpoint.
        env_kwargs: fields of the world's configuration; ``srl_model`` is what the policy observes.
        deterministic: the most probable action, or one drawn.
    """

    path: Path
    env_kwargs: dict[str, Any]
    deterministic: bool

    def open(self, num_robots: int) -> tuple[Stage, Policy]:
        """A stage of this many robots, and the policy that acts on it."""
        torch.set_num_threads(1)  # sums in another order would make another dataset
        checkpoint = load_checkpoint(self.path)
        actor = Actor.from_checkpoint(checkpoint)
        recorded = {**self.env_kwargs, "record_data": True, "renders": False}
        venv = make_worlds(checkpoint.info, actor.encoder, recorded, n_envs=num_robots)
        assert isinstance(venv, BatchedVecEnv | WorkerVecEnv)
        stage = VecStage(venv)
        return stage, CheckpointPolicy(actor, stage, self.deterministic)


class VecStage:
    """The robots of a `VecEnv`, and what they observe.

    Args:
        venv: the bare worlds, with ``record_data``.
    """

    def __init__(self, venv: BatchedVecEnv | WorkerVecEnv) -> None:
        self.venv = venv
        world: Any = venv.world if isinstance(venv, BatchedVecEnv) else venv.get_attr("unwrapped")[0]
        self.world = world
        self.config: EnvConfig = world.config
        self.num_robots = venv.num_envs
        self.action_space = venv.action_space
        self.observations: Any
        self.ended = np.ones(self.num_robots, np.bool_)
        self._frames: list[np.ndarray] = []

    def reset(self, seed: int) -> None:
        self.venv.seed(seed)
        self.observations = self.venv.reset()
        self.ended[:] = True
        self._frames = [info["frame"] for info in self.venv.reset_infos]

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.observations, rewards, self.ended, infos = self.venv.step(actions)
        self._frames = [info["frame"] for info in infos]
        return rewards, self.ended

    def frames(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([self._frames[row] for row in rows])


class CheckpointPolicy:
    """An actor on its stage; where it `Actor.uses_masks`, it takes no action that the world forbids.

    Args:
        actor: what acts.
        stage: where it acts.
        deterministic: the most probable action, or one drawn.
    """

    def __init__(self, actor: Actor, stage: VecStage, deterministic: bool) -> None:
        self._actor = actor
        self._stage = stage
        self._deterministic = deterministic
        self._masked = actor.uses_masks and is_masking_supported(stage.venv)

    def begin(self, stage: Stage, rngs: list[np.random.Generator], seed: int) -> None:
        self._actor.seed(seed)
        self._actor.reset()

    def act(self, stage: Stage) -> tuple[np.ndarray, Labels]:
        masks = get_action_masks(self._stage.venv) if self._masked else None
        actions = self._actor.act(self._stage.observations, self._stage.ended, self._deterministic, masks)
        return actions, {"teacher_actions": actions, **self._actor.distribution_labels(masks)}
