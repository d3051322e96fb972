"""Every policy in every task: played, and kept as a matrix of cells."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from functools import partial
from signal import Signals

from rl_baselines.cross_evaluation.cells import Cell
from rl_baselines.cross_evaluation.child import command
from rl_baselines.cross_evaluation.play import Conditions, References, play
from rl_baselines.cross_evaluation.policies import Policy
from rl_baselines.cross_evaluation.tasks import Task
from srl3.errors import UserError
from srl3.formats.json import value_of
from srl3.runtime.processes.children import Children, shared_cores

OnCell = Callable[[str], None]
"""told, when a cell has been played, which"""


@dataclass(frozen=True)
class Matrix:
    """What each policy (row) earned in each task (column)."""

    policies: tuple[Policy, ...]
    tasks: tuple[Task, ...]
    cells: Mapping[tuple[str, str], Cell]
    """by the policy's label and the task's name"""
    conditions: Conditions

    def cell(self, policy: Policy, task: Task) -> Cell:
        """One policy in one task."""
        return self.cells[policy.label, task.name]

    def row(self, policy: Policy) -> list[Cell]:
        """A policy in all tasks."""
        return [self.cell(policy, task) for task in self.tasks]

    def column(self, task: Task) -> list[Cell]:
        """All policies in a task."""
        return [self.cell(policy, task) for policy in self.policies]

    @property
    def is_empty(self) -> bool:
        """Whether no policy fits any task."""
        return not any(cell.returns for cell in self.cells.values())

    @property
    def normalises(self) -> bool:
        """Whether any cell has a normalised return."""
        return any(cell.normalised is not None for cell in self.cells.values())


def cross_evaluate(
    policies: Sequence[Policy], tasks: Sequence[Task], conditions: Conditions, jobs: int, on_cell: OnCell
) -> Matrix:
    """Play every policy in every task.

    Args:
        policies: with labels that differ.
        tasks: with names that differ.
        conditions: of every cell; the same episodes for all policies.
        jobs: processes at once; 1 plays in this one.
        on_cell: told of each cell.
    """
    found = _here(policies, tasks, conditions) if jobs == 1 else _beside(policies, tasks, conditions, jobs)
    references = References(conditions)
    cells = {}
    for policy, task, cell in found:
        if cell.returns:
            cell = replace(cell, reference=references.of(task, policy.info.env_kwargs_here))
        cells[policy.label, task.name] = cell
        on_cell(f"{policy.label} in {task.name}")
    return Matrix(tuple(policies), tuple(tasks), cells, conditions)


Found = Iterator[tuple[Policy, Task, Cell]]


def _here(policies: Sequence[Policy], tasks: Sequence[Task], conditions: Conditions) -> Found:
    for policy in policies:
        for task, cell in zip(tasks, play(policy.path, tasks, conditions), strict=True):
            yield policy, task, cell


def _beside(policies: Sequence[Policy], tasks: Sequence[Task], conditions: Conditions, jobs: int) -> Found:
    """Each policy in a process of its own, or in several where there are fewer policies than jobs."""
    parts = min(len(tasks), -(-jobs // len(policies)))
    shares = [tasks[first::parts] for first in range(parts)]
    with Children(jobs, shared_cores(jobs)) as children:
        futures = {
            children.submit(partial(children.run, command(policy.path, share, conditions))): (policy, share)
            for policy, share in itertools.product(policies, shares)
        }
        for future in as_completed(futures):
            policy, share = futures[future]
            printed = future.result()
            assert printed is not None
            if printed.exit_status < 0:
                raise UserError(
                    f"playing {policy.path} was ended by {Signals(-printed.exit_status).name}; use fewer --jobs."
                )
            if printed.exit_status > 0:
                raise RuntimeError(printed.errors)
            for task, line in zip(share, printed.output.splitlines(), strict=True):
                yield policy, task, Cell.from_dict(value_of(line))
