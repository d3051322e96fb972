"""A contract as tables for people."""

from collections.abc import Sequence
from typing import Any

from rl_baselines.export.contract import Contract


def contract_tables(contract: Contract) -> str:
    """What goes in, what comes out, and of whom."""
    algorithm, world, memory = contract["algorithm"], contract["environment"], contract["memory"]
    pace = "no clock" if world["control_dt"] is None else f"a step every {world['control_dt'] * 1e3:.4g} ms"
    lines = [
        f"{algorithm['name']} on {world['id']}, {algorithm['steps']:,} steps trained, {pace}",
        f"run {contract['checkpoint']['run']}, checkpoint {contract['checkpoint']['sha256'][:12]}",
    ]
    for each in contract["observation"]["inputs"]:
        lines += ["", *_input_table(each, encoded=contract["observation"]["representation"] is not None)]
    if contract["observation"]["representation"] is not None:
        learned = contract["observation"]["representation"]
        lines.append(f"  in the graph: {learned['srl_model']}, frames to {learned['state_dim']} numbers")
    if memory is not None:
        shape = f"({memory['layers']}, robots, {memory['size']})"
        lines += [
            "",
            f"memory ({memory['kind']}): {', '.join(memory['inputs'])} {shape} float32, zeros at the start of an",
        ]
        lines.append(f"  episode; the next step takes {', '.join(memory['outputs'])}")
    return "\n".join([*lines, "", *_action_table(contract["action"])])


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


OBSERVATION_HEAD = ("observation", "slice", "unit", "frame", "scale", "clip", "history", "elements", "mean ± std")


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


ACTION_HEAD = ("action", "name", "range", "scale", "offset", "unit", "joint", "limits", "stiffness", "damping", "gear")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned lines; a column without a value is left out."""
    kept = [column for column in range(len(head)) if any(row[column] for row in rows)]
    lines = [[line[column] for column in kept] for line in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(kept))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _input_table(each: dict[str, Any], *, encoded: bool) -> list[str]:
    shape = ", ".join(["robots", *map(str, each["shape"])])
    stacked = "" if each["history"] == 1 else f", {each['history']} steps along the last axis, the oldest first"
    picture = ", a picture" if each["image"] else ""
    normalizer = None if encoded else each["normalizer"]
    if normalizer is not None and each["history"] > 1:  # of the newest of the stacked steps
        width = each["shape"][-1] // each["history"]
        normalizer = {name: normalizer[name][-width:] for name in ("mean", "std")}
    rows = observation_rows(each["terms"], normalizer)
    return [f"input {each['name']}: ({shape}) {each['dtype']}{picture}{stacked}", *table(OBSERVATION_HEAD, rows)]


def _action_table(action: dict[str, Any]) -> list[str]:
    drawn = "" if action["distribution"] is None else f", from a {action['distribution']} distribution"
    head = f"output actions: {action['kind']}{drawn}"
    if action["stochastic"] and action["kind"] == "continuous":
        head += ", with outputs mean and std"
    elif action["kind"] != "continuous":
        head += ", with output scores"
    note = [] if action["kind"] != "continuous" else ["control = scale * action + offset"]
    return [head, *table(ACTION_HEAD, action_rows(action["terms"])), *note]


def _moments(normalizer: dict[str, Any], start: int, stop: int) -> str:
    pairs = list(zip(normalizer["mean"][start:stop], normalizer["std"][start:stop], strict=True))
    shown = ", ".join(f"{mean:.3g} ± {std:.3g}" for mean, std in pairs[:3])
    return shown + (", …" if len(pairs) > 3 else "")


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "by element"
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)
