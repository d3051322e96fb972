"""The ways in which other systems write flags: absl's, Hydra's ``key=value``, tyro's dotted names."""

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from rl_baselines.front_doors.shared.table import truth
from srl3.errors import UserError, unknown_name
from srl3.flags import Parser

HELP = ("-h", "--help")


class DashParser(Parser):
    """argparse's own ``--name value``; a ``key=value`` is told how it is written."""

    def error(self, message: str) -> NoReturn:
        key, equals, value = message.removeprefix("unrecognized arguments: ").partition(" ")[0].partition("=")
        if message.startswith("unrecognized arguments: ") and equals and not key.startswith("-"):
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", key).lower().replace("_", "-")
            known = [flag.removeprefix("--") for flag in self._option_string_actions if flag.startswith("--")]
            if name not in known:
                raise unknown_name("flag", f"{key}={value}", known)
            raise UserError(f"flags of this command begin with dashes; write --{name} {value}, not {key}={value}.")
        super().error(message)


class AbslParser(Parser):
    """``--name=value``, ``--name value`` or with one dash; a switch is ``--name``, ``--name=true`` or ``--noname``."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        return super().parse_args([self._plain(token) for token in _typed(args)], namespace)

    def _plain(self, token: str) -> str:
        if not token.startswith("-"):
            name, equals, _ = token.partition("=")
            if equals and f"--{name}" in self._option_string_actions:
                raise UserError(f"flags of this command begin with dashes; write --{token}.")
            return token
        name, equals, value = token.lstrip("-").partition("=")
        if name.startswith("no") and not equals and _is_switch(self._option_string_actions.get(f"--{name[2:]}")):
            return f"--{name[2:]}=False"
        return token if token in HELP or not token[1:2].isalpha() else f"--{name}{equals}{value}"


class KeyValueParser(Parser):
    """Hydra's ``key=value``; names with dots are collected in ``dotted``.

    Args:
        elsewhere: keys of the other system that are not here, with half a sentence on what is.
    """

    def __init__(self, elsewhere: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.elsewhere = elsewhere
        self.usage = "%(prog)s key=value ..."
        _collect_dotted(self)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        tokens: list[str] = []
        for token in _typed(args):
            tokens += [token] if token in HELP else self._plain(token)
        return super().parse_args(tokens, namespace)

    def format_help(self) -> str:
        """The help, with keys as they are written."""

        def written(found: re.Match[str]) -> str:
            return f"{found[1]}={found[2]}".ljust(len(found[0]))

        text = re.sub(r"(?<=^  )--(\w+) \[?(\w+)\]?", written, super().format_help(), flags=re.M)
        return re.sub(r" +$", "", text, flags=re.M)

    def keys(self) -> list[str]:
        """The keys that it takes."""
        return [name.removeprefix("--") for name in self._option_string_actions if name not in (*HELP, _DOTTED)]

    def _plain(self, token: str) -> list[str]:
        key, equals, value = token.lstrip("-").partition("=")
        name = key.replace("-", "_")
        if token.startswith("-"):
            known = name if name in self.keys() else unknown_name("key", name, self.keys())
            if isinstance(known, UserError):
                raise UserError(f"this command takes key=value without dashes, not {token}; {_hint(known)}")
            raise UserError(f"this command takes key=value without dashes; write {name}={value or '…'}, not {token}.")
        if key.startswith(("+", "~")):
            raise UserError(f"'{token}' adds or removes a key, which only Hydra's own files have; write key=value.")
        if not equals:
            raise UserError(f"this command takes key=value, not '{token}'; for example task=Ant mode=train.")
        if key in self.elsewhere:
            raise UserError(f"{token}: {self.elsewhere[key]}.")
        if "." in key:
            return [_DOTTED, f"{key}={value}"]
        if key not in self.keys():
            raise unknown_name("key", key, self.keys())
        return [f"--{key}={value}"]

    def error(self, message: str) -> NoReturn:
        super().error(message.removeprefix("argument --"))


class DottedParser(Parser):
    """tyro's ``--a.b-c value …``, dashes and underscores alike; a switch is ``--x``, ``--x True`` or ``--no-x``.

    Args:
        open_prefixes: flags beginning with these that the parser does not know are collected in ``dotted``.
    """

    def __init__(self, open_prefixes: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.open_prefixes = tuple(open_prefixes)
        _collect_dotted(self)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        tokens: list[str] = []
        words = list(_typed(args))
        while words and not words[0].startswith("-"):
            if "=" in words[0]:
                raise UserError(f"flags of this command begin with dashes; write --{words[0].replace('=', ' ')}.")
            tokens.append(words.pop(0))
        while words:
            first, equals, value = words.pop(0).partition("=")
            values = [value] if equals else []
            while words and not words[0].startswith("--") and words[0] not in HELP and not equals:
                values.append(words.pop(0))
            tokens += self._plain(first, values)
        return super().parse_args(tokens, namespace)

    def _plain(self, flag: str, values: list[str]) -> list[str]:
        name = flag.replace("_", "-")
        joined = ",".join(values)
        before, dot, last = name.lstrip("-").rpartition(".")
        positive = f"--{before}{dot}{last.removeprefix('no-')}"
        if last.startswith("no-") and not values and _is_switch(self._option_string_actions.get(positive)):
            return [f"{positive}=False"]
        if name not in self._option_string_actions and name.lstrip("-").startswith(self.open_prefixes):
            return [_DOTTED, f"{name.lstrip('-').replace('-', '_')}={joined}"]
        return [f"{name}={joined}"] if values else [name]


_DOTTED = "--dotted"


def _collect_dotted(parser: Parser) -> None:
    parser.add_argument(_DOTTED, action="append", default=[], help=argparse.SUPPRESS)


def _typed(args: Sequence[str] | None) -> Sequence[str]:
    return sys.argv[1:] if args is None else args


def _is_switch(action: argparse.Action | None) -> bool:
    return action is not None and (action.nargs == 0 or action.type is truth)


def _hint(error: UserError) -> str:
    return str(error).partition("; ")[2]
