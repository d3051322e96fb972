"""A policy as a file that runs without SRL3: ONNX with a contract, checks of it, a runner, C.

Commands import it. Importing it loads nothing: ``main`` loads what it needs.
"""

from srl3.flags import Parser


def main(argv: list[str] | None = None) -> int:
    """The command ``export``; returns the exit status."""
    from rl_baselines.export.command import run

    return run(argv)


def make_parser() -> Parser:
    """The flags of ``export``."""
    from rl_baselines.export.command import make_parser

    return make_parser()
