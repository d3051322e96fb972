"""A run of a grid in a process of its own: ``python -m rl_baselines.grid.child RESULT FLAG…``.

The flags are train's. ``RESULT`` is a JSON file with the run folder, written as soon as that is made, and at the end
with the exit status.
"""

import dataclasses
import json
import shlex
import sys
from pathlib import Path

from rl_baselines.training.flags import add_training_flags, request_from_flags
from srl3.errors import UserError, run_command
from srl3.files import write_text
from srl3.flags import Parser
from srl3.formats.json import read_mapping


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run says of itself."""

    run_folder: str | None = None
    """absolute"""
    exit_status: int | None = None
    """None while it runs, and of one that was killed"""


def read_result(path: Path) -> Result:
    """What the file says; nothing of one that is missing or damaged."""
    try:
        return Result(**read_mapping(path, "its run begins anew"))
    except (UserError, TypeError):
        return Result()


def write_result(path: Path, result: Result) -> None:
    """Write the file in one piece."""
    write_text(path, json.dumps(dataclasses.asdict(result)) + "\n")


def main(argv: list[str] | None = None) -> int:
    """Train as ``train`` does with these flags; returns the exit status."""
    result, *flags = sys.argv[1:] if argv is None else argv
    path = Path(result)
    parser = Parser(prog="python -m rl_baselines.train", description="Train a robot policy.")
    add_training_flags(parser)
    command = shlex.join(["python", "-m", "rl_baselines.train", *flags])
    request = request_from_flags(*parser.parse_with_given(flags), command)

    from rl_baselines.training.resolve import resolve
    from rl_baselines.training.run import run_training

    done = run_training(resolve(request), on_begin=lambda run: write_result(path, Result(str(run.path.absolute()))))
    if done.run is not None:
        write_result(path, Result(str(done.run.path.absolute()), done.status))
    return done.status


if __name__ == "__main__":
    run_command(main)
