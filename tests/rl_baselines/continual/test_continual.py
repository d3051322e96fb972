"""``continual``: tasks one after the other."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from environments.datasets.dataset import open_dataset
from environments.omnirobot_gym.config import OmnirobotConfig
from rl_baselines import continual
from rl_baselines.checkpoints.archive import read_info
from rl_baselines.continual import command
from rl_baselines.continual.flags import make_parser
from rl_baselines.continual.stages import GO_ON, RECORD, STUDENT, TRAIN, TRAIN_ALL, Stage, cell_of
from rl_baselines.cross_evaluation.history import read_history
from rl_baselines.grid import child
from rl_baselines.grid.executors import Ended, Job
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from tests.state_representation.made import write_random_representation

TASKS = ("-sc", "--task", "circle=cc,radius:0.5")
SMALL = ("--srl-model", "ground_truth", "--num-timesteps", "240", "--num-cpu", "4", "--env-kwargs", "max_steps:20")
QUICK = ("--hyperparam", "n_steps:20", "--num-episodes", "3", "--no-progress")


class InThisProcess:
    """Runs each training here, at once; the real one starts processes.

    Attributes:
        failing: numbers of the trainings that are not begun, but end with status 1.
    """

    started: list[Job] = []
    failing: set[int] = set()

    def __init__(self, *_: Any) -> None:
        self._ended: list[Ended] = []

    def start(self, job: Job) -> None:
        self.started.append(job)
        job.log.parent.mkdir(parents=True, exist_ok=True)
        failed = len(self.started) in self.failing
        status = 1 if failed else child.main([str(job.result), *job.arguments])
        self._ended.append(Ended(job, status))

    def wait(self, seconds: float) -> list[Ended]:
        ended, self._ended = self._ended, []
        return ended

    def interrupt(self, number: int) -> None:
        raise AssertionError


@pytest.fixture
def started(monkeypatch) -> list[Job]:
    """The trainings that were begun."""
    monkeypatch.setattr(InThisProcess, "started", [])
    monkeypatch.setattr(InThisProcess, "failing", set())
    monkeypatch.setattr(command, "LocalExecutor", InThisProcess)
    return InThisProcess.started


def run(log_dir: Path, *flags: str) -> int:
    return continual.main([*TASKS, *SMALL, *QUICK, *flags, "--log-dir", str(log_dir)])


def test_fine_tuning_and_all_at_once_are_compared_and_go_on_after_a_failure(started, tmp_path, capsys):
    flags = ("--strategy", "finetune", "joint", "--perform-cross-evaluation-cc", "--eval-episodes", "2")
    InThisProcess.failing.add(3)
    assert run(tmp_path, *flags) == 1
    assert not (tmp_path / "continual.json").exists()
    assert len(started) == 3, "the first task, all at once, and the second task, which failed"
    InThisProcess.failing.clear()
    assert run(tmp_path, *flags) == 0
    assert len(started) == 4, "only what had failed"

    content = json.loads((tmp_path / "continual.json").read_text())
    assert [policy["label"] for policy in content["policies"]] == [
        "finetune after sc",
        "finetune after circle",
        "joint",
    ]
    first, second, joint = (Path(policy["checkpoint"]) for policy in content["policies"])
    info = read_info(second)
    assert info.parent == str(first)
    config = OmnirobotConfig.from_kwargs(info.env_kwargs)
    assert (config.task.value, config.radius, config.max_steps) == ("circular_continual_move", 0.5, 20)
    assert info.hyperparams["learning_rate"] == "lin_0.001", "as at the beginning of the first task"
    assert read_info(first).env_kwargs["radius"] == OmnirobotConfig().radius
    assert read_info(joint).total_timesteps == 480
    assert read_history(RunFolder(second.parent).cross_evaluation).tasks == ("sc", "circle")
    assert read_history(RunFolder(joint.parent).cross_evaluation).tasks == ("sc", "circle")
    assert all(np.isfinite(cell["normalised_return"]) for cell in content["cells"])
    assert {path.name for path in tmp_path.glob("continual*.*")} == {
        *("continual.md", "continual.csv", "continual.json", "continual.png", "continual_curves.png")
    }
    assert "| finetune after circle |" in capsys.readouterr().out


def test_teachers_are_recorded_and_distilled_into_one_student(started, tmp_path):
    seen = ("--srl-model", "raw_pixels", "--teacher-srl-model", "ground_truth", "--img-shape", "36x36")
    flags = ("--strategy", "distill", *seen, "--teacher-episodes", "3", "--epochs-distillation", "1")
    flags += ("--distillation-training-set-size", "100", "--perform-cross-evaluation-cc", "--eval-episodes", "2")
    assert run(tmp_path, *flags) == 0
    assert len(started) == 4, "two teachers, and a student after each of them"
    sizes = [job.arguments[job.arguments.index("--distillation-training-set-size") + 1] for job in started[2:]]
    assert sizes == ["50", "100"], "as many steps of each task"
    policies = json.loads((tmp_path / "continual.json").read_text())["policies"]
    assert [policy["label"] for policy in policies] == ["distill after sc", "distill after circle"]
    assert {(policy["algo"], policy["srl_model"]) for policy in policies} == {("distillation", "raw_pixels")}
    history = read_history(RunFolder(Path(policies[1]["checkpoint"]).parent).cross_evaluation)
    assert (history.tasks, history.returns.shape) == (("sc", "circle"), (2, 2, 2)), "before and after the one pass"
    datasets = sorted(path for path in (tmp_path / "data").iterdir() if path.is_dir())
    assert [path.name for path in datasets] == ["task0_ground_truth_seed0", "task1_ground_truth_seed0"]
    assert [open_dataset(path).info.frame_shape for path in datasets] == [(36, 36, 3)] * 2
    recorded = [path.stat().st_mtime_ns for path in datasets]
    assert run(tmp_path, *flags) == 0
    assert len(started) == 4, "nothing is done twice"
    assert [path.stat().st_mtime_ns for path in datasets] == recorded


def test_tasks_and_their_budgets_are_read_from_a_file(started, tmp_path):
    file = tmp_path / "tasks.yaml"
    file.write_text("- sc\n- {name: circle, task: cc, env_kwargs: {radius: 0.5}, budget: 1e3}\n", encoding="utf-8")
    InThisProcess.failing.update((1, 2))
    where = ["--log-dir", str(tmp_path / "logs"), *SMALL, *QUICK]
    assert continual.main(["--task-file", str(file), "--strategy", "finetune", "joint", *where]) == 1
    steps = [job.arguments[job.arguments.index("--num-timesteps") + 1] for job in started]
    assert steps == ["240", "1240"], "of the first task, which says no budget, and of both"
    assert "--task-file" not in started[0].arguments
    with pytest.raises(UserError, match="says the budgets of its tasks; leave out --budget"):
        continual.main(["--task-file", str(file), "--budget", "5", *where])


def test_flags_of_a_learned_representation_are_for_those_that_observe_it(tmp_path):
    representation = tmp_path / "random"
    write_random_representation(representation, env_id="OmnirobotEnv-v0", img_shape=(40, 40, 3))
    parser = make_parser()
    line = ["-sc", "-cc", "--srl-model", "random", "--srl-model-path", str(representation)]
    setup = command._setup(parser, *parser.parse_with_given([*line, "--teacher-srl-model", "ground_truth"]))
    teacher, student = Stage(TRAIN, 0, 1, srl_model="ground_truth"), Stage(STUDENT, 0, 1, srl_model="random")
    flag = ("--srl-model-path", str(representation))
    assert flag[0] not in cell_of(setup, teacher, [], None, []).flags
    assert "img_shape:[40, 40]" in cell_of(setup, teacher, [], None, []).flags, "what the student is to encode"
    assert cell_of(setup, student, [], None, []).flags[-2:] == flag
    assert cell_of(setup, Stage(TRAIN, 0, 0, srl_model="random"), [], None, []).flags[-2:] == flag
    assert flag[0] not in cell_of(setup, Stage(GO_ON, 0, 1, srl_model="random"), [Path("run")], None, []).flags


def plan_of(tmp_path, capsys, *flags: str) -> list[str]:
    assert run(tmp_path / "logs", *flags, "--dry-run") == 0
    assert not (tmp_path / "logs").exists()
    return capsys.readouterr().out.splitlines()


def test_each_strategy_is_stages_that_build_on_one_another(started, tmp_path, capsys):
    assert plan_of(tmp_path, capsys, "--strategy", "finetune", "joint", "--num-iteration", "2") == [
        f"1. {TRAIN}: sc from ground_truth, seed 0",
        f"2. {GO_ON}: circle from ground_truth, seed 0",
        f"3. {TRAIN_ALL}: up to circle from ground_truth, seed 0",
        f"4. {TRAIN}: sc from ground_truth, seed 1",
        f"5. {GO_ON}: circle from ground_truth, seed 1",
        f"6. {TRAIN_ALL}: up to circle from ground_truth, seed 1",
    ]
    assert plan_of(tmp_path, capsys, "--strategy", "finetune", "distill") == [
        f"1. {TRAIN}: sc from ground_truth, seed 0",
        f"2. {GO_ON}: circle from ground_truth, seed 0",
        f"3. {RECORD}: sc, seed 0",
        f"4. {TRAIN}: circle from ground_truth, seed 0",
        f"5. {RECORD}: circle, seed 0",
        f"6. {STUDENT}: up to circle from ground_truth, seed 0",
    ], "the first teacher is the first policy of fine-tuning, and the student of one task"
    assert started == []


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["-sc"], "continual training needs two tasks or more, for example -sc -cc"),
        (["-sc", "-cc", "--budget", "1", "2", "3"], "--budget takes one number for all tasks or 2, not 3"),
        (["-sc", "-cc", "--resume", "logs"], "--resume is not for continual training: the same continual command"),
        (["-sc", "-cc", "--mix-tasks", "sc", "cc"], "--mix-tasks is not for continual training: --strategy joint"),
        (["-sc", "-cc", "--strategy", "finetun"], "invalid choice: 'finetun'"),
        (
            ["-sc", "-cc", "--strategy", "joint", "--teacher-episodes", "3"],
            "--teacher-episodes is for --strategy distill",
        ),
        (
            ["-sc", "--task", "a=env:MobileRobotGymEnv-v0"],
            "is on one world, OmnirobotEnv-v0; a is of MobileRobotGymEnv",
        ),
        (["-sc", "-cc", "--seed", "-1"], "seeds are counted up from --seed"),
        (["-sc", "-cc", "--algo", "dqn", "-c", "--strategy", "finetune"], "dqn"),
        (["-sc", "-cc", "--srl-model", "pixel", "--teacher-srl-model", "ground_truth"], "representation .* 'pixel'"),
        (["-sc", "-cc", "--srl-model", "ground_truth", "--latest"], "--latest chooses a learned representation, and"),
        (["-sc", "-cc", "--srl-model", "autoencoder"], "autoencoder"),
        (["-sc", "-cc", "--strategy", "joint", "-bs", "5"], "--batch-size is for --strategy distill"),
        (["-sc", "-cc", "--distillation-training-set-size", "0"], "is at least 1, or -1 for all, not 0"),
        (
            ["-sc", "-cc", "--distillation-training-set-size", "15000"],
            "15,000 is more than 2 teachers leave in --teacher-episodes 27 each, 13,500 steps at most",
        ),
        (["-sc", "--task-file", "tasks.yaml"], "--task-file lists the tasks"),
        (["--task-file", "tasks.yaml"], "tasks.yaml is missing; --task-file takes a list of tasks"),
        (["-sc", "-cc", "--num-cpu", "1", "--srl-model", "ground_truth", "--strategy", "joint"], "add --num-envs 2"),
    ],
)
def test_mistakes(flags, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence):
        continual.main(flags)
    assert list(tmp_path.iterdir()) == []
