"""A contract as tables for people."""

import re
from typing import Any

from environments.term_tables import ACTION_HEAD, OBSERVATION_HEAD, action_rows, observation_rows
from rl_baselines.export.contract import Contract
from srl3.columns import table

UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""characters that steer a terminal, turn a text around or can't be written, but for the end of a line"""


def contract_tables(contract: Contract) -> str:
    """What goes in, what comes out, and of whom; nothing in it steers a terminal."""
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
    return UNSEEN.sub("\N{REPLACEMENT CHARACTER}", "\n".join([*lines, "", *_action_table(contract["action"])]))


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
