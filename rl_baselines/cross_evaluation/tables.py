"""The matrix as Markdown, CSV and JSON."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from environments.oracle import ORACLE, RANDOM
from rl_baselines.cross_evaluation.cells import Cell, Reference
from rl_baselines.cross_evaluation.matrix import Matrix
from rl_baselines.cross_evaluation.policies import Policy
from rl_baselines.cross_evaluation.tasks import Task

COLUMNS = (
    *("policy", "task", "mean_return", "std_return", "normalised_return", "success_rate", "episodes"),
    *("random", "oracle", "checkpoint", "reason"),
)


def as_markdown(matrix: Matrix) -> str:
    """Returns (mean ± standard deviation), then what random agents and scripted policies earn, then normalised returns,
    then why cells are empty.
    """
    names = [task.name for task in matrix.tasks]
    rows = [[policy.label, *map(_return, matrix.row(policy))] for policy in matrix.policies]
    if matrix.normalises:
        for reference in (ORACLE, RANDOM):
            rows.append([reference, *(_references(matrix, task, reference) for task in matrix.tasks)])
    parts = [_table([f"return over {matrix.conditions.num_episodes} episodes", *names], rows)]
    if matrix.normalises:
        rows = [[policy.label, *map(_normalised, matrix.row(policy))] for policy in matrix.policies]
        parts.append(_table([f"normalised: {RANDOM} 0, {ORACLE} 1", *names], rows))
    notes = [f"- {sentence}" for sentence in _notes(matrix)]
    return "\n".join([*parts, *([("\n".join(notes) + "\n")] if notes else [])])


def as_csv(matrix: Matrix) -> str:
    """A line for each cell, with full precision."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_figures(matrix, policy, task) for policy in matrix.policies for task in matrix.tasks)
    return text.getvalue()


def as_json(matrix: Matrix) -> str:
    """Everything: policies, tasks, conditions, and of each cell the single episodes."""
    policies = [
        {
            "label": policy.label,
            "checkpoint": str(policy.path),
            "algo": policy.info.algo,
            "srl_model": policy.info.srl_model,
            "seed": policy.info.seed,
            "num_timesteps": policy.info.num_timesteps,
            "trained_in": policy.task(matrix.tasks).name,
        }
        for policy in matrix.policies
    ]
    cells = [
        {
            **_figures(matrix, policy, task),
            "returns": list(matrix.cell(policy, task).returns),
            "lengths": list(matrix.cell(policy, task).lengths),
        }
        for policy in matrix.policies
        for task in matrix.tasks
    ]
    tasks = [task.as_dict() for task in matrix.tasks]
    content = {"conditions": matrix.conditions.as_dict(), "policies": policies, "tasks": tasks, "cells": cells}
    return json.dumps(content, indent=1) + "\n"


FORMATS: dict[str, Callable[[Matrix], str]] = {".md": as_markdown, ".csv": as_csv, ".json": as_json}
"""by the end of a file's name"""


def _figures(matrix: Matrix, policy: Policy, task: Task) -> dict[str, Any]:
    cell = matrix.cell(policy, task)
    reference = cell.reference
    return {
        "policy": policy.label,
        "task": task.name,
        "mean_return": cell.mean if cell.returns else None,
        "std_return": cell.std if cell.returns else None,
        "normalised_return": cell.normalised,
        "success_rate": cell.success_rate,
        "episodes": len(cell.returns),
        "random": None if reference is None else reference.random,
        "oracle": None if reference is None else reference.oracle,
        "checkpoint": str(policy.path),
        "reason": cell.reason,
    }


def _return(cell: Cell) -> str:
    return f"{cell.mean:.2f} ± {cell.std:.2f}" if cell.returns else "-"


def _normalised(cell: Cell) -> str:
    return "-" if cell.normalised is None else f"{cell.normalised:.3f}"


def _references(matrix: Matrix, task: Task, which: str) -> str:
    """What is earned with each kind of actions that the policies have."""
    found: list[Reference] = [cell.reference for cell in matrix.column(task) if cell.reference is not None]
    returns = {reference.oracle if which == ORACLE else reference.random: None for reference in found}
    return " or ".join(f"{value:.2f}" for value in returns) or "-"


def _notes(matrix: Matrix) -> list[str]:
    """Why cells are empty, each reason once, and which tasks have no scale."""
    empty: dict[str, list[str]] = {}
    for policy in matrix.policies:
        for task in matrix.tasks:
            reason = matrix.cell(policy, task).reason
            if reason:
                empty.setdefault(reason, []).append(f"{policy.label} in {task.name}")
    notes = [f"empty ({', '.join(cells)}): {reason}" for reason, cells in empty.items()]
    if matrix.conditions.reference:
        for task in matrix.tasks:
            played = [cell for cell in matrix.column(task) if cell.returns]
            if played and all(cell.reference is None for cell in played):
                notes.append(f"{task.name}: {task.env_id} has no scripted policy, so its returns are not normalised")
    return notes


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
