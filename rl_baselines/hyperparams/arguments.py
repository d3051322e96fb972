"""From hyperparameters, as YAML holds them, to the arguments of a library model's constructor."""

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rl_baselines.hyperparams.classes import replay_buffer_for
from rl_baselines.hyperparams.parameters import Kind, Parameter, minibatch_size
from rl_baselines.hyperparams.schedules import build_schedule
from srl3.errors import UserError, unknown_name

if TYPE_CHECKING:
    from gymnasium import spaces
    from stable_baselines3.common.noise import ActionNoise
    from stable_baselines3.common.vec_env import VecEnv

NOISE_TYPES = ("normal", "ornstein-uhlenbeck")
NAMED_CLASSES = ("env_wrapper", "vec_env_wrapper", "callback")
"""hyperparameters that name classes around the model, not of it"""


def constructor_arguments(
    where: str,
    hyperparams: Mapping[str, Any],
    parameters: Mapping[str, Parameter],
    env: "VecEnv",
    *,
    training: bool,
    on_policy: bool,
) -> dict[str, Any]:
    """What a model's constructor takes besides the policy, as it takes it.

    Args:
        where: name of the model's class, for messages.
        hyperparams: as YAML holds them.
        parameters: what may be set.
        env: that it learns in.
        training: else buffers are as small as can be.
        on_policy: it has rollouts, not a replay buffer.

    Raises:
        UserError: for an unknown name, noise of discrete actions, or a replay buffer greater than the memory.
    """
    settings = _Settings.of(hyperparams, parameters, where)
    values = {name: _as_argument(parameters[name].kind, value) for name, value in settings.constructor.items()}
    if settings.nminibatches is not None:
        n_steps = values.get("n_steps", parameters["n_steps"].default)
        values["batch_size"] = minibatch_size(n_steps, env.num_envs, settings.nminibatches)
    if "noise_type" in parameters:
        values["action_noise"] = action_noise(settings.noise_type, settings.noise_std, env.action_space)
    if values.get("replay_buffer_class") is None or not training:
        values.pop("replay_buffer_class", None)
    else:
        values["replay_buffer_class"] = replay_buffer_for(values["replay_buffer_class"], env)
    if not training:
        values.pop("replay_buffer_kwargs", None)
        values |= _small_buffers(parameters, on_policy=on_policy)
    elif "buffer_size" in parameters:
        steps = values.get("buffer_size", parameters["buffer_size"].default)
        _check_memory(steps, env.observation_space, values.get("optimize_memory_usage", False))
    return values


@dataclasses.dataclass(frozen=True)
class _Settings:
    """Hyperparameters by what takes them; those of the environments and of the policy are not among them."""

    constructor: dict[str, Any]
    """arguments of the model's constructor, as YAML holds them"""
    nminibatches: int | None
    noise_type: str | None
    noise_std: float

    @classmethod
    def of(cls, hyperparams: Mapping[str, Any], parameters: Mapping[str, Parameter], where: str) -> "_Settings":
        for name in hyperparams:
            if name not in parameters:
                raise unknown_name(f"hyperparameter of {where}", name, parameters)
        apart = ("n_envs", "normalize", "policy_kwargs", "nminibatches", "noise_type", "noise_std", *NAMED_CLASSES)
        noise_std = parameters["noise_std"].default if "noise_std" in parameters else 0.0
        return cls(
            constructor={name: value for name, value in hyperparams.items() if name not in apart},
            nminibatches=hyperparams.get("nminibatches"),
            noise_type=hyperparams.get("noise_type"),
            noise_std=hyperparams.get("noise_std", noise_std),
        )


def _as_argument(kind: Kind, value: Any) -> Any:
    """A value that YAML holds, as a constructor takes it."""
    if kind is Kind.SCHEDULE and value is not None:
        return build_schedule(value)
    return tuple(value) if kind is Kind.FREQUENCY and isinstance(value, list) else value


def is_dict(space: "spaces.Space[Any]") -> bool:
    """Whether the observation is a Dict."""
    from gymnasium import spaces

    return isinstance(space, spaces.Dict)


def action_noise(kind: str | None, std: float, action_space: "spaces.Space[Any]") -> "ActionNoise | None":
    """Exploration noise with mean zero and ``std`` in each dimension of the actions (which span [-1, 1])."""
    if kind is None:
        return None
    from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise

    if action_space.shape is None:
        raise UserError(f"noise_type needs continuous actions, not {action_space}.")
    mean, sigma = np.zeros(action_space.shape), np.full(action_space.shape, std)
    return NormalActionNoise(mean, sigma) if kind == "normal" else OrnsteinUhlenbeckActionNoise(mean, sigma)


def _small_buffers(parameters: Mapping[str, Parameter], *, on_policy: bool) -> dict[str, Any]:
    small: dict[str, Any] = {"n_steps": 2, "batch_size": 2} if on_policy else {"buffer_size": 1}
    if "optimize_memory_usage" in parameters:
        small["optimize_memory_usage"] = False
    return {name: value for name, value in small.items() if name in parameters}


def _check_memory(steps: int, space: "spaces.Space[Any]", only_once: bool) -> None:
    """Refuse a replay buffer that this machine has no memory for, before it fills up hours later."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    leaves = space.spaces.values() if is_dict(space) else [space]  # type: ignore[attr-defined]
    row = sum(int(np.prod(leaf.shape or ())) * np.dtype(leaf.dtype).itemsize for leaf in leaves)
    step = row * (1 if only_once else 2)
    if steps * step > memory:
        raise UserError(
            f"a replay buffer of {steps} steps takes {steps * step / 2**30:.0f} GiB for observations in {space} "
            f"and this machine has {memory / 2**30:.0f}; set a smaller one, "
            f"for example --hyperparam buffer_size:{max(1, memory // (4 * step))}."
        )
