"""What every command's flags are made of: the parser, numbers as users write them, ``name:value`` pairs.

Imports nothing heavy: ``--help`` is quick.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from srl3.errors import UserError
from srl3.formats.yaml import value_of

TRUTHS = {"true": True, "false": False}
"""values that people give to switches"""
_SWITCHES = (argparse._StoreTrueAction, argparse.BooleanOptionalAction, argparse._AppendConstAction)


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults that say something, and keeps the line breaks of the examples."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        silent = action.default is None or action.default == [] or action.default is False
        return action.help if silent else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UserError`, with close matches for a misspelt flag."""

    moved: Mapping[str, str] = MappingProxyType({})
    """flags that other programs have, and what does here what they do there, as half a sentence"""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=HelpFormatter, allow_abbrev=False, usage="%(prog)s [flags]", **kwargs)
        self._words: list[str] = []
        self.register("type", Path, path_with_home)  # every flag of a path, in every command

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        off: list[str] = []
        words = self._switched(sys.argv[1:] if args is None else args, off)
        self._words = words
        arguments, unknown = super().parse_known_args(words, namespace)
        for name in off:
            setattr(arguments, name, False)
        return arguments, unknown

    def _switched(self, words: Sequence[str], off: list[str]) -> list[str]:
        """The command line with ``--switch=True``, ``--switch True`` and ``--switch = True`` as ``--switch``; those
        that are switched off by a False go into ``off``. A command that takes words takes no lone ``True``."""
        plain: list[str] = []
        left = list(words)
        takes_words = any(not action.option_strings for action in self._actions)
        while left:
            if left[0] == "--":
                return plain + left
            flag, equals, value = left.pop(0).partition("=")
            action = self._option_string_actions.get(flag)
            if not isinstance(action, _SWITCHES):
                plain.append(f"{flag}{equals}{value}")
                continue
            if not equals and left[:1] == ["="]:
                equals = left.pop(0)
            if not value and left and (equals or (left[0].lower() in TRUTHS and not takes_words)):
                value = left.pop(0)
            if not (equals or value):
                plain.append(flag)
                continue
            if value.lower() not in TRUTHS:
                raise UserError(f"{flag} is a switch and takes no value but true or false, not '{value}'.")
            if TRUTHS[value.lower()]:
                plain.append(flag)
            elif isinstance(action, argparse.BooleanOptionalAction):
                opposite = not flag.startswith("--no-")
                plain.append(next(name for name in action.option_strings if name.startswith("--no-") == opposite))
            elif isinstance(action, argparse._StoreTrueAction):
                off.append(action.dest)
        return plain

    def error(self, message: str) -> NoReturn:
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if message.startswith("the following arguments are required"):
            unknown = re.match(r"(-\S+)", self._first_unknown()) or unknown
        clustered = re.match(r"argument (-\w)\b.*: ignored explicit argument '(.*)'", message)  # -conf, where -c is
        if unknown or clustered:
            flag = unknown.group(1).split("=")[0] if unknown else "".join(clustered.groups() if clustered else ())
            if flag in self.moved:
                raise UserError(f"there is no {flag} here; {self.moved[flag]}.")
            if flag.startswith("-"):
                close = get_close_matches(flag, self._option_string_actions, n=2, cutoff=0.6)
                hint = f"did you mean {' or '.join(close)}?" if close else f"see {self.prog} --help."
                raise UserError(f"unknown flag '{flag}'; {hint}")
            raise UserError(f"unexpected argument '{flag}'; flags begin with -, see {self.prog} --help.")
        choice = re.match(r"(argument .*?: invalid choice: '(.*?)') \(choose from (.*)\)$", message)
        if choice:
            close = get_close_matches(choice.group(2), re.findall(r"[^',\s]+", choice.group(3)), n=2, cutoff=0.6)
            if close:
                raise UserError(f"{choice.group(1)}; did you mean {' or '.join(close)}?")
        raise UserError(f"{message}; see {self.prog} --help.")

    def _first_unknown(self) -> str:
        """The first flag of the command line that the command has not; empty: it has all."""
        for word in self._words:
            if word == "--":
                break
            flag = word.partition("=")[0]
            known = flag in self._option_string_actions or flag[:2] in self._option_string_actions
            if word.startswith("-") and not known and not re.match(r"-[\d.]|-$", word):
                return word
        return ""

    def flags(self) -> list[argparse.Action]:
        """What the command takes, flags and arguments."""
        return self._actions

    def parse_with_given(self, argv: Sequence[str] | None) -> tuple[argparse.Namespace, set[str]]:
        """The arguments, and the names of those that the user wrote."""
        arguments = self.parse_args(argv)
        defaults = {action.dest: action.default for action in self._actions}
        for action in self._actions:
            action.default = argparse.SUPPRESS
        try:
            given = set(vars(self.parse_args(argv)))
        finally:
            for action in self._actions:
                action.default = defaults[action.dest]
        return arguments, given


def whole_number(text: str) -> int:
    """``1000``, ``1e6``, ``100_000``; a whole number of at least 0."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not number.is_integer() or number < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 0")
    return int(number)


def positive_number(text: str) -> int:
    """A whole number of at least 1, written as for `whole_number`."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not at least 1")
    if not number.is_integer():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(number)


def seed_number(text: str) -> int:
    """A seed from 0 to 2**32 - 1, or -1 to draw one."""
    if text.strip() == "-1":
        return -1
    try:
        number = whole_number(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 0, or -1 to draw one") from None
    if number >= 2**32:
        raise argparse.ArgumentTypeError(f"'{text}' is too large; seeds go up to 2**32 - 1")
    return number


def positive_float(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return number


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not from 0 to 1")
    return number


def port_number(text: str) -> int:
    """A TCP port that a user may open: 1024 to 65535."""
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 1024 to 65535")
    return int(text)


def path_with_home(text: str) -> Path:
    """A path as the shell means it: ``~`` is the home folder also after ``--flag=``."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # a home folder of nobody
        return Path(text)


def parse_pair(item: str, flag: str) -> tuple[str, Any]:
    """``name:value`` with a YAML value; numbers such as ``1e-4`` and ``100_000`` are numbers too.

    Raises:
        UserError: when it is not of that form.
    """
    name, colon, text = item.partition(":")
    if not (name and colon and text):
        raise UserError(f"{flag} takes name:value, for example max_steps:500, not '{item}'.")
    try:
        value = value_of(text)
    except ValueError:
        raise UserError(f"the value in {flag} {item} can't be read; write a number, a word or a list [a, b].") from None
    return name, value
