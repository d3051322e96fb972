"""A search space: from a file or an algorithm's class, checked, drawn from, and the point nearest to given values."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_baselines.base_classes import BaseRLObject
from rl_baselines.hyperparams.parameters import Kind, Parameter
from rl_baselines.hyperparams.policy_kwargs import check_policy_kwargs
from rl_baselines.hyperparams.schedules import LINEAR, initial_value
from rl_baselines.hyperparams.search_ranges import Choice, LogFloat, LogInt, SearchRange, UniformFloat, UniformInt
from srl3.errors import UserError, unknown_name
from srl3.formats.yaml import read_by_hand

if TYPE_CHECKING:
    from optuna import Trial

Space = Mapping[str, SearchRange]
RANGES: dict[str, type[LogFloat | UniformFloat | LogInt | UniformInt]] = {
    "uniform": UniformFloat,
    "log": LogFloat,
    "int": UniformInt,
    "log_int": LogInt,
}
"""How a file writes each kind of range that has two ends."""
CHOICE = "choice"
MAX_VALUES = 1000
"""choices of one hyperparameter; more is a range"""


def read_space(path: Path, algo_class: type[BaseRLObject], algo_name: str) -> dict[str, SearchRange]:
    """The space that a YAML file describes, one ``name: {kind: …}`` a line.

    The kinds are ``uniform``, ``log``, ``int`` and ``log_int`` with ``[low, high]``, both included, and ``choice``
    with a list of values.

    Raises:
        UserError: for an unreadable file, a name that is no hyperparameter of the algorithm, an unknown kind, ends in
            the wrong order, or values that the hyperparameter can't have.
    """
    content = _read_mapping(path)
    parameters = algo_class.parameters()
    space: dict[str, SearchRange] = {}
    for name, written in content.items():
        if name not in parameters:
            raise unknown_name(f"hyperparameter of {algo_name} in {path}", str(name), parameters)
        where = f"{path}: {name}"
        if not isinstance(written, Mapping) or len(written) != 1:
            raise UserError(f"{where} must be one range such as {{log: [1.0e-5, 1.0e-2]}}, not {written!r}.")
        ((kind, values),) = written.items()
        if kind not in (*RANGES, CHOICE):
            raise unknown_name(f"kind of range in {where}", str(kind), (*RANGES, CHOICE))
        if not isinstance(values, list):
            raise UserError(f"{where} must give {kind} a list, not {values!r}.")
        if kind == CHOICE:
            space[name] = _choice(values, parameters[name], algo_class, where)
        else:
            space[name] = _ends(RANGES[kind], values, parameters[name], where)
    if not space:
        raise UserError(f"{path} names no hyperparameter to search; write lines such as gamma: {{uniform: [0.9, 1]}}.")
    return space


def _read_mapping(path: Path) -> Mapping[Any, Any]:
    content = read_by_hand(path, "--search-space takes lines such as gamma: {uniform: [0.9, 1]}")
    if not isinstance(content, Mapping):
        raise UserError(f"the search space {path} must be a mapping from hyperparameter to range.")
    return content


def _ends(
    kind: type[LogFloat | UniformFloat | LogInt | UniformInt], values: list[Any], parameter: Parameter, where: str
) -> SearchRange:
    whole = kind in (LogInt, UniformInt)
    if len(values) != 2:
        raise UserError(f"{where} must have two ends, [low, high], not {values}.")
    if not whole and parameter.kind in (Kind.INT, Kind.FREQUENCY):
        raise UserError(f"{where} is a whole number; use int, log_int or choice.")
    if parameter.kind in (Kind.BOOL, Kind.TEXT, Kind.MAPPING):
        raise UserError(f"{where} must be {parameter.kind.value}; use choice.")
    numbers = []
    for value in values:
        converted = _converted(value, parameter, where)
        if isinstance(converted, str | list) or converted is None or (whole and converted != int(converted)):
            raise UserError(f"{where}: {value!r} is no {'whole ' if whole else ''}number that a range can end in.")
        numbers.append(int(converted) if whole else float(converted))
    low, high = numbers
    if low >= high:
        raise UserError(f"{where} must have its low end before its high one, not {values}.")
    if kind in (LogFloat, LogInt) and low <= 0:
        raise UserError(f"{where} is drawn on a logarithmic scale, whose low end must be above 0, not {low}.")
    return kind(low, high)  # type: ignore[arg-type]


def _choice(values: list[Any], parameter: Parameter, algo_class: type[BaseRLObject], where: str) -> Choice:
    if not 1 <= len(values) <= MAX_VALUES:
        raise UserError(f"{where} must have 1 to {MAX_VALUES} choices, not {len(values)}.")
    converted = [_converted(value, parameter, where) for value in values]
    if parameter.name == "policy_kwargs":
        for value in converted:
            check_policy_kwargs(value or {}, algo_class.policy_parameters(), where)
    for value in converted:
        if converted.count(value) > 1:
            raise UserError(f"{where} has the choice {value!r} twice; write it once.")
    return Choice(tuple(converted))


def _converted(value: Any, parameter: Parameter, where: str) -> Any:
    try:
        return parameter.convert(value)
    except ValueError as error:
        raise UserError(f"{where}: {error}.") from None


# what is stored and shown


def describe(search_range: SearchRange) -> str:
    """A range as a file writes it, e.g. ``{log: [1e-05, 0.01]}``: equal texts, equal ranges."""
    if isinstance(search_range, Choice):
        return f"{{{CHOICE}: {json.dumps(list(search_range.values))}}}"
    (kind,) = [kind for kind, found in RANGES.items() if type(search_range) is found]
    return f"{{{kind}: [{search_range.low:g}, {search_range.high:g}]}}"


# drawing


def draw(trial: "Trial", space: Space) -> dict[str, Any]:
    """A value for each hyperparameter of ``space``, as YAML can hold them, as the study's sampler draws them."""
    return {name: _draw(trial, name, search_range) for name, search_range in space.items()}


