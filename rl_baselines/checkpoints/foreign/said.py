"""What the user says of a file that SRL3 did not write, and the flags that say it. Imports nothing heavy."""

import argparse
import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Said:
    """What a file does not say itself."""

    algo: str | None = None
    """key of ``registered_rl``"""
    env: str | None = None
    """key of ``registered_env``, or an id of Gymnasium's"""
    env_kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """parameters of the world"""
    trust_pickle: bool = False
    """whether pickles may be opened, which can run any code"""


NOTHING_SAID = Said()


def add_foreign_flags(parser: argparse.ArgumentParser, *, algo: bool = True, env: bool = True) -> None:
    """``--algo``, ``--env`` and ``--trust-pickle``, for a model of Stable-Baselines3 or rl-zoo3.

    Args:
        parser: of the command.
        algo: the command has no ``--algo`` of its own.
        env: it has no ``--env`` of its own.
    """
    group = parser.add_argument_group("models of Stable-Baselines3 and rl-zoo3")
    if algo:
        group.add_argument("--algo", help="the algorithm of a zip that does not say it")
    if env:
        group.add_argument("--env", help="the world of a zip that does not say it")
    add_trust_flag(group)


def add_trust_flag(group: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """``--trust-pickle`` alone."""
    group.add_argument(
        "--trust-pickle",
        action="store_true",
        help="open the pickles (vecnormalize.pkl) of a model of Stable-Baselines3 or rl-zoo3: they can run any code",
    )
