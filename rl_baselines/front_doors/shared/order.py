"""What a front door was asked for: a training, or to watch or to run a policy that is there."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rl_baselines.runs.folder import RunFolder
from rl_baselines.training.request import TrainingRequest

if TYPE_CHECKING:
    from rl_baselines.training.plan import TrainingPlan

Main = Callable[[list[str]], int]
"""of a command"""


@dataclasses.dataclass(frozen=True)
class Order:
    """What is to be done.

    Args:
        request: a training.
        calls: commands with their arguments, one after the other, in the place of a training.
        notes: sentences for the console, first of all.
        announce: printed with the run's folder when a training has made it.
        environment: variables of the process while it trains.
        on_begin: told that folder and the plan.
    """

    request: TrainingRequest | None = None
    calls: tuple[tuple[str, list[str]], ...] = ()
    notes: tuple[str, ...] = ()
    announce: str = ""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    on_begin: "Callable[[RunFolder, TrainingPlan], None] | None" = None


def carry_out(order: Order, door: str, argv: Sequence[str], commands: Mapping[str, Main]) -> int:
    """Do it; returns the exit status, that of the first command that failed.

    Args:
        order: from a front door.
        door: that command's name, which further processes run too.
        argv: what it was given.
        commands: what `Order.calls` may name, by name.
    """
    for note in order.notes:
        print(note, flush=True)
    if order.request is None:
        for name, arguments in order.calls:
            status = commands[name](arguments)
            if status:
                return status
        return 0

    from rl_baselines.training.ranks.start import run_request

    def begin(run: RunFolder, plan: "TrainingPlan") -> None:
        if order.announce:
            print(f"{order.announce}{run.path}", flush=True)
        if order.on_begin is not None:
            order.on_begin(run, plan)

    with _variables(order.environment):
        return run_request(order.request, f"rl_baselines.{door}", argv, begin)


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Within the block the process has these environment variables."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
