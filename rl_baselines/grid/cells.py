"""The runs of a grid: the product of environments, representations, algorithms and seeds."""

import argparse
import itertools
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from srl3.errors import UserError

AXES = ("env", "srl_model", "algo")
"""flags of train that take several values in a grid"""
SHOWN_ONLY = frozenset({"log_dir", "port", "no_vis", "no_progress", "device", "track", "export"})
"""flags of train that do not make another run"""


@dataclass(frozen=True)
class Cell:
    """One run of a grid."""

    env: str
    srl_model: str
    algo: str
    seed: int
    flags: tuple[str, ...]
    """the flags of train that all runs share and that make a run what it is"""
    what: str = field(default="", compare=False)
    """for people: what is learned, where the other fields do not say it"""

    @property
    def arguments(self) -> list[str]:
        """What train is called with, besides where and what it shows."""
        return [
            *("--algo", self.algo, "--env", self.env, "--srl-model", self.srl_model, "--seed", str(self.seed)),
            *self.flags,
        ]

    @property
    def key(self) -> str:
        """The same for the same run, whatever grid it is part of."""
        return shlex.join(self.arguments)

    @property
    def name(self) -> str:
        """For people."""
        what = f" ({self.what})" if self.what else ""
        return f"{self.algo} on {self.env} from {self.srl_model}{what}, seed {self.seed}"


def product(
    environments: Sequence[str], srl_models: Sequence[str], algos: Sequence[str], seeds: Sequence[int], flags: list[str]
) -> list[Cell]:
    """Every combination, each once, seeds innermost."""
    combinations = itertools.product(environments, srl_models, algos, seeds)
    return [Cell(*combination, tuple(flags)) for combination in dict.fromkeys(combinations)]


def incompatible(cells: Iterable[Cell], check: Callable[[Cell], object]) -> dict[str, list[Cell]]:
    """Cells that can't be trained, by the sentence that says why; seeds make no difference.

    Args:
        cells: of a grid.
        check: raises `UserError` as train would.
    """
    reasons: dict[tuple[str, str, str], str | None] = {}
    wrong: dict[str, list[Cell]] = {}
    for cell in cells:
        combination = (cell.env, cell.srl_model, cell.algo)
        if combination not in reasons:
            try:
                check(cell)
                reasons[combination] = None
            except UserError as error:
                reasons[combination] = str(error)
        reason = reasons[combination]
        if reason is not None:
            wrong.setdefault(reason, []).append(cell)
    return wrong


def flags_of(parser: argparse.ArgumentParser, arguments: argparse.Namespace, names: Iterable[str]) -> list[str]:
    """The command line that sets these arguments, in the parser's order and one spelling."""
    wanted = set(names)
    line: list[str] = []
    for action in parser._actions:
        if action.dest not in wanted:
            continue
        wanted.remove(action.dest)
        flag, value = action.option_strings[-1], getattr(arguments, action.dest)
        if action.nargs == 0:
            line.append(flag)
        elif isinstance(value, list) and action.nargs is None:  # a flag that is given once for each
            line += [word for each in value for word in (flag, str(each))]
        elif isinstance(value, list):
            line += [flag, *map(str, value)]
        else:
            line += [flag, str(value)]
    return line
