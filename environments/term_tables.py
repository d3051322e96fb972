"""What a world's numbers mean, as JSON and as tables for people."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from environments.terms import ActionTerm, ObservationTerm

OBSERVATION_HEAD = ("observation", "slice", "unit", "frame", "scale", "clip", "history", "elements", "mean ± std")
ACTION_HEAD = ("action", "name", "range", "scale", "offset", "unit", "joint", "limits", "stiffness", "damping", "gear")


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
    """Name, slice, unit, frame, scale, clip, history, elements and mean ± std of terms."""
    rows: list[tuple[str, ...]] = []
    for term in terms:
        start, stop = term["slice"]
        rows.append(
            (
                term["name"],
                f"{start}:{stop}",
                term["unit"],
                term["frame"],
                "" if term["scale"] == 1 else _short(term["scale"]),
                "" if term["clip"] is None else " to ".join(map(_short, term["clip"])),
                "" if term["history"] == 1 else str(term["history"]),
                " ".join(term["elements"]),
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


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned lines; a column without a value is left out."""
    kept = [column for column in range(len(head)) if any(row[column] for row in rows)]
    lines = [[line[column] for column in kept] for line in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(kept))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


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
