"""The bare worlds in which an actor acts, checked against what its policy was trained on."""

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.checkpoints.spaces import check_fit
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.frame_stack import stacked_space
from rl_baselines.vec_envs.wrappers.named import Wrappers
from state_representation.encoding.encoder import Encoder
from state_representation.encoding.vec_wrapper import EncoderVecWrapper


def make_worlds(
    info: CheckpointInfo,
    encoder: Encoder | None,
    env_kwargs: Mapping[str, Any],
    *,
    env_id: str | None = None,
    n_envs: int = 1,
    seed: int = 0,
    render_mode: str | None = None,
) -> VecEnv:
    """Environments for `Actor.act`: nothing is encoded, stacked or normalised.

    Args:
        info: of the checkpoint that acts.
        encoder: of the checkpoint.
        env_kwargs: fields of the environment's configuration.
        env_id: of another environment than that of the checkpoint.
        n_envs: how many run at once.
        seed: environment of rank r gets ``seed + r`` at the first reset.
        render_mode: ``human`` or ``rgb_array``.

    Raises:
        UserError: when the environment can't be made, or has other spaces than the checkpoint, naming both sides.
    """
    venv = create_envs(
        info.env_id if env_id is None else env_id,
        env_kwargs,
        n_envs=n_envs,
        seed=seed,
        normalize=False,
        raw_images=True,
        training=False,
        render_mode=render_mode,
        wrappers=Wrappers.of(info.hyperparams),
    )
    try:
        check_acts_in(info, encoder, venv)
    except BaseException:
        venv.close()
        raise
    return venv


def check_acts_in(info: CheckpointInfo, encoder: Encoder | None, venv: VecEnv, name: str = "the checkpoint") -> None:
    """Raise `UserError` naming both sides unless the checkpoint, which ``name`` names, can act in the bare worlds
    ``venv``."""
    check_fit(info, _observed(venv, encoder, info.num_stack), venv.action_space, name)


def _observed(venv: VecEnv, encoder: Encoder | None, num_stack: int) -> spaces.Space[Any]:
    """What the actor makes of the observations of ``venv``."""
    space: Any = venv.observation_space if encoder is None else EncoderVecWrapper(venv, encoder).observation_space
    return stacked_space(space, num_stack)
