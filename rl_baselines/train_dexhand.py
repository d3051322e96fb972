"""``python -m rl_baselines.train_dexhand``: trains by the flags and files of DexHand's ``train.py``."""

import sys

from rl_baselines.front_doors import dexhand
from rl_baselines.front_doors.dexhand import make_parser
from rl_baselines.front_doors.shared.order import carry_out
from rl_baselines.play import command as play
from srl3.errors import run_command

__all__ = ["main", "make_parser"]


def main(argv: list[str] | None = None) -> int:
    """Parse, check, train or watch; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    return carry_out(dexhand.understand(arguments), dexhand.DOOR, arguments, {"play": play.run})


if __name__ == "__main__":
    run_command(main)
