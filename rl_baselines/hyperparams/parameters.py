"""What a hyperparameter may be: its kind, its default, its range; and values from YAML or the command line made so."""

import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Protocol

from rl_baselines.hyperparams.classes import to_classes
from rl_baselines.hyperparams.schedules import LINEAR, initial_value


class Kind(Enum):
    """The kinds of value; each text completes the sentence '<name> must be …'."""

    BOOL = "true or false"
    INT = "a whole number"
    FLOAT = "a number"
    SCHEDULE = "a number or a schedule such as lin_2.5e-4"
    COEFFICIENT = "a number, auto, or auto_ and its initial value such as auto_0.1"
    FREQUENCY = "a whole number of steps or a pair such as [1, episode]"
    TEXT = "a text"
    NORMALIZE = "true, false or a mapping such as {norm_obs: true, norm_reward: true}"
    CLASSES = "a class by its dotted name, {name: {argument: value}}, or a list of these"
    MAPPING = "a mapping such as {net_arch: [64, 64]}"


@dataclass(frozen=True)
class Bounds:
    """The values that a number may have, ``low`` and ``high`` included unless open."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def hold(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def __str__(self) -> str:
        parts = []
        if self.low != -math.inf:
            parts.append(f"{'more than' if self.low_open else 'at least'} {self.low:g}")
        if self.high != math.inf:
            parts.append(f"{'less than' if self.high_open else 'at most'} {self.high:g}")
        return " and ".join(parts)


_POSITIVE = Bounds(0, low_open=True)
_NOT_NEGATIVE = Bounds(0)
_FRACTION = Bounds(0, 1)
_COUNT = Bounds(1)

BOUNDS: dict[str, Bounds] = {
    "batch_size": _COUNT,
    "buffer_size": _COUNT,
    "clip_actions": _POSITIVE,
    "desired_kl": _POSITIVE,
    "learning_rate_max": _POSITIVE,
    "learning_rate_min": _POSITIVE,
    "imitation_coef": _NOT_NEGATIVE,
    "imitation_steps": _COUNT,
    "mirror_loss_coef": _NOT_NEGATIVE,
    "reward_scale": _POSITIVE,
    "rnn_hidden_dim": _COUNT,
    "rnn_num_layers": _COUNT,
    "cg_damping": _NOT_NEGATIVE,
    "cg_max_steps": _COUNT,
    "clip_range": _POSITIVE,
    "clip_range_vf": _POSITIVE,
    "dagger_episodes": _COUNT,
    "dagger_rounds": _NOT_NEGATIVE,
    "delta_std": _POSITIVE,
    "ent_coef": _NOT_NEGATIVE,
    "exploration_final_eps": _FRACTION,
    "exploration_fraction": Bounds(0, 1, low_open=True),
    "exploration_initial_eps": _FRACTION,
    "gae_lambda": _FRACTION,
    "gamma": _FRACTION,
    "gradient_steps": Bounds(-1),
    "learning_rate": _NOT_NEGATIVE,
    "learning_starts": _NOT_NEGATIVE,
    "line_search_max_iter": _COUNT,
    "line_search_shrinking_factor": Bounds(0, 1, low_open=True, high_open=True),
    "max_grad_norm": _POSITIVE,
    "n_critic_updates": _COUNT,
    "n_delta": _COUNT,
    "n_envs": _COUNT,
    "n_epochs": _COUNT,
    "n_eval_episodes": _COUNT,
    "n_steps": _COUNT,
    "n_top": _COUNT,
    "nminibatches": _COUNT,
    "noise_std": _NOT_NEGATIVE,
    "policy_delay": _COUNT,
    "population_size": Bounds(4),
    "rms_prop_eps": _POSITIVE,
    "sde_sample_freq": Bounds(-1),
    "sigma": _POSITIVE,
    "stats_window_size": _COUNT,
    "sub_sampling_factor": _COUNT,
    "target_kl": _POSITIVE,
    "temperature": _POSITIVE,
    "target_noise_clip": _NOT_NEGATIVE,
    "target_policy_noise": _NOT_NEGATIVE,
    "target_update_interval": _COUNT,
    "tau": Bounds(0, 1, low_open=True),
    "top_quantiles_to_drop_per_net": _NOT_NEGATIVE,
    "train_freq": _COUNT,
    "training_set_size": _COUNT,
    "validation_share": Bounds(0, 1, high_open=True),
    "vf_coef": _NOT_NEGATIVE,
}
"""Ranges by name: the same name means the same in every algorithm."""


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter that a user may set.

    Args:
        name: as in the constructor of the algorithm, or one of SRL3's own keys.
        kind: what it may be.
        default: its value when nobody sets it, as YAML can hold it.
        optional: whether it may be null.
        choices: the texts that it may be, for `Kind.TEXT`.
        owner: whose default it is, e.g. ``"PPO"``.
    """

    name: str
    kind: Kind
    default: Any
    optional: bool = False
    choices: tuple[str, ...] = ()
    owner: str = "SRL3"

    def convert(self, value: Any) -> Any:
        """``value``, as YAML or the command line gave it, as this parameter's kind.

        Raises:
            ValueError: with a sentence that says what the value must be.
        """
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            if self.optional:
                return None
            raise ValueError(f"{self.name} must be {self.kind.value}, not null")
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} must be {' or '.join(self.choices)}, not {value!r}")
        try:
            converted = _CONVERTERS[self.kind](value)
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"{self.name} must be {self.kind.value}, not {value!r}") from None
        bounds = BOUNDS.get(self.name)
        number = _number_in(converted)
        if bounds is not None and number is not None and not bounds.hold(number):
            raise ValueError(f"{self.name} must be {bounds}, not {value}")
        return converted


