"""A policy watched live, while it is trained or afterwards: ``python -m rl_baselines.play``.

`core` follows checkpoints and steps the world, without a window; viewers show it. Commands import it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srl3.flags import Parser


def make_parser() -> "Parser":
    """The flags of ``play``."""
    from rl_baselines.play.flags import make_parser as made

    return made()


def main(argv: list[str] | None = None) -> int:
    """Parse, find what is to be watched, watch; returns the exit status."""
    from rl_baselines.play.command import run

    return run(argv)
