"""``cross_eval``: any policies in any tasks."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from environments import oracle
from rl_baselines import cross_eval, enjoy
from rl_baselines.cross_evaluation.cells import Cell, Reference
from rl_baselines.cross_evaluation.matrix import Matrix, cross_evaluate
from rl_baselines.cross_evaluation.play import Conditions
from rl_baselines.cross_evaluation.policies import find_policies
from rl_baselines.cross_evaluation.tables import as_csv, as_json, as_markdown
from rl_baselines.cross_evaluation.tasks import Task
from rl_baselines.plots.tasks.heat_map import heat_map
from srl3.errors import UserError
from tests.rl_baselines.conftest import MOBILE, SMALL

ENV = "MobileRobotGymEnv-v0"
SHORT = ("--env-kwargs", "max_steps:20")
SAVED = ("--save-freq", "200", "--min-episodes-save", "1000000")
TASKS = ("--task", "fixed=max_steps:20", "drawn=max_steps:20,random_target:true")
QUICK = ("--num-episodes", "6", "--seed", "3", "--no-progress")


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> Path:
    """Two trained policies: of the mobile robot, and of the one that only moves along a line."""
    from rl_baselines import train

    log_dir = tmp_path_factory.mktemp("logs")
    shown = ("--no-vis", "--no-progress", "--log-dir", str(log_dir))
    for env in (ENV, "MobileRobot1DGymEnv-v0"):
        assert train.main([*MOBILE, "--env", env, *SMALL, *SHORT, *SAVED, *shown]) == 0
    return log_dir


def test_every_cell_is_what_enjoy_and_the_oracle_say(logs, tmp_path, capsys):
    output = tmp_path / "matrix.json"
    runs = [f"flat={logs / ENV}", f"line={logs / 'MobileRobot1DGymEnv-v0'}"]
    assert cross_eval.main([*runs, "--env", ENV, *TASKS, *QUICK, "-o", str(output)]) == 0
    printed = capsys.readouterr().out
    content = json.loads(output.read_text())
    cells = {(cell["policy"], cell["task"]): cell for cell in content["cells"]}

    drawn = [*SHORT, "random_target:true"]
    enjoy.main(["--log-dir", str(logs / ENV), "--num-episodes", "6", "--seed", "3", "--json", *drawn])
    assert cells["flat", "drawn"]["returns"] == json.loads(capsys.readouterr().out)["returns"]
    oracle.main(["--env", ENV, "--episodes", "6", "--seed", "3", "--json", *drawn])
    said = json.loads(capsys.readouterr().out)
    cell = cells["flat", "drawn"]
    low, high = said["random agent"]["mean"], said["oracle"]["mean"]
    assert (cell["random"], cell["oracle"]) == (low, high)
    assert cell["normalised_return"] == (np.mean(cell["returns"]) - low) / (high - low)
    assert f"| oracle | {cells['flat', 'fixed']['oracle']:.2f} | {high:.2f} |" in printed

    assert cells["line", "fixed"]["returns"] == []
    assert "the checkpoint was trained on MobileRobot1DGymEnv-v0 with" in cells["line", "fixed"]["reason"]
    assert "| line | - | - |" in printed
    assert printed.count("- empty (line in fixed, line in drawn): ") == 1, "a reason is said once"


def test_processes_give_the_same_and_the_tasks_are_those_of_the_policies_unless_named(logs):
    policies = find_policies([str(logs / ENV)], logs, numbered=False, known=[])
    own = policies[0].task()
    assert own == Task("max_steps:20", ENV, {"max_steps": 20})
    conditions = Conditions(num_episodes=2, seed=0)
    tasks = [own, Task("longer", ENV, {"max_steps": 30})]
    told: list[str] = []
    beside = cross_evaluate(policies, tasks, conditions, 2, told.append)
    assert beside == cross_evaluate(policies, tasks, conditions, 1, lambda _: None)
    assert sorted(told) == ["ppo2 max_steps:20 in longer", "ppo2 max_steps:20 in max_steps:20"]


def test_every_numbered_checkpoint_can_be_a_row(logs, tmp_path, capsys):
    output = tmp_path / "matrix.csv"
    where = [str(logs / ENV), "--checkpoints", "--no-reference", *QUICK]
    assert cross_eval.main([*where, "-o", str(output), str(tmp_path / "matrix.png")]) == 0
    rows = list(csv.DictReader(io.StringIO(output.read_text())))
    assert [row["policy"] for row in rows] == ["ppo2 max_steps:20, 200 steps", "ppo2 max_steps:20, 400 steps"]
    assert {row["normalised_return"] for row in rows} == {""}
    assert "normalised" not in capsys.readouterr().out
    assert (tmp_path / "matrix.png").stat().st_size > 1000


@pytest.fixture
def matrix(logs) -> Matrix:
    """A matrix of two policies in a task with a scale, one without, and one that only the first fits."""
    policies = find_policies(
        [f"a={logs / ENV}", f"b={logs / 'MobileRobot1DGymEnv-v0'}"], logs, numbered=False, known=[]
    )
    tasks = [Task(name, ENV, {}) for name in ("scaled", "bare", "narrow")]
    scale = Reference(random=-10.0, oracle=10.0)
    cells = {
        ("a", "scaled"): Cell((5.0, 15.0), (3, 3), 0.5, scale),
        ("b", "scaled"): Cell((-40.0,), (3,), 0.0, scale),
        ("a", "bare"): Cell((1.0,), (3,)),
        ("b", "bare"): Cell((3.0,), (3,)),
        ("a", "narrow"): Cell((7.0,), (3,)),
        ("b", "narrow"): Cell(reason="too wide."),
    }
    return Matrix(tuple(policies), tuple(tasks), cells, Conditions(num_episodes=2, seed=0))


def test_tables_say_what_is_scaled_and_what_is_empty(matrix):
    lines = as_markdown(matrix).splitlines()
    assert lines[0] == "| return over 2 episodes | scaled | bare | narrow |"
    assert lines[2] == "| a | 10.00 ± 5.00 | 1.00 ± 0.00 | 7.00 ± 0.00 |"
    assert lines[4] == "| oracle | 10.00 | - | - |"
    assert lines[9:11] == ["| a | 1.000 | - | - |", "| b | -1.500 | - | - |"]
    assert lines[12] == "- empty (b in narrow): too wide."
    assert lines[13] == f"- bare: {ENV} has no scripted policy, so its returns are not normalised"
    row = next(csv.DictReader(io.StringIO(as_csv(matrix))))
    assert (row["mean_return"], row["normalised_return"], row["success_rate"]) == ("10.0", "1.0", "0.5")
    assert json.loads(as_json(matrix))["cells"][0]["returns"] == [5.0, 15.0]


def test_the_heat_map_shows_each_cell(matrix):
    axes = heat_map(matrix).axes[0]
    assert [text.get_text() for text in axes.texts] == ["1.00\n(10)", "1", "7", "-1.50\n(-40)", "3", "does\nnot fit"]
    shown = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(shown, [[1.0, 0.0, 1.0], [-1.5, 1.0, np.nan]])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["nowhere"], "no checkpoint at nowhere"),
        (
            ["{flat}", "-o", "table.xls"],
            "-o writes .md, .csv, .json, .png, .svg, .html, .pdf; name a file that ends so",
        ),
        (["{flat}", "-o", "nowhere/a.md"], "the folder of nowhere/a.md does not exist; make it first"),
        (["{flat}", "--env", "MobileRobot1DGymEnv-v0", *QUICK], "no policy fits any of the tasks: the checkpoint was"),
        (["{flat}", "--env", "MobileRobotGymEnv-v1"], "did you mean MobileRobotGymEnv-v0"),
        (["a={flat}", "a={line}"], "two policies are called a; name each once, or apart: NAME=RUN"),
        (["{flat}", "--jobs", "0"], "not at least 1"),
    ],
)
def test_mistakes(flags, sentence, logs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"flat": logs / ENV, "line": logs / "MobileRobot1DGymEnv-v0"}
    with pytest.raises(UserError, match=sentence):
        cross_eval.main([flag.format(**names) for flag in flags])
    assert list(tmp_path.iterdir()) == []
