"""``python -m rl_baselines.train_reorient``: trains by the flags of MuJoCo Playground's ``train_reorient.py``."""

import sys

from rl_baselines import enjoy
from rl_baselines.front_doors import reorient
from rl_baselines.front_doors.reorient import make_parser
from rl_baselines.front_doors.shared.order import carry_out
from srl3.errors import run_command

__all__ = ["main", "make_parser"]


def main(argv: list[str] | None = None) -> int:
    """Parse, check, train or run; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    return carry_out(reorient.understand(arguments), reorient.DOOR, arguments, {"enjoy": enjoy.main})


if __name__ == "__main__":
    run_command(main)
