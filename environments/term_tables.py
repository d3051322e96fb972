"""What a world's numbers mean, as JSON and as tables for people."""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any

from environments.terms import ActionTerm, ObservationTerm
from srl3.columns import table

OBSERVATION_HEAD = ("observation", "slice", "unit", "frame", "scale", "clip", "history", "elements", "mean ± std")
ACTION_HEAD = ("action", "name", "range", "scale", "offset", "unit", "joint", "limits", "stiffness", "damping", "gear")
FEW = 6
"""elements that are always shown one by one"""


def world_tables(
    observations: Sequence[ObservationTerm], actions: Sequence[ActionTerm], control_dt: float | None
) -> str:
    """A world's observations, by group, and actions as tables, and its control step."""
    parts = []
    for group in dict.fromkeys(term.group for term in observations):
        rows = observation_rows([observation_as_json(term) for term in observations if term.group == group])
        parts.append([f"observation ({group})", *table(OBSERVATION_HEAD, rows)])
    parts.append(["actions", *table(ACTION_HEAD, action_rows([action_as_json(term) for term in actions]))])
    pace = "a step has no duration" if control_dt is None else f"a step is {control_dt * 1e3:.4g} ms"
    return "\n\n".join("\n".join(part) for part in [*parts, [pace]])


def observation_as_json(term: ObservationTerm) -> dict[str, Any]:
    return {
        "name": term.name,
        "slice": [term.start, term.stop],
        "elements": list(term.elements[: term.size // term.history]),
        "unit": term.unit,
        "frame": term.frame,
        "source": term.source,
        "clip": None if term.clip is None else [_number(limit) for limit in term.clip],
        "scale": _numbers(term.scale),
        "history": term.history,
        "delay": term.delay,
        "noise": _numbers(term.noise),
        "noise_kind": term.noise_kind,
    }


def action_as_json(term: ActionTerm) -> dict[str, Any]:
    return {
        **dataclasses.asdict(term),
        "low": _number(term.low),
        "high": _number(term.high),
        "choices": list(term.choices),
        "joint_limits": None if term.joint_limits is None else [_number(limit) for limit in term.joint_limits],
    }


def observation_rows(
    terms: Sequence[dict[str, Any]], normalizer: dict[str, Any] | None = None
) -> list[tuple[str, ...]]:
    """Name, slice, unit, frame, scale, clip, history, elements and mean ± std of terms.

    Many elements that are those of an earlier term are shown as that term's, others as `shortened` has them.
    """
    rows: list[tuple[str, ...]] = []
    named: dict[tuple[str, ...], str] = {}
    for term in terms:
        start, stop = term["slice"]
        first = named.setdefault(tuple(term["elements"]), term["name"])
        rows.append(
            (
                term["name"],
                f"{start}:{stop}",
                term["unit"],
                term["frame"],
                "" if term["scale"] == 1 else _short(term["scale"]),
                "" if term["clip"] is None else " to ".join(map(_short, term["clip"])),
                "" if term["history"] == 1 else str(term["history"]),
                f"as {first}" if first != term["name"] and len(term["elements"]) > FEW else shortened(term["elements"]),
                "" if normalizer is None else _moments(normalizer, start, stop),
            )
        )
    return rows


def action_rows(terms: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Index, name, joint, unit, range, scale, offset and what is known of the joint."""
    rows: list[tuple[str, ...]] = []
    for term in terms:
        choices = ", ".join(f"{index} {choice}" for index, choice in enumerate(term["choices"]))
        limits = term.get("joint_limits")
        rows.append(
            (
                str(term["index"]),
                term["name"],
                choices or f"{_short(term['low'])} to {_short(term['high'])}",
                "" if choices else _short(term["scale"]),
                "" if choices or not term["offset"] else _short(term["offset"]),
                term["unit"],
                term["joint"] or "",
                "" if limits is None else f"{_short(limits[0])} to {_short(limits[1])}",
                *("" if term.get(name) is None else _short(term[name]) for name in ("stiffness", "damping", "gear")),
            )
        )
    return rows


def shortened(elements: Sequence[str]) -> str:
    """Names, shorter where they are a product of parts or are numbered, as a shell would expand them.

    >>> shortened(["a_x", "a_y", "b_x", "b_y"])
    '{a,b}_{x,y}'
    >>> shortened([f"ray_{number}" for number in range(187)])
    'ray_{0..186}'
    """
    if len(elements) <= FEW:
        return " ".join(elements)
    counted = _numbered(elements)
    if counted is not None:
        return counted
    heads, tails = (list(dict.fromkeys(parts)) for parts in zip(*map(_halves, elements), strict=True))
    if len(tails) == 1 or heads == [""] or [head + tail for head in heads for tail in tails] != list(elements):
        return " ".join(elements)
    before = heads[0] if len(heads) == 1 else _numbered(heads) or "{" + ",".join(heads) + "}"
    return before + _braces(tails)


def _halves(name: str) -> tuple[str, str]:
    """What stands before the last underscore, and what from there."""
    head, line, tail = name.rpartition("_")
    return head, line + tail


def _braces(tails: Sequence[str]) -> str:
    if all(tail.startswith("_") for tail in tails):
        return "_{" + ",".join(tail[1:] for tail in tails) + "}"
    return "{" + ",".join(tails) + "}"


def _numbered(names: Sequence[str]) -> str | None:
    """Names that differ in a number at their end, which counts up, as ``name{first..last}``; None for others."""
    found = [re.fullmatch(r"(.*?)(\d+)", name) for name in names]
    if len(names) < 2 or None in found or len({match[1] for match in found if match}) > 1:
        return None
    numbers = [int(match[2]) for match in found if match]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return None
    return f"{names[0].removesuffix(str(numbers[0]))}{{{numbers[0]}..{numbers[-1]}}}"


def _moments(normalizer: dict[str, Any], start: int, stop: int) -> str:
    pairs = list(zip(normalizer["mean"][start:stop], normalizer["std"][start:stop], strict=True))
    shown = ", ".join(f"{mean:.3g} ± {std:.3g}" for mean, std in pairs[:3])
    return shown + (", …" if len(pairs) > 3 else "")


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "by element"
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def _numbers(value: float | tuple[float, ...]) -> float | list[float]:
    return float(value) if isinstance(value, int | float) else [float(each) for each in value]


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))
