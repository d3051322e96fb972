"""``python -m rl_baselines.checkpoint_control_panel``: `checkpoint_panel` for the runs of ``train_play``."""

import sys
from pathlib import Path

from rl_baselines import checkpoint_panel
from srl3.errors import run_command
from srl3.flags import Parser

LOG_DIR = Path("runs")


def make_parser() -> Parser:
    """The flags of ``checkpoint_control_panel``."""
    parser = checkpoint_panel.make_parser()
    parser.prog = "python -m rl_baselines.checkpoint_control_panel"
    parser.set_defaults(log_dir=LOG_DIR)
    return parser


def main(argv: list[str] | None = None) -> int:
    """As `checkpoint_panel`, looking for runs in ``runs/``; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(arguments):
        make_parser().parse_args(arguments)
    return checkpoint_panel.main(["--log-dir", str(LOG_DIR), *arguments])


if __name__ == "__main__":
    run_command(main)
