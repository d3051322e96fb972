"""``python -m rl_baselines.completion``: prints the script that lets a shell complete srl3's commands and flags."""

import argparse
import importlib
from collections.abc import Callable, Iterable
from pathlib import Path

from environments.registry import known_envs
from rl_baselines.registry import registered_rl
from srl3.cli import COMMANDS
from srl3.errors import UserError, run_command
from srl3.flags import Parser
from state_representation.registry import registered_srl

EXAMPLES = """examples:
  srl3 completion bash > ~/.local/share/bash-completion/completions/srl3
  srl3 completion zsh > ~/.zfunc/_srl3     # with fpath+=~/.zfunc before compinit
"""
SHELLS = ("bash", "zsh", "tcsh", "fish")
NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "env": known_envs,
    "algo": lambda: registered_rl,
    "srl_model": lambda: registered_srl,
}
"""what the flags of these names may be, whichever command they are of"""


def make_parser() -> Parser:
    """The flags of ``completion``."""
    parser = Parser(
        prog="python -m rl_baselines.completion",
        description="Print the script that lets a shell complete srl3's commands, flags, worlds and algorithms.",
        epilog=EXAMPLES,
    )
    parser.add_argument("shell", choices=SHELLS, help="which shell")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Print the script."""
    arguments = make_parser().parse_args(argv)
    try:
        import shtab
    except ImportError:
        raise UserError("completion needs the extra [completion]; run: pip install 'srl3[completion]'") from None
    print(shtab.complete(whole_parser(), shell=arguments.shell))
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """``srl3`` as one parser with a sub-parser for each command, its flags' values completed where they are known."""
    import shtab

    whole = argparse.ArgumentParser(prog="srl3")
    commands = whole.add_subparsers()
    for name, command in COMMANDS.items():
        flags = importlib.import_module(command.module).make_parser()
        for action in flags.flags():
            if action.choices is None and action.dest in NAMES:
                action.choices = sorted(NAMES[action.dest]())
            elif action.type is Path or action.dest in ("log_dir", "resume", "load_rl_model_path"):
                action.complete = shtab.FILE
        commands.add_parser(name, parents=[flags], add_help=False, help=command.summary)
    return whole


if __name__ == "__main__":
    run_command(main)
