"""Policies of other trainings in the place of a world's scripted policy, to be imitated by a learner."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from environments.batched.sb3 import BatchedVecEnv
from environments.batched.world import BatchedWorld
from environments.flags import make_config
from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.checkpoints.spaces import check_fit
from srl3.errors import UserError


class Teachers:
    """A scripted policy made of checkpoints: each robot does what that policy would whose world is most like its task.

    Args:
        files: the checkpoints, at least one, of policies without a memory, which observe what the world gives.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        checkpoints = [load_checkpoint(file, only_to_act=True) for file in files]
        self.infos = [checkpoint.info for checkpoint in checkpoints]
        self.configs = [make_config(info.env_id, info.env_kwargs_here) for info in self.infos]
        self._actors = [Actor.from_checkpoint(checkpoint) for checkpoint in checkpoints]

    def __call__(self, world: BatchedWorld) -> np.ndarray:
        """``(N, A)`` or ``(N,)``: their most probable actions in the world's present state."""
        chosen = world.arrays.to_numpy(world.most_like(self.configs))
        starts = np.zeros(world.num_envs, np.bool_)
        actions = np.stack(
            [
                actor.act(world.arrays.to_numpy(world.observe_as(config)), starts, deterministic=True)
                for config, actor in zip(self.configs, self._actors, strict=True)
            ]
        )
        return actions[chosen, np.arange(world.num_envs)]


def imitate(env: VecEnv, files: Sequence[Path]) -> None:
    """Let the scripted policy of ``env`` be that of these checkpoints.

    Args:
        env: a batched world.
        files: see `Teachers`.

    Raises:
        UserError: for one whose observations or actions mean something else there, or a world that is not batched.
    """
    beneath = env.unwrapped
    if not isinstance(beneath, BatchedVecEnv):
        raise UserError("--imitate needs a batched world (list says which are); leave it out.")
    teachers, world = Teachers(files), beneath.world
    for file, info, config in zip(files, teachers.infos, teachers.configs, strict=True):
        check_fit(info, world.observation_spaces[world.group_as(config)], world.action_space, str(file))
        differing = world.config.unlike(config)
        if differing:
            name, theirs, mine = differing[0], config.flat(), world.config.flat()
            raise UserError(
                f"{file} was trained with {name}:{theirs.get(name)}, and with {name}:{mine.get(name)} what it does or "
                f"observes means something else; give --env-kwargs {name}:{theirs.get(name)}, or imitate another."
            )
    beneath.oracle = teachers


def imitate_nobody(env: VecEnv) -> None:
    """As `imitate`, of a training that has imitated long enough: nobody is asked any more."""
    beneath = env.unwrapped
    assert isinstance(beneath, BatchedVecEnv)
    beneath.oracle = _nobody


def _nobody(world: BatchedWorld) -> np.ndarray:
    raise AssertionError("who was imitated is asked after the weight fell to 0")
