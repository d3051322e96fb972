"""From a registered environment's name to the `VecEnv` that an algorithm trains on."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stable_baselines3.common.vec_env import VecEnv, VecNormalize, VecTransposeImage

from environments.registry import ThreadingType, find_env
from rl_baselines.hyperparams.classes import Named
from rl_baselines.vec_envs.frame_stack import FrameStack
from rl_baselines.vec_envs.images import as_sb3, image_paths
from rl_baselines.vec_envs.leaves import layers
from rl_baselines.vec_envs.mixed import MixedVecEnv, shares
from rl_baselines.vec_envs.normalizer import (
    StateNormalizer,
    normalised_keys,
    normalize_state,
    restore_normalize_state,
)
from rl_baselines.vec_envs.workers import EnvSpec, WorkerVecEnv
from rl_baselines.vec_envs.wrappers import state as wrapper_state
from rl_baselines.vec_envs.wrappers.named import NONE, Wrappers, vec_env_wrappers, wrapped_vec_env
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
    normalize_reward: bool = False,
    gamma: float = 0.99,
    raw_images: bool = False,
    training: bool = True,
    monitor_folder: Path | None = None,
    append: bool = False,
    first: int = 0,
    render_mode: str | None = None,
    mixture: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    wrappers: Wrappers = NONE,
) -> VecEnv:
    """``n_envs`` environments as one `VecEnv`: engines in a process per core, batched worlds natively;
    then frames become states where there is an encoder, and are stacked, images go channels first, and states are
    normalised.

    Args:
        env_id: key of ``registered_env``.
        env_kwargs: fields of the environment's configuration.
        n_envs: how many run at once.
        seed: environment of rank r gets ``seed + r`` at the first reset.
        num_stack: frames stacked along the last axis, of images and of states.
        encoder: a learned representation of the pixels that the environment observes.
        normalize: states (never images, nor what is discrete) pass through a `StateNormalizer`.
        normalize_reward: so do rewards.
        gamma: discount of the returns by which rewards are normalised.
        raw_images: images stay channels last, as the worlds give them and `Actor` takes them.
        training: the statistics of the normalisation go on learning.
        monitor_folder: where ``N.monitor.csv`` go; None keeps none.
        append: go on with monitor files that exist.
        first: number that the first environment has in the names of monitor files.
        render_mode: ``human`` or ``rgb_array``.
        mixture: by the name of a task, the fields of its environment's configuration, in the place of ``env_kwargs``:
            the environments are divided among the tasks.
        wrappers: around each world, inside of its monitor (a batched world then runs as single ones), and around all of
            them, inside of everything else here.

    Raises:
        UserError: for an unknown environment, parameter or mode, several of one that runs alone, an encoder of
            other images, or tasks with other spaces than one another.
    """
    venv = _bare_envs(env_id, env_kwargs, mixture, n_envs, monitor_folder, append, first, render_mode, wrappers.env)
    venv.seed(seed)
    try:
        venv = wrapped_vec_env(venv, wrappers.vec_env)
        if encoder is not None:
            venv = EncoderVecWrapper(venv, encoder)
        if num_stack > 1:
            venv = FrameStack(venv, num_stack)
    except UserError:
        venv.close()
        raise
    images = image_paths(venv)
    if not raw_images:
        venv = as_sb3(venv)
    if normalize_reward or (normalize and normalised_keys(venv.observation_space, images)):
        venv = StateNormalizer(
            venv, images, training=training, observations=normalize, rewards=normalize_reward, gamma=gamma
        )
    return venv


def _bare_envs(
    env_id: str,
    env_kwargs: Mapping[str, Any],
    mixture: Mapping[str, Mapping[str, Any]],
    n_envs: int,
    monitor_folder: Path | None,
    append: bool,
    first: int,
    render_mode: str | None,
    env_wrappers: tuple[Named, ...],
) -> VecEnv:
    """The environments without any wrapper around all of them, seeds still to come; arguments as of `create_envs`."""
    if mixture:
        parts: list[VecEnv] = []
        try:
            for kwargs, share in zip(mixture.values(), shares(n_envs, len(mixture)), strict=True):
                parts.append(
                    _bare_envs(env_id, kwargs, {}, share, monitor_folder, append, first, render_mode, env_wrappers)
                )
                first += share
            return MixedVecEnv(parts, list(mixture))
        except BaseException:
            for part in parts:
                part.close()
            raise
    entry = find_env(env_id)
    entry.load_config().from_kwargs(env_kwargs)
    if n_envs > 1 and entry.threading is ThreadingType.NONE:
        raise UserError(f"{env_id} runs one at a time; use --num-cpu 1.")

    if entry.threading is ThreadingType.BATCHED and not env_wrappers:
        from environments.batched import make_batched_vec_env

        return make_batched_vec_env(
            env_id,
            num_envs=n_envs,
            monitor_path=_monitor_path(monitor_folder, first),
            append=append,
            render_mode=render_mode,
            **env_kwargs,
        )
    return WorkerVecEnv(
        [
            EnvSpec(env_id, env_kwargs, _monitor_path(monitor_folder, first + rank), append, render_mode, env_wrappers)
            for rank in range(n_envs)
        ]
    )


def bare_worlds(venv: VecEnv) -> VecEnv:
    """What `create_envs` makes states, stacks and statistics of: the worlds in the wrappers that were asked for."""
    return next(layer for layer in layers(venv) if not isinstance(layer, _OWN_LAYERS))


def _monitor_path(folder: Path | None, rank: int) -> Path | None:
    return folder / f"{rank}.monitor.csv" if folder else None


_OWN_LAYERS = (EncoderVecWrapper, FrameStack, VecTransposeImage, VecNormalize)
"""of `create_envs`, whose state is saved by name or that have none"""


# the state of a whole VecEnv, as a tree of plain values and arrays


def vec_env_state(venv: VecEnv) -> dict[str, Any]:
    """Everything that ``venv`` needs to go on from here: episodes in progress, stacks, statistics."""
    state: dict[str, Any] = {}
    for layer in layers(venv):
        if isinstance(layer, VecNormalize):
            state["normalize"] = normalize_state(layer)
        elif isinstance(layer, FrameStack):
            state["stack"] = layer.save_state()
    named = vec_env_wrappers(venv, _OWN_LAYERS)
    if named:
        state["wrappers"] = [wrapper_state.save(each) for each in named]
    if isinstance(layer, MixedVecEnv):
        state["envs"] = [vec_env_state(part) for part in layer.parts]
    else:
        state["envs"] = layer.resume_state() if hasattr(layer, "resume_state") else layer.env_method("resume_state")
    return state


def restore_vec_env_state(venv: VecEnv, state: Mapping[str, Any]) -> None:
    """Bring ``venv``, made the same way, to where `vec_env_state` was taken."""
    for layer in layers(venv):
        if isinstance(layer, VecNormalize):
            restore_normalize_state(layer, state["normalize"])
        elif isinstance(layer, FrameStack):
            layer.load_state(state["stack"])
    for each, saved in zip(vec_env_wrappers(venv, _OWN_LAYERS), state.get("wrappers", ()), strict=False):
        if not wrapper_state.load(each, saved):
            print(f"{type(each).__name__} can't say what it holds, and begins anew", file=sys.stderr)
    if isinstance(layer, MixedVecEnv):
        for part, saved in zip(layer.parts, state["envs"], strict=True):
            restore_vec_env_state(part, saved)
    elif hasattr(layer, "restore_state"):
        layer.restore_state(state["envs"])
    else:
        lost = [
            rank
            for rank, env_state in enumerate(state["envs"])
            if layer.env_method("restore_state", env_state, indices=rank)[0] is False
        ]
        if lost:
            print(
                f"the episodes of environment(s) {', '.join(map(str, lost))} can't go on where they were interrupted, "
                "since this world, or a wrapper of it, does not repeat itself; new ones begin",
                file=sys.stderr,
            )


def find_normalize(venv: VecEnv) -> VecNormalize | None:
    """The `VecNormalize` around ``venv``, if there is one."""
    return next((layer for layer in layers(venv) if isinstance(layer, VecNormalize)), None)
