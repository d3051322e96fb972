"""Hyperparameters that change during training, written as rl-zoo3 does: ``lin_2.5e-4`` falls linearly to zero."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import Schedule

LINEAR = "lin_"


def initial_value(spec: float | str) -> float:
    """The value at the start of training of a number or a schedule such as ``lin_2.5e-4``.

    Raises:
        ValueError: when it is neither.
    """
    text = spec.removeprefix(LINEAR) if isinstance(spec, str) else spec
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{spec} is not a finite number")
    return value


def build_schedule(spec: float | str) -> "float | Schedule":
    """What Stable-Baselines3 takes: a number, or its own schedule, so that its files load without SRL3."""
    value = initial_value(spec)
    if isinstance(spec, str) and spec.startswith(LINEAR):
        from stable_baselines3.common.utils import LinearSchedule

        return LinearSchedule(value, 0.0, 1.0)
    return value


def initial_learning_rate(hyperparams: Mapping[str, Any]) -> float | None:
    """The learning rate with which a training of these hyperparameters starts; None where there is none."""
    rate = hyperparams.get("learning_rate")
    return None if rate is None else initial_value(rate)
