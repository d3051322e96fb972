"""Figures of runs: reading monitor files, smoothing, learning curves, statistics over seeds.

``python -m rl_baselines.plots`` is a command too; `main` runs it.

Training and searches draw with it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srl3.flags import Parser


def make_parser() -> "Parser":
    """The flags of ``plots``."""
    from rl_baselines.plots.flags import make_parser as made

    return made()


def main(argv: list[str] | None = None) -> int:
    """Parse, draw or count; returns the exit status."""
    from rl_baselines.plots.command import run

    return run(argv)
