"""What a run needs, besides its networks, to go on bit for bit where it stopped."""

import random
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer

from rl_baselines.vec_envs.create import restore_vec_env_state, vec_env_state
from srl3.errors import UserError

COUNTERS = (
    "num_timesteps",
    "_total_timesteps",
    "_episode_num",
    "_n_updates",
    "_n_calls",
    "_current_progress_remaining",
    "exploration_rate",
)
OBSERVATIONS = ("_last_obs", "_last_original_obs", "_last_episode_starts")
BUFFERS = ("ep_info_buffer", "ep_success_buffer")
REPLAY_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def training_state(model: BaseAlgorithm) -> dict[str, Any]:
    """Counters, episode statistics, random generators and environments in progress, as a tree of plain values."""
    assert model.env is not None
    state: dict[str, Any] = {"counters": {}, "observations": {}, "episodes": {}}
    for name in COUNTERS:
        if hasattr(model, name):
            state["counters"][name] = getattr(model, name)
    for name in OBSERVATIONS:
        value = getattr(model, name, None)
        state["observations"][name] = None if value is None else np.array(value)
    for name in BUFFERS:
        state["episodes"][name] = list(getattr(model, name) or ())
    if hasattr(model, "get_search_state"):
        state["search"] = model.get_search_state()
    if hasattr(model, "save_state"):
        state["algorithm"] = model.save_state()
    if getattr(model, "_last_lstm_states", None) is not None:
        state["lstm"] = [[part.cpu().numpy() for part in pair] for pair in model._last_lstm_states]  # type: ignore[attr-defined]
    state["log"] = [
        [name, np.asarray(value), list(model.logger.name_to_excluded[name] or ())]
        for name, value in model.logger.name_to_value.items()
    ]
    state["envs"] = vec_env_state(model.env)
    state["random"] = _random_state(model)
    return state


def restore_training_state(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Bring ``model``, rebuilt with its networks and environment, to where `training_state` was taken."""
    assert model.env is not None
    for name, value in state["counters"].items():
        setattr(model, name, value)
    for name, value in state["observations"].items():
        setattr(model, name, value)
    for name, value in state["episodes"].items():
        setattr(model, name, deque(value, maxlen=model._stats_window_size))
    if "search" in state:
        model.set_search_state(state["search"])  # type: ignore[attr-defined]
    if "algorithm" in state:
        model.load_state(state["algorithm"])  # type: ignore[attr-defined]
    if "lstm" in state:
        from sb3_contrib.common.recurrent.type_aliases import RNNStates

        pairs = [tuple(torch.as_tensor(part, device=model.device) for part in pair) for pair in state["lstm"]]
        model._last_lstm_states = RNNStates(*pairs)  # type: ignore[attr-defined]
    for name, value, excluded in state["log"]:  # what the last update recorded, to be written with the next rollout
        model.logger.record(name, value[()], exclude=tuple(excluded))
    restore_vec_env_state(model.env, state["envs"])
    _restore_random_state(model, state["random"])


def _random_state(model: BaseAlgorithm) -> dict[str, Any]:
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": [version, list(words), gauss],
        "numpy": [name, np.asarray(keys), position, has_gauss, cached],
        "torch": torch.get_rng_state().numpy(),
        "cuda": [part.numpy() for part in torch.cuda.get_rng_state_all()] if torch.cuda.is_available() else [],
        "action_space": model.action_space.np_random.bit_generator.state,
    }


def _restore_random_state(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(tuple(state["numpy"]))
    torch.set_rng_state(torch.as_tensor(state["torch"]))
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([torch.as_tensor(part) for part in state["cuda"]])
    model.action_space.np_random.bit_generator.state = state["action_space"]


# off-policy algorithms: the replay buffer has a file of its own, without pickle


def write_replay_buffer(path: Path, model: BaseAlgorithm) -> None:
    """Write the filled part of the replay buffer, with the step count of the checkpoint beside it."""
    buffer = model.replay_buffer  # type: ignore[attr-defined]
    filled = buffer.buffer_size if buffer.full else buffer.pos
    arrays = {name: getattr(buffer, name)[:filled] for name in REPLAY_ARRAYS if getattr(buffer, name, None) is not None}
    with path.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            num_timesteps=model.num_timesteps,
            pos=buffer.pos,
            full=buffer.full,
            **arrays,
        )


def load_replay_buffer(path: Path, model: BaseAlgorithm, num_timesteps: int) -> None:
    """Fill the model's replay buffer from ``path``.

    Raises:
        UserError: when the file is damaged, of another step count, or of another shape.
    """
    buffer = model.replay_buffer  # type: ignore[attr-defined]
    assert isinstance(buffer, ReplayBuffer)
    try:
        with np.load(path, allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (ValueError, OSError, EOFError, KeyError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it to go on with an empty replay buffer.") from None
    saved = int(arrays["num_timesteps"])
    if saved != num_timesteps:
        raise UserError(
            f"{path} was written at step {saved}, but the checkpoint at step {num_timesteps}; "
            "delete it to go on with an empty replay buffer."
        )
    for name in REPLAY_ARRAYS:
        target = getattr(buffer, name, None)
        if target is None:
            continue
        if name not in arrays or arrays[name].shape[1:] != target.shape[1:] or len(arrays[name]) > len(target):
            raise UserError(f"{path} does not fit this replay buffer ({name}); delete it to go on with an empty one.")
        target[: len(arrays[name])] = arrays[name]
    buffer.pos = int(arrays["pos"])
    buffer.full = bool(arrays["full"])
