"""From a registered environment's name to the `VecEnv` that an algorithm trains on."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.vec_env import (
    VecEnv,
    VecEnvWrapper,
    VecFrameStack,
    VecNormalize,
)

from environments.config import PIXELS
from environments.registry import ThreadingType, find_env
from rl_baselines.vec_envs.normalizer import normalize_state, restore_normalize_state
from rl_baselines.vec_envs.workers import EnvSpec, WorkerVecEnv
from srl3.errors import UserError
from state_representation.encoding.vec_wrapper import EncoderVecWrapper

if TYPE_CHECKING:
    from state_representation.encoding.encoder import Encoder


def create_envs(
    env_id: str,
    env_kwargs: Mapping[str, Any],
    *,
    n_envs: int = 1,
    seed: int = 0,
    num_stack: int = 1,
    encoder: "Encoder | None" = None,
    normalize: bool = True,
    training: bool = True,
    monitor_folder: Path | None = None,
    append: bool = False,
    render_mode: str | None = None,
) -> VecEnv:
    """``n_envs`` environments as one `VecEnv`: engines in a process per core, batched worlds natively;
    then frames become states where there is an encoder, and are stacked, and states are normalised.

    Args:
        env_id: key of ``registered_env``.
        env_kwargs: fields of the environment's configuration.
        n_envs: how many run at once.
        seed: environment of rank r gets ``seed + r`` at the first reset.
        num_stack: frames stacked along the last axis.
        encoder: a learned representation of the pixels that the environment observes.
        normalize: states (never pixels) pass through `VecNormalize`, observations only.
        training: the statistics of the normalisation go on learning.
        monitor_folder: where ``N.monitor.csv`` go; None keeps none.
        append: go on with monitor files that exist.
        render_mode: ``human`` or ``rgb_array``.

    Raises:
        UserError: for an unknown environment, parameter or mode, several of one that runs alone, or an encoder of
            other images.
    """
    entry = find_env(env_id)
    config = entry.load_config().from_kwargs(env_kwargs)
    if n_envs > 1 and entry.threading is ThreadingType.NONE:
        raise UserError(f"{env_id} runs one at a time; use --num-cpu 1.")

    venv: VecEnv
    if entry.threading is ThreadingType.BATCHED:
        from environments.batched import make_batched_vec_env

        venv = make_batched_vec_env(
            env_id,
            num_envs=n_envs,
            monitor_path=monitor_folder / "0.monitor.csv" if monitor_folder else None,
            append=append,
            render_mode=render_mode,
            **env_kwargs,
        )
    else:
        specs = [
            EnvSpec(env_id, env_kwargs, _monitor_path(monitor_folder, rank), append, render_mode)
            for rank in range(n_envs)
        ]
        venv = WorkerVecEnv(specs)
    venv.seed(seed)
    if encoder is not None:
        try:
            venv = EncoderVecWrapper(venv, encoder)
        except UserError:
            venv.close()
            raise
    if num_stack > 1:
        venv = VecFrameStack(venv, num_stack)
    if normalize and (encoder is not None or config.srl_model != PIXELS):
        venv = VecNormalize(venv, training=training, norm_obs=True, norm_reward=False)
    return venv


def _monitor_path(folder: Path | None, rank: int) -> Path | None:
    return folder / f"{rank}.monitor.csv" if folder else None


# the state of a whole VecEnv, as a tree of plain values and arrays


def vec_env_state(venv: VecEnv) -> dict[str, Any]:
    """Everything that ``venv`` needs to go on from here: episodes in progress, stacks, statistics."""
    state: dict[str, Any] = {}
    layer = venv
    while isinstance(layer, VecEnvWrapper):
        if isinstance(layer, VecNormalize):
            state["normalize"] = normalize_state(layer)
        elif isinstance(layer, VecFrameStack):
            state["stack"] = layer.stacked_obs.stacked_obs
        layer = layer.venv
    state["envs"] = layer.resume_state() if hasattr(layer, "resume_state") else layer.env_method("resume_state")
    return state


def restore_vec_env_state(venv: VecEnv, state: Mapping[str, Any]) -> None:
    """Bring ``venv``, made the same way, to where `vec_env_state` was taken."""
    layer = venv
    while isinstance(layer, VecEnvWrapper):
        if isinstance(layer, VecNormalize):
            restore_normalize_state(layer, state["normalize"])
        elif isinstance(layer, VecFrameStack):
            layer.stacked_obs.stacked_obs = np.array(state["stack"])
        layer = layer.venv
    if hasattr(layer, "restore_state"):
        layer.restore_state(state["envs"])
    else:
        for rank, env_state in enumerate(state["envs"]):
            layer.env_method("restore_state", env_state, indices=rank)


def find_normalize(venv: VecEnv) -> VecNormalize | None:
    """The `VecNormalize` around ``venv``, if there is one."""
    layer: VecEnv = venv
    while isinstance(layer, VecEnvWrapper):
        if isinstance(layer, VecNormalize):
            return layer
        layer = layer.venv
    return None
