"""What is measured, what came of it, and how that is shown. Imports nothing heavy."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from srl3.files import write_text


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is measured: ``repeats`` runs of everything, each ``size`` times its usual length."""

    repeats: int = 5
    size: float = 1.0

    def count(self, usual: int, least: int = 1) -> int:
        """``usual`` steps, scaled."""
        return max(least, round(usual * self.size))


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a row is to reach."""

    limit: float
    of: str = "ratio"
    """``ratio`` or ``value``"""
    at_most: bool = False

    def reached(self, measured: "Measured") -> bool:
        """Whether ``measured`` is at the limit or on its good side."""
        number = getattr(measured, self.of)
        return bool(number <= self.limit if self.at_most else number >= self.limit)

    def __str__(self) -> str:
        return f"{self.of} {'≤' if self.at_most else '≥'} {self.limit:,g}"


@dataclasses.dataclass(frozen=True)
class Measured:
    """One result: medians of the repeated runs."""

    value: float
    unit: str
    ratio: float | None = None
    """``value`` against the other side of the same run; None where there is no other side."""
    memory: float | None = None
    """greatest resident memory, of worker processes too, MiB"""
    name: str = ""
    """appended to the task's name, where a task gives several results"""
    details: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """what else was found, by name"""


class LeftOut(Exception):
    """A row can't be measured on this machine, and why; the others go on."""


@dataclasses.dataclass(frozen=True)
class Task:
    """Something to measure, in a process of its own.

    Args:
        name: of the row.
        function: ``module:function``; it is called with an `Effort` and ``arguments``, and gives a list of `Measured`.
        arguments: keyword arguments of the function.
        goal: what is to be reached, if anything.
        one_core: whether the process is held on one core.
    """

    name: str
    function: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    goal: Goal | None = None
    one_core: bool = True


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    measured: Measured
    goal: Goal | None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        return None if self.goal is None else self.goal.reached(self.measured)

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        goal, measured = self.goal, self.measured
        return {
            "name": self.name,
            "value": measured.value,
            "unit": measured.unit,
            "ratio": measured.ratio,
            "goal": None if goal is None else goal.limit,
            "goal_is": None if goal is None else f"{goal.of} {'at most' if goal.at_most else 'at least'}",
            "reached": self.reached,
            "memory_mib": measured.memory,
            **measured.details,
        }


def rows_of(task: Task, results: Sequence[Measured]) -> list[Row]:
    """The lines that a task gives."""
    return [Row(" ".join(filter(None, (task.name, measured.name))), measured, task.goal) for measured in results]


def table(rows: Sequence[Row], details: Sequence[str] = ()) -> str:
    """The rows as a Markdown table, with a column for each of ``details`` (parts of 1, shown as per cent)."""
    head = ("what", "value", "unit", "ratio", "goal", "reached", "memory", *details)
    lines = [head]
    for row in rows:
        measured = row.measured
        lines.append(
            (
                row.name,
                _number(measured.value),
                measured.unit,
                "-" if measured.ratio is None else f"{measured.ratio:.2f}",
                "-" if row.goal is None else str(row.goal),
                {None: "-", True: "yes", False: "NO"}[row.reached],
                "-" if measured.memory is None else f"{measured.memory:.0f} MiB",
                *(f"{measured.details[name]:.0%}" if name in measured.details else "-" for name in details),
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def write_json(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows in one piece."""
    write_text(path, json.dumps([row.as_dict() for row in rows], indent=2) + "\n")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
