"""Tasks and budgets from a YAML file."""

from pathlib import Path

import pytest

from rl_baselines.continual.task_file import read_tasks
from rl_baselines.cross_evaluation.tasks import Task
from srl3.errors import UserError

OMNIROBOT = "OmnirobotEnv-v0"
FILE = """
- sc
- far=cc,radius:0.5
- {name: near, task: sqc, env_kwargs: {max_steps: 20}, budget: 1e5}
- {env_kwargs: {circular_continual_move: true, radius: 0.4}, budget: 2_000}
"""


def read(folder: Path, text: str) -> tuple[list[Task], list[int | None]]:
    file = folder / "tasks.yaml"
    file.write_text(text, encoding="utf-8")
    return read_tasks(file, OMNIROBOT, {"max_steps": 50})


def test_a_task_is_a_text_or_a_mapping_with_its_budget(tmp_path: Path) -> None:
    tasks, budgets = read(tmp_path, FILE)
    assert tasks == [
        Task("sc", OMNIROBOT, {"max_steps": 50, "simple_continual_target": True}),
        Task("far", OMNIROBOT, {"max_steps": 50, "circular_continual_move": True, "radius": 0.5}),
        Task("near", OMNIROBOT, {"max_steps": 20, "square_continual_move": True}),
        Task(
            "cc max_steps:50 radius:0.4", OMNIROBOT, {"max_steps": 50, "circular_continual_move": True, "radius": 0.4}
        ),
    ]
    assert budgets == [None, None, 100_000, 2000]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must hold a list of tasks"),
        ("[]", "must hold a list of tasks"),
        ("sc: 1", "must hold a list of tasks"),
        ("- [", "is not YAML"),
        ("- sc\n- 5", "task 2 in .*tasks.yaml must be a text as --task takes it, or a mapping with name, task"),
        ("- {}", "task 1 in .* must be a text"),
        ("- {task: ss}", "unknown task 'ss'; did you mean"),
        ("- {task: sc, budgets: 5}", "unknown key of task 1 in .* 'budgets'; did you mean budget"),
        ("- {name: a}", "says neither task nor env_kwargs"),
        ("- {task: 5}", "task of task 1 in .* must be a word, not 5"),
        ("- {task: sc, name: a=b}", "name of task 1 in .* must be a word without =, that begins with no -"),
        ("- {task: sc, name: -sc}", "that begins with no -"),
        ("- {task: sc, env_kwargs: [1]}", "env_kwargs of task 1 in .* must be parameters, name: value"),
        ("- {task: sc, env_kwargs: {radiuss: 1}}", "unknown parameter of OmnirobotEnv-v0 'radiuss'; did you mean"),
        ("- {task: sc, budget: -3}", "budget of task 1 in .*: '-3' is not at least 1"),
        ("- {task: sc, budget: 0}", "budget of task 1 in .*: '0' is not at least 1"),
        ("- {task: sc, budget: [3]}", "budget of task 1 in .*: '\\[3\\]' is not a number"),
        ("- sc\n- {task: sc, budget: 5}", "two tasks are called sc"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, text)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UserError):
            read_tasks(path, OMNIROBOT, {})
