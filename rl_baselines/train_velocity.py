"""``python -m rl_baselines.train_velocity``: trains by the dotted names of mjlab's ``train``."""

import sys

from rl_baselines.front_doors import velocity
from rl_baselines.front_doors.shared.order import carry_out
from rl_baselines.front_doors.velocity import make_parser
from srl3.errors import run_command

__all__ = ["main", "make_parser"]


def main(argv: list[str] | None = None) -> int:
    """Parse, check, train; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    return carry_out(velocity.understand(arguments), velocity.DOOR, arguments, {})


if __name__ == "__main__":
    run_command(main)
