"""``python -m rl_baselines.checkpoint_panel``: chooses what a running `play` shows, from another terminal."""

import argparse
from pathlib import Path

from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR, find_run
from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_number

MAX_SLOTS = 16
"""`rl_baselines.play.core.slots.MAX_SLOTS`, which loads more than a command's start should"""
EXAMPLES = """examples:
  python -m rl_baselines.checkpoint_panel --experiment Ant                             a menu
  python -m rl_baselines.checkpoint_panel --experiment Ant --show model_20000_steps    and back: --auto
  python -m rl_baselines.checkpoint_panel --experiment Ant --slot 2 --auto             of play --compare Ant Ant
"""


def make_parser() -> Parser:
    """The flags of ``checkpoint_panel``."""
    parser = Parser(
        prog="python -m rl_baselines.checkpoint_panel",
        description="Choose which checkpoint of a run is watched: a running play obeys at once. Without a flag a menu.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "--experiment",
        "--run",
        dest="run",
        required=True,
        metavar="RUN",
        help="run folder, folder above runs, part of a run's name",
    )
    parser.add_argument("--log-dir", type=Path, default=DEFAULT_LOG_DIR, help="where runs are looked for by name")
    parser.add_argument(
        "--slot",
        type=slot_number,
        default=1,
        metavar="K",
        help="where play shows this run more than once, side by side: the K-th of these (default: 1)",
    )
    once = parser.add_mutually_exclusive_group()
    once.add_argument("--auto", action="store_true", help="follow the newest checkpoint, and end")
    once.add_argument("--show", metavar="NAME", help="show the checkpoint with this name, or part of it, and end")
    once.add_argument("--list", action="store_true", help="list the checkpoints, and end")
    return parser


def slot_number(text: str) -> int:
    """A slot of `play`, from 1 on."""
    number = positive_number(text)
    if number > MAX_SLOTS:
        raise argparse.ArgumentTypeError(f"'{text}' is no slot; play shows up to {MAX_SLOTS} side by side")
    return number


def main(argv: list[str] | None = None) -> int:
    """Parse, choose or show the menu; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    run = find_run(arguments.run, arguments.log_dir)

    from rl_baselines.play.policies.terminal_menu import Menu

    menu = Menu(run, arguments.slot)
    if arguments.auto:
        menu.follow()
        print(menu.said)
    elif arguments.show is not None:
        found = menu.named(arguments.show)
        if len(found) != 1:
            names = ", ".join(path.name for path in (found or menu.checkpoints()))
            what = "is in the names of several" if found else "is no checkpoint of this run"
            raise UserError(f"'{arguments.show}' {what}; there are {names or 'none yet'}.")
        menu.show(found[0])
        print(menu.said)
    elif arguments.list:
        print(menu.text())
    else:
        menu.run()
    return 0


if __name__ == "__main__":
    run_command(main)
