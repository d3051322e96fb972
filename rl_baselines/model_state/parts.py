"""Parts of the saved state of Stable-Baselines3's models, as trees of plain values and arrays."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise, VectorizedActionNoise

_OBSERVATIONS = ("_last_obs", "_last_original_obs", "_last_episode_starts")
_ORDERS = "orders"
_EPISODES = ("ep_info_buffer", "ep_success_buffer")
_MATRICES = ("exploration_mat", "exploration_matrices")


def save_counters(model: BaseAlgorithm, names: Iterable[str]) -> dict[str, Any]:
    """Attributes of these names."""
    return {name: getattr(model, name) for name in names}


def load_counters(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Set them."""
    for name, value in state.items():
        setattr(model, name, value)


def save_observations(model: BaseAlgorithm) -> dict[str, Any]:
    """What the environments showed last, ``(n_envs, …)``; dictionaries of observations too."""
    seen = {name: _each(getattr(model, name), np.array) for name in _OBSERVATIONS}
    return {**seen, _ORDERS: {name: _each(value, _order) for name, value in seen.items()}}


def load_observations(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Go on from there, with arrays that lie in memory as they did: convolutions of images whose channels lie last are
    rounded otherwise than of those whose channels lie first."""
    orders = state.get(_ORDERS, {})
    for name in _OBSERVATIONS:
        setattr(model, name, _each(state.get(name), _laid_out, orders.get(name)))


def save_episodes(model: BaseAlgorithm) -> dict[str, Any]:
    """The latest episodes, over which the logged means are taken."""
    return {name: list(getattr(model, name) or ()) for name in _EPISODES}


def load_episodes(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Put them back."""
    for name in _EPISODES:
        setattr(model, name, deque(state[name], maxlen=model._stats_window_size))


def save_log(model: BaseAlgorithm) -> list[Any]:
    """What the last update recorded, which is written with the next rollout."""
    logger = model.logger
    return [
        [name, np.asarray(value), list(logger.name_to_excluded[name] or ())]
        for name, value in logger.name_to_value.items()
    ]


def load_log(model: BaseAlgorithm, state: Iterable[Any]) -> None:
    """Record it again."""
    for name, value, excluded in state:
        model.logger.record(name, value[()], exclude=tuple(excluded))


def save_exploration(model: BaseAlgorithm) -> dict[str, Any]:
    """The noise on the actions: where Ornstein-Uhlenbeck processes are, and gSDE's matrices."""
    state: dict[str, Any] = {}
    processes = _processes(model)
    if processes:
        state["ornstein_uhlenbeck"] = np.stack([process.noise_prev for process in processes])
    noise = _state_dependent_noise(model)
    if noise is not None:
        state["sde"] = {name: getattr(noise, name).detach().cpu().numpy() for name in _MATRICES if hasattr(noise, name)}
    return state


def load_exploration(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Go on with that noise; of a run from before it was saved, with fresh noise."""
    for process, value in zip(_processes(model), state.get("ornstein_uhlenbeck", ()), strict=False):
        process.noise_prev = np.array(value)
    noise = _state_dependent_noise(model)
    if noise is not None:
        for name, value in state.get("sde", {}).items():
            setattr(noise, name, torch.as_tensor(value, device=model.device))


def _processes(model: BaseAlgorithm) -> list[OrnsteinUhlenbeckActionNoise]:
    noise = model.action_noise
    each = noise.noises if isinstance(noise, VectorizedActionNoise) else [noise]
    return [process for process in each if isinstance(process, OrnsteinUhlenbeckActionNoise)]


def _state_dependent_noise(model: BaseAlgorithm) -> StateDependentNoiseDistribution | None:
    if not model.use_sde:
        return None
    actor = getattr(model.policy, "actor", model.policy)
    noise = actor.action_dist
    assert isinstance(noise, StateDependentNoiseDistribution)
    return noise


def _each(observations: Any, change: Callable[..., Any], orders: Any = None) -> Any:
    """``change`` of an array, with its order where there is one, or of each of a dictionary; None for None."""
    if isinstance(observations, Mapping):
        return {name: change(value, *([orders[name]] if orders else [])) for name, value in observations.items()}
    return None if observations is None else change(observations, *([] if orders is None else [orders]))


def _order(array: np.ndarray) -> list[int]:
    """Its axes, from the one whose neighbours lie farthest apart in memory."""
    return sorted(range(array.ndim), key=lambda axis: -array.strides[axis])


def _laid_out(array: np.ndarray, order: Sequence[int] | None = None) -> np.ndarray:
    """A copy in whose memory the axes lie in this order; None: as they do."""
    if order is None:
        return np.array(array)
    return np.array(np.transpose(array, order), order="C").transpose(np.argsort(order))
