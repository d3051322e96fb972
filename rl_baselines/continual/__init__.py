"""Tasks one after the other, with one command: ``python -m rl_baselines.continual``; `main` runs it.

Nothing imports it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srl3.flags import Parser


def make_parser() -> "Parser":
    """The flags of ``continual``."""
    from rl_baselines.continual.flags import make_parser as made

    return made()


def main(argv: list[str] | None = None) -> int:
    """Parse, check, train, compare; returns the exit status."""
    from rl_baselines.continual.command import run

    return run(argv)