def _draw(trial: "Trial", name: str, search_range: SearchRange) -> Any:
    match search_range:
        case Choice(values):
            labels = [_label(value) for value in values]
            return values[labels.index(trial.suggest_categorical(name, labels))]
        case LogInt(low, high) | UniformInt(low, high):
            return trial.suggest_int(name, low, high, log=isinstance(search_range, LogInt))
        case LogFloat(low, high) | UniformFloat(low, high):
            return trial.suggest_float(name, low, high, log=isinstance(search_range, LogFloat))


def drawn_values(params: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """What `draw` gave for a trial that is recorded with these parameters."""
    values = {}
    for name, value in params.items():
        search_range = space[name]
        if isinstance(search_range, Choice):
            value = {_label(choice): choice for choice in search_range.values}[value]
        values[name] = value
    return values


def _label(value: Any) -> bool | int | float | str | None:
    """What stands for a choice in a study, which holds plain values only."""
    return value if isinstance(value, None | bool | int | float | str) else json.dumps(value)


# the point nearest to given values


def nearest(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the trial that stands for ``values``: each in its range, the middle where there is none."""
    return {name: _nearest(search_range, values.get(name)) for name, search_range in space.items()}


def _nearest(search_range: SearchRange, value: Any) -> Any:
    if isinstance(search_range, Choice):
        return _label(_nearest_choice(search_range.values, value))
    log = isinstance(search_range, LogFloat | LogInt)
    low, high = search_range.low, search_range.high
    number = _number(value)
    if number is None:
        number = math.sqrt(low * high) if log else (low + high) / 2
    number = min(max(number, low), high)
    return round(number) if isinstance(search_range, LogInt | UniformInt) else float(number)


def _nearest_choice(choices: tuple[Any, ...], value: Any) -> Any:
    for choice in choices:
        if choice == value and type(choice) is type(value):
            return choice
    number = _number(value)
    numbers = [(abs(found - number), choice) for choice in choices if (found := _number(choice)) is not None and number]
    return min(numbers, key=lambda pair: pair[0])[1] if numbers else choices[len(choices) // 2]


def _number(value: Any) -> float | None:
    """A number, or the one that a schedule starts at; None for anything else."""
    if isinstance(value, str) and value.startswith(LINEAR):
        return initial_value(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
