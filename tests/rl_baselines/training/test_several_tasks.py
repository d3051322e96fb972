"""Training on several tasks: cross evaluations meanwhile, and all at once."""

import csv
import io
import json

import numpy as np
import pytest

from rl_baselines.cross_evaluation.history import History, chapters_of, read_history
from rl_baselines.cross_evaluation.planned import PlannedTasks
from rl_baselines.plots import main as plots
from rl_baselines.runs.monitors import read_run
from rl_baselines.training.flags import add_training_flags, request_from_flags
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError
from srl3.flags import Parser

OMNIROBOT = ("--env", "OmnirobotEnv-v0", "--srl-model", "ground_truth", "--num-cpu", "3")
SMALL = ("--num-timesteps", "600", "--hyperparam", "n_steps:20", "--env-kwargs", "max_steps:20")
CROSS = ("--perform-cross-evaluation-cc", "--eval-episode-window", "12", "--eval-episodes", "2")


def plan_of(*flags: str):
    parser = Parser()
    add_training_flags(parser)
    return resolve(request_from_flags(*parser.parse_with_given([*OMNIROBOT, *flags, "--no-vis"])))


def test_a_policy_is_evaluated_in_every_task_that_it_has_seen(small_train, tmp_path, capsys):
    plain = small_train(*OMNIROBOT, *SMALL, "-sc")
    first = small_train(*OMNIROBOT, *SMALL, "-sc", *CROSS)
    np.testing.assert_array_equal(read_run(first.path).returns, read_run(plain.path).returns)
    before = read_history(first.cross_evaluation)
    assert before.tasks == ("sc max_steps:20",)
    assert before.timesteps.tolist() == [0, 240, 480, 600], (
        "at the beginning, every 12 episodes of 20 steps, at the end"
    )
    assert before.episodes.tolist() == [0, 12, 24, 30]
    assert before.returns.shape == (4, 1, 2)

    again = ("--load-rl-model-path", str(first.latest), "--num-timesteps", "600")
    named = ("--cross-evaluation-tasks", "circle=cc,max_steps:20", "square=sqc,max_steps:20")
    second = small_train(*again, "-cc", *CROSS, *named)
    after = read_history(second.cross_evaluation)
    assert after.tasks == ("sc max_steps:20", "circle", "square")
    np.testing.assert_array_equal(after.returns[0, 0], before.returns[-1, 0])
    assert after.returns[0, 0].max() <= 20 < after.returns[:, 1].max(), "the rewards of the circle are larger"
    assert second.forgetting_curves.is_file()

    chapters = chapters_of(second)
    assert [(chapter.run, chapter.start, chapter.steps) for chapter in chapters] == [
        (first, 0, 600),
        (second, 600, 600),
    ]
    capsys.readouterr()
    data = tmp_path / "curves.csv"
    assert plots(["forgetting", "-i", str(second.path), "-o", str(tmp_path / "curves.svg"), "--data", str(data)]) == 0
    rows = list(csv.DictReader(io.StringIO(data.read_text())))
    assert [int(row["timesteps"]) for row in rows if row["task"].startswith("sc")] == [
        *before.timesteps,
        *(600 + after.timesteps),
    ]
    assert float(rows[0]["mean_return"]) == before.returns[0, 0].mean()
    assert "square: mean return " in capsys.readouterr().out
    with pytest.raises(UserError, match="has no cross evaluations; train with --perform-cross-evaluation-cc"):
        plots(["forgetting", "-i", str(plain.path), "-o", str(tmp_path / "none.png")])


def test_tasks_are_learned_at_once_and_count_as_seen(small_train):
    run = small_train(*OMNIROBOT, *SMALL, "--mix-tasks", "sc", "cc", "sqc")
    lines = [path.read_text().splitlines() for path in run.monitors()]
    assert [path.name for path in run.monitors()] == ["0.monitor.csv", "1.monitor.csv", "2.monitor.csv"]
    assert [len(rows) for rows in lines] == [12, 12, 12], "each task has its environment"
    saved = PlannedTasks.from_dict(json.loads(run.plan.read_text())["tasks"])
    assert [task.name for task in saved.mixture] == ["sc", "cc", "sqc"]
    plan = plan_of("--load-rl-model-path", str(run.latest), "-ec", "--perform-cross-evaluation-cc")
    assert plan.tasks.mixture == ()
    assert [task.name for task in plan.tasks.evaluated] == ["sc", "cc", "sqc", "ec max_steps:20"]


def test_a_history_is_cut_back_to_where_a_run_goes_on():
    history = History.empty(("a", "b"), 3)
    for steps in (0, 10, 20):
        history = history.with_row(steps, steps // 10, np.full((2, 3), steps))
    cut = history.until(10)
    assert (cut.timesteps.tolist(), cut.episodes.tolist(), cut.returns[:, 0, 0].tolist()) == ([0, 10], [0, 1], [0, 10])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--eval-episode-window", "3"], "--eval-episode-window is for evaluations in several tasks; add --perform"),
        (["--cross-evaluation-tasks", "cc"], "--cross-evaluation-tasks is for evaluations in several tasks"),
        (["--perform-cross-evaluation-cc", "--cross-evaluation-tasks", "cx"], "unknown task 'cx'"),
        (["--mix-tasks", "cc"], "--mix-tasks mixes two tasks or more"),
        (["--mix-tasks", "cc", "cc"], "two tasks are called cc"),
        (
            ["--mix-tasks", "cc", "a=env:MobileRobotGymEnv-v0"],
            "tasks of one world, OmnirobotEnv-v0; a is of MobileRobot",
        ),
        (["--mix-tasks", "cc", "sc", "--num-cpu", "1"], "among 2 tasks, and there are 1; add --num-envs 2, or more"),
        (["-ec", "--mix-tasks", "cc", "sc"], "are different tasks of OmnirobotEnv-v0"),
    ],
)
def test_mistakes(flags, sentence):
    with pytest.raises(UserError, match=sentence):
        plan_of(*flags)
