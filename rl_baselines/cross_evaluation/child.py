"""One policy in several tasks, in a process of its own: ``python -m rl_baselines.cross_evaluation.child JSON``.

The JSON names the checkpoint, the tasks and the conditions; a line of JSON is printed for each cell as it is played.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rl_baselines.cross_evaluation.play import Conditions, play
from rl_baselines.cross_evaluation.tasks import Task
from srl3.errors import run_command
from srl3.formats.json import value_of


def command(path: Path, tasks: Sequence[Task], conditions: Conditions) -> list[str]:
    """What to run."""
    order: dict[str, Any] = {
        "path": str(path),
        "tasks": [task.as_dict() for task in tasks],
        "conditions": conditions.as_dict(),
    }
    return [sys.executable, "-m", "rl_baselines.cross_evaluation.child", json.dumps(order)]


def main(argv: list[str] | None = None) -> int:
    """Play, and print the cells."""
    (text,) = sys.argv[1:] if argv is None else argv
    order = value_of(text)
    tasks = [Task.from_dict(each) for each in order["tasks"]]
    for cell in play(Path(order["path"]), tasks, Conditions(**order["conditions"])):
        print(json.dumps(cell.as_dict()), flush=True)
    return 0


if __name__ == "__main__":
    run_command(main)
