"""The hyperparameter ``rnd``: what novelty is worth, and the networks that judge it. Imports no torch."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rl_baselines.batched_ppo.names import ACTIVATIONS
from srl3.errors import UserError, unknown_name

MODES = ("constant", "step", "linear")
_WHERE = "rnd of batched_ppo"


@dataclasses.dataclass(frozen=True)
class WeightSchedule:
    """How the weight goes on, by steps of the vectorised environment.

    Args:
        mode: ``constant``; ``step``: ``final_value`` from ``final_step`` on; ``linear``: from the first weight at
            ``initial_step`` to ``final_value`` at ``final_step``.
        initial_step: for ``linear``.
        final_step: for ``step`` and ``linear``.
        final_value: weight of a step, in the end.
    """

    mode: str = "constant"
    initial_step: int = 0
    final_step: int = 0
    final_value: float = 0.0

    def weight(self, first: float, step: int) -> float:
        """The weight in ``step``, counted from 1, that was ``first`` at the start."""
        if self.mode == "step":
            return first if step < self.final_step else self.final_value
        if self.mode == "linear":
            if step < self.initial_step:
                return first
            if step > self.final_step:
                return self.final_value
            passed = (step - self.initial_step) / (self.final_step - self.initial_step)
            return first + (self.final_value - first) * passed
        return first


@dataclasses.dataclass(frozen=True)
class NoveltySettings:
    """Names and defaults are rsl_rl's.

    Args:
        weight: of the novelty, in a step.
        weight_per_second: the same for a second, as rsl_rl counts; in place of ``weight``.
        weight_schedule: how it goes on; None: as it is.
        state_normalization: of what the networks see, by a running mean and variance.
        reward_normalization: novelty over the running deviation of its discounted sums.
        learning_rate: of the predictor.
        num_outputs: of both networks.
        predictor_hidden_dims: layers; -1: as many as there are inputs.
        target_hidden_dims: the same.
        activation: one of `rl_baselines.batched_ppo.names.ACTIVATIONS`.
        obs_key: group of observations whose novelty counts; None: ``rnd_state`` where the world has it, else the
            policy's.
    """

    weight: float = 0.0
    weight_per_second: float | None = None
    weight_schedule: WeightSchedule | None = None
    state_normalization: bool = False
    reward_normalization: bool = False
    learning_rate: float = 1e-3
    num_outputs: int = 1
    predictor_hidden_dims: tuple[int, ...] = (-1,)
    target_hidden_dims: tuple[int, ...] = (-1,)
    activation: str = "elu"
    obs_key: str | None = None

    def of_a_step(self, seconds: float | None) -> "NoveltySettings":
        """The same with the weight of a step.

        Args:
            seconds: that a step of the world takes; None where it has no duration.

        Raises:
            UserError: for a weight of a second where a step has no duration.
        """
        if self.weight_per_second is None:
            return self
        if seconds is None:
            raise UserError(f"{_WHERE}: a step of this world has no known duration; set weight, that of a step.")
        return dataclasses.replace(self, weight=self.weight_per_second * seconds, weight_per_second=None)


def novelty_settings(values: Mapping[str, Any]) -> NoveltySettings:
    """``values``, as YAML gives them, checked.

    Raises:
        UserError: with one sentence for what is not understood.
    """
    fields = {field.name for field in dataclasses.fields(NoveltySettings)}
    for name in values:
        if name not in fields:
            raise unknown_name(f"key in {_WHERE}", name, fields)
    given = dict(values)
    for name in ("weight", "weight_per_second", "learning_rate"):
        if given.get(name) is not None:
            given[name] = _number(name, given[name])
    for name in ("state_normalization", "reward_normalization"):
        if not isinstance(given.get(name, False), bool):
            raise UserError(f"{name} in {_WHERE} must be true or false, not {given[name]!r}.")
    if not _is_count(given.get("num_outputs", 1)):
        raise UserError(f"num_outputs in {_WHERE} must be a whole number of at least 1, not {given['num_outputs']!r}.")
    for name in ("predictor_hidden_dims", "target_hidden_dims"):
        if name in given:
            given[name] = _layers(name, given[name])
    given["activation"] = str(given.get("activation", "elu")).lower()
    if given["activation"] not in ACTIVATIONS:
        raise unknown_name(f"activation in {_WHERE}", given["activation"], ACTIVATIONS)
    if given.get("obs_key") is not None and not isinstance(given["obs_key"], str):
        raise UserError(f"obs_key in {_WHERE} must name a group of observations, not {given['obs_key']!r}.")
    if given.get("weight_schedule") is not None:
        given["weight_schedule"] = _schedule(given["weight_schedule"])
    settings = NoveltySettings(**given)
    if settings.weight and settings.weight_per_second is not None:
        raise UserError(f"{_WHERE} sets weight and weight_per_second; set one of them.")
    if not settings.weight and not settings.weight_per_second:
        raise UserError(f"{_WHERE} needs a weight of more than 0, for example {{weight: 0.1}}; leave rnd out for none.")
    return settings


def _schedule(values: Any) -> WeightSchedule:
    fields = [field.name for field in dataclasses.fields(WeightSchedule)]
    if not isinstance(values, Mapping):
        raise UserError(f"weight_schedule in {_WHERE} must be a mapping of {', '.join(fields)}, not {values!r}.")
    for name in values:
        if name not in fields:
            raise unknown_name(f"key in weight_schedule of {_WHERE}", name, fields)
    mode = values.get("mode", "constant")
    if mode not in MODES:
        raise unknown_name(f"mode in weight_schedule of {_WHERE}", str(mode), MODES)
    needed = {"constant": (), "step": ("final_step", "final_value"), "linear": fields[1:]}[mode]
    missing = [name for name in needed if name not in values]
    if missing:
        raise UserError(f"weight_schedule in {_WHERE} needs {' and '.join(missing)} for mode {mode}.")
    steps = {name: values[name] for name in ("initial_step", "final_step") if name in values}
    for name, step in steps.items():
        if step != 0 and not _is_count(step):
            raise UserError(f"{name} in weight_schedule of {_WHERE} must be a whole number of steps, not {step!r}.")
    if mode == "linear" and not steps["initial_step"] < steps["final_step"]:
        raise UserError(f"weight_schedule in {_WHERE}: final_step must be later than initial_step.")
    return WeightSchedule(mode, **steps, final_value=_number("final_value", values.get("final_value", 0.0)))


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
        raise UserError(f"{name} in {_WHERE} must be a number of at least 0, not {value!r}.")
    return float(value)


def _layers(name: str, sizes: Any) -> tuple[int, ...]:
    if not isinstance(sizes, Sequence) or isinstance(sizes, str) or not sizes:
        raise UserError(f"{name} in {_WHERE} must be layer sizes such as [64, 64], not {sizes!r}.")
    if not all(size == -1 or _is_count(size) for size in sizes):
        raise UserError(f"{name} in {_WHERE} must be sizes of at least 1, or -1 for that of the input, not {sizes!r}.")
    return tuple(sizes)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
