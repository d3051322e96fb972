"""A front door as a table: each flag of another system, its default there, and what it becomes here."""

import argparse
import dataclasses
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rl_baselines.training.request import TrainingRequest
from srl3.flags import Parser

Kind = Callable[[str], Any]
"""from a flag's text to its value; raises `argparse.ArgumentTypeError` with half a sentence"""

REQUEST, HYPERPARAMETER, WORLD = "request.", "hyperparameter.", "world."
READ = ""
"""beginnings of `Flag.to`; the last one: the door itself reads it"""


@dataclasses.dataclass(frozen=True)
class Flag:
    """A flag of a front door.

    Args:
        name: as the other system writes it, without dashes.
        kind: from text to value; None: a switch, on when it is written.
        default: what holds where nobody writes it; None leaves it to the world and its presets.
        to: ``request.<field>`` (a choice of `TrainingRequest`), ``hyperparameter.<name>`` (by any name that the
            algorithm understands; without a name: by the flag's), ``world.<parameter>`` (dotted), or empty: the door
            itself reads it.
        help: what it does.
        note: printed when it is written: what it does not do here.
    """

    name: str
    kind: Kind | None
    default: Any
    to: str
    help: str
    note: str = ""

    @property
    def dest(self) -> str:
        """Its name among the parsed values."""
        return self.name.replace("-", "_").replace(".", "__")


@dataclasses.dataclass
class Draft:
    """A training that is being put together from the flags of a front door."""

    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    """choices of the request"""
    defaults: dict[str, Any] = dataclasses.field(default_factory=dict)
    """hyperparameters that nobody wrote"""
    hyperparameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    """those that were written"""
    world: dict[str, Any] = dataclasses.field(default_factory=dict)
    """parameters of the world, by dotted name"""
    levels: list[tuple[str, dict[str, Any]]] = dataclasses.field(default_factory=list)
    """hyperparameters from files, between defaults and flags: where from, values"""
    notes: list[str] = dataclasses.field(default_factory=list)
    """sentences for the console"""

    def request(self, door: str, arguments: argparse.Namespace, command: str) -> TrainingRequest:
        """The request of it all.

        Args:
            door: name of the command, which the table of hyperparameters shows as where they come from.
            arguments: every flag, for ``args.yaml``.
            command: what the user typed.
        """
        levels = [
            (f"defaults of {door}", self.defaults),
            *self.levels,
            (f"flags of {door}", self.hyperparameters),
        ]
        return TrainingRequest(
            **self.fields,
            levels=tuple((source, values) for source, values in levels if values) or None,
            env_kwargs=self.world or None,
            flags={name: value for name, value in vars(arguments).items() if value is not None},
            command=command,
        )


def add_flags(parser: Parser, flags: Sequence[Flag], prefix: str = "--") -> None:
    """Make a parser take the flags of a table."""
    for flag in flags:
        options: dict[str, Any] = {"dest": flag.dest, "default": flag.default, "help": flag.help}
        if flag.kind is None:
            parser.add_argument(prefix + flag.name, action="store_true", **{**options, "default": bool(flag.default)})
        else:
            metavar = flag.dest.rpartition("__")[2].upper()
            if flag.kind is truth:
                options |= {"nargs": "?", "const": True}
            parser.add_argument(prefix + flag.name, type=flag.kind, metavar=metavar, **options)


def draft(flags: Sequence[Flag], values: Mapping[str, Any], given: Collection[str], *, defaults: bool = True) -> Draft:
    """What the flags of a table become.

    Args:
        flags: the table.
        values: value by `Flag.dest`.
        given: those that the user wrote.
        defaults: whether hyperparameters and parameters of the world that nobody wrote are the table's; else they are
            left to the presets, or to the model that goes on.
    """
    made = Draft()
    for flag in flags:
        value, written = values[flag.dest], flag.dest in given
        if written and flag.note:
            made.notes.append(f"{flag.name}: {flag.note}")
        if value is None or not flag.to:
            continue
        if flag.to.startswith(REQUEST):
            made.fields[flag.to.removeprefix(REQUEST)] = value
        elif written or defaults:
            if flag.to.startswith(WORLD):
                made.world[flag.to.removeprefix(WORLD)] = value
            else:
                where = made.hyperparameters if written else made.defaults
                where[flag.to.removeprefix(HYPERPARAMETER) or flag.dest] = value
    return made


def typed(door: str, argv: Sequence[str]) -> str:
    """The command as its user typed it, for ``args.yaml``."""
    return shlex.join(["python", "-m", f"rl_baselines.{door}", *argv])


# kinds


def text(value: str) -> str:
    """Any text but an empty one."""
    if not value:
        raise argparse.ArgumentTypeError("it must not be empty")
    return value


def folder_part(value: str) -> str:
    """A text that can be part of a folder's name."""
    if not value or "/" in value or value.startswith("."):
        raise argparse.ArgumentTypeError(f"'{value}' can't be part of a folder's name, which has no / and no dot first")
    return value


def truth(value: str) -> bool:
    """``True``, ``False`` and their usual spellings."""
    words = {"true": True, "t": True, "1": True, "yes": True, "false": False, "f": False, "0": False, "no": False}
    if value.lower() not in words:
        raise argparse.ArgumentTypeError(f"'{value}' is not True or False")
    return words[value.lower()]


def number(value: str) -> float:
    """A finite number."""
    try:
        found = float(value)
    except ValueError:
        found = float("nan")
    if found - found != 0:
        raise argparse.ArgumentTypeError(f"'{value}' is not a number")
    return found


def sizes(value: str) -> list[int]:
    """``64,64,64``: sizes of layers."""
    parts = value.strip("[]() ").replace(" ", "").split(",")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"'{value}' is not a list of sizes such as 64,64,64")
    return [int(part) for part in parts]


def one_of(*words: str) -> Kind:
    """One of these words."""

    def choose(value: str) -> str:
        if value not in words:
            raise argparse.ArgumentTypeError(f"'{value}' is not {' or '.join(words)}")
        return value

    return choose


def path(value: str) -> Path:
    """A path, ``~`` being the home folder."""
    return Path(value).expanduser()