def constructor_parameters(model_class: type) -> dict[str, Parameter]:
    """The hyperparameters among a constructor's parameters: those whose annotation names a plain value."""
    parameters = {}
    for name, parameter in inspect.signature(model_class).parameters.items():
        found = _kind_of(parameter.annotation)
        if name in _NOT_HYPERPARAMETERS or found is None:
            continue
        kind, optional = found
        parameters[name] = Parameter(name, kind, parameter.default, optional, owner=model_class.__name__)
    return parameters


_NOT_HYPERPARAMETERS = {
    "policy",
    "env",
    "seed",
    "device",
    "verbose",
    "tensorboard_log",
    "policy_kwargs",
    "action_noise",
    "rollout_buffer_class",
    "rollout_buffer_kwargs",
    "replay_buffer_class",
    "_init_setup_model",
}


def _kind_of(annotation: Any) -> tuple[Kind, bool] | None:
    """The kind for an annotation and whether it may be None; None when it is no plain value."""
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    members = set(typing.get_args(annotation)) if union else {annotation}
    optional = type(None) in members
    origins = {typing.get_origin(member) or member for member in members - {type(None)}}
    if Callable in origins:
        return Kind.SCHEDULE, optional
    kinds: dict[frozenset[Any], Kind] = {
        frozenset({bool}): Kind.BOOL,
        frozenset({int}): Kind.INT,
        frozenset({float}): Kind.FLOAT,
        frozenset({str}): Kind.TEXT,
        frozenset({str, float}): Kind.COEFFICIENT,
        frozenset({int, tuple}): Kind.FREQUENCY,
        frozenset({dict}): Kind.MAPPING,
    }
    kind = kinds.get(frozenset(origins))
    return None if kind is None else (kind, optional)


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "false": False}
    return words[value.lower()] if isinstance(value, str) and value.lower() in words else _refuse(value)


def _to_int(value: Any) -> int:
    if isinstance(value, bool):
        return _refuse(value)
    if isinstance(value, str):
        value = float(value) if set(value) & set(".eE") else int(value)
    if isinstance(value, float) and not value.is_integer():
        return _refuse(value)
    return int(value)


def _to_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return _refuse(value)
    number = float(value)
    return number if math.isfinite(number) else _refuse(value)


def _to_schedule(value: Any) -> float | str:
    if isinstance(value, str) and value.startswith(LINEAR):
        initial_value(value)
        return value
    return _to_float(value)


def _to_coefficient(value: Any) -> float | str:
    if isinstance(value, str) and value.startswith("auto"):
        start = value.removeprefix("auto")
        if start and not (start.startswith("_") and float(start[1:]) > 0):
            return _refuse(value)
        return value
    return _to_float(value)


def _to_frequency(value: Any) -> int | list[Any]:
    if isinstance(value, list | tuple):
        count, unit = value
        return [_to_int(count), unit] if unit in ("step", "episode") else _refuse(value)
    return _to_int(value)


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else _refuse(value)


def _to_mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return _refuse(value)
    return dict(value)


def _to_normalize(value: Any) -> bool | dict[str, bool]:
    """True and false are for observations; a mapping says both, rewards not being normalised unless it does."""
    if not isinstance(value, Mapping):
        return _to_bool(value)
    if not set(value) <= {"norm_obs", "norm_reward"}:
        return _refuse(value)
    observations, rewards = _to_bool(value.get("norm_obs", True)), _to_bool(value.get("norm_reward", False))
    return {"norm_obs": observations, "norm_reward": True} if rewards else observations


def _refuse(value: Any) -> typing.Any:
    raise ValueError(value)


_CONVERTERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOL: _to_bool,
    Kind.INT: _to_int,
    Kind.FLOAT: _to_float,
    Kind.SCHEDULE: _to_schedule,
    Kind.COEFFICIENT: _to_coefficient,
    Kind.FREQUENCY: _to_frequency,
    Kind.TEXT: _to_text,
    Kind.NORMALIZE: _to_normalize,
    Kind.CLASSES: to_classes,
    Kind.MAPPING: _to_mapping,
}


def _number_in(value: Any) -> float | None:
    """The number that bounds apply to, if there is one: the start of a schedule, the count of a frequency."""
    if isinstance(value, list):
        value = value[0]
    if isinstance(value, str):
        return initial_value(value) if value.startswith(LINEAR) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def minibatch_size(n_steps: int, n_envs: int, nminibatches: int) -> int:
    """Samples in each of ``nminibatches`` parts of a rollout, rounded up: never more parts than asked for."""
    return math.ceil(n_steps * n_envs / nminibatches)


def normalizes(value: bool | Mapping[str, bool]) -> tuple[bool, bool]:
    """Whether observations and whether rewards are normalised, for a value of the hyperparameter ``normalize``."""
    return (value["norm_obs"], value["norm_reward"]) if isinstance(value, Mapping) else (bool(value), False)


class Configurable(Protocol):
    """What an algorithm says of its hyperparameters."""

    preset: ClassVar[str | None]
    """name of its YAML file under ``config/hyperparams``; None when it has none"""
    on_policy: ClassVar[bool]
    """whether it learns from whole rollouts of its present policy"""

    merges_policy_kwargs: ClassVar[bool]
    """whether a more particular ``policy_kwargs`` replaces only the keys that it names, not all"""

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """What a user may set, by name."""

    @classmethod
    def translated(cls, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        """``values`` by the names of `parameters`, where they come with those of another system."""

    @classmethod
    def policy_parameters(cls) -> list[str]:
        """The keys that ``policy_kwargs`` may have."""
