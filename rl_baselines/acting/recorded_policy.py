"""A trained policy that acts while a dataset is recorded (`environments.datasets`), from its own observation."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from environments.batched.sb3 import BatchedVecEnv
from environments.config import EnvConfig
from environments.datasets.recording.policies import Policy
from environments.datasets.recording.stage import Stage
from rl_baselines.checkpoints.checkpoint import load_checkpoint, load_model
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.workers import WorkerVecEnv


@dataclasses.dataclass(frozen=True)
class CheckpointPerformer:
    """A checkpoint that acts in ``env_id``.

    Args:
        path: the checkpoint.
        env_id: key of ``registered_env``.
        env_kwargs: fields of its configuration; ``srl_model`` is what the policy observes.
        deterministic: the most probable action, or one drawn.
    """

    path: Path
    env_id: str
    env_kwargs: dict[str, Any]
    deterministic: bool

    def open(self, num_robots: int) -> tuple[Stage, Policy]:
        """A stage of this many robots, and the policy that acts on it."""
        torch.set_num_threads(1)  # sums in another order would make another dataset
        checkpoint = load_checkpoint(self.path)
        info = checkpoint.info
        venv = create_envs(
            self.env_id,
            {**self.env_kwargs, "record_data": True, "renders": False},
            n_envs=num_robots,
            num_stack=info.num_stack,
            encoder=checkpoint.load_encoder("cpu"),
            normalize=bool(info.hyperparams["normalize"]),
            training=False,
        )
        stage = VecStage(venv)
        model = load_model(checkpoint, venv, device="cpu")
        return stage, CheckpointPolicy(model, stage, self.deterministic)


class VecStage:
    """The robots of a `VecEnv`, and the observations that its wrappers make of them.

    Args:
        venv: as `create_envs` makes it, with ``record_data``.
    """

    def __init__(self, venv: VecEnv) -> None:
        self._venv = venv
        base = venv
        while isinstance(base, VecEnvWrapper):
            base = base.venv
        assert isinstance(base, BatchedVecEnv | WorkerVecEnv)
        self._base = base
        world: Any = base.world if isinstance(base, BatchedVecEnv) else base.get_attr("unwrapped")[0]
        self.world = world
        self.config: EnvConfig = world.config
        self.num_robots = venv.num_envs
        self.action_space = venv.action_space
        self.observations: np.ndarray
        self.ended = np.ones(self.num_robots, np.bool_)
        self._frames: list[np.ndarray] = []

    def reset(self, seed: int) -> None:
        self._venv.seed(seed)
        observations = self._venv.reset()
        assert isinstance(observations, np.ndarray)
        self.observations = observations
        self.ended[:] = True
        self._frames = [info["frame"] for info in self._base.reset_infos]

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        observations, rewards, self.ended, infos = self._venv.step(actions)
        assert isinstance(observations, np.ndarray)
        self.observations = observations
        self._frames = [info["frame"] for info in infos]
        return rewards, self.ended

    def frames(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([self._frames[row] for row in rows])


class CheckpointPolicy:
    """A model of Stable-Baselines3 on its stage.

    Args:
        model: what acts.
        stage: where it acts.
        deterministic: the most probable action, or one drawn.
    """

    def __init__(self, model: BaseAlgorithm, stage: VecStage, deterministic: bool) -> None:
        self._model = model
        self._stage = stage
        self._deterministic = deterministic
        self._memory: tuple[np.ndarray, ...] | None = None

    def begin(self, stage: Stage, rngs: list[np.random.Generator], seed: int) -> None:
        self._model.set_random_seed(seed)
        self._memory = None

    def act(self, stage: Stage) -> tuple[np.ndarray, np.ndarray | None]:
        observations = self._stage.observations
        probabilities = self._probabilities(observations)
        actions, self._memory = self._model.predict(
            observations, state=self._memory, episode_start=self._stage.ended, deterministic=self._deterministic
        )
        return actions, probabilities

    def _probabilities(self, observations: np.ndarray) -> np.ndarray | None:
        """``(K, n_actions) float32`` of a policy that has such a distribution and no memory, else None."""
        policy = self._model.policy
        if type(policy).__name__.startswith("Recurrent") or not isinstance(policy, ActorCriticPolicy):
            return None
        if not isinstance(policy.action_space, spaces.Discrete):
            return None
        with torch.no_grad():
            distribution: Any = policy.get_distribution(policy.obs_to_tensor(observations)[0]).distribution
        return distribution.probs.cpu().numpy().astype(np.float32)
