"""The flags of ``python -m rl_baselines.continual``. Imports nothing heavy."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rl_baselines.cross_evaluation.tasks import add_task_flags
from rl_baselines.training.flags import add_training_flags
from srl3.errors import UserError
from srl3.flags import Parser, positive_number, share

FINETUNE, DISTILL, JOINT = "finetune", "distill", "joint"
STRATEGIES = (FINETUNE, DISTILL, JOINT)
EXAMPLES = """examples:
  python -m rl_baselines.continual --env OmnirobotEnv-v0 -sc -cc -sqc --num-timesteps 600_000 --img-shape 64x64
  python -m rl_baselines.continual --env OmnirobotEnv-v0 --task sc cc --strategy finetune joint --budget 1e5 3e5 \\
      --srl-model ground_truth --num-iteration 3 --jobs 2
  python -m rl_baselines.continual --task-file tasks.yaml --srl-model ground_truth
"""
DESCRIPTION = """Train on several tasks, one after the other: by fine-tuning (finetune), by distilling a teacher of each
task into one student (distill), and for comparison on all at once (joint). Then play every policy in every task. The
same command goes on where it stopped. Other flags are train's, and hold for every training."""
OF_STUDENTS = ("epochs_distillation", "batch_size", "dagger_rounds")
"""flags of train that are handed on to distillations alone"""
TRAINING_SET = "distillation_training_set_size"
"""flag of train that each student gets its share of"""
OF_DISTILLING = (
    *("teacher_srl_model", "teacher_episodes", "perturbed_actions_proportion"),
    *OF_STUDENTS,
    TRAINING_SET,
)
"""flags of the strategy that distills"""
NOT_HERE = {
    "resume": "the same continual command resumes its own runs",
    "load_rl_model_path": "the first task is learned from scratch",
    "suffix": "runs are told apart by their folders and seeds",
    "experiment_name": "runs are told apart by their folders and seeds",
    "value_warmup": "its students do not go on by rewards",
    "mix_tasks": "--strategy joint mixes the tasks",
    "cross_evaluation_tasks": "the tasks are those that are learned",
    "teacher_data_folder": "--strategy distill records its teachers",
}
"""flags of train that are refused, and why"""


def make_parser() -> Parser:
    """The flags of train, tasks in the place of one task, and the strategies' own."""
    parser = Parser(
        prog="python -m rl_baselines.continual",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        conflict_handler="resolve",
    )
    add_training_flags(parser)
    add_task_flags(parser, "learned one after the other")
    parser.set_defaults(env="OmnirobotEnv-v0", log_dir=Path("logs/continual"))
    group = parser.add_argument_group("continual training")
    group.add_argument(
        "--task-file", type=Path, metavar="FILE", help="tasks and the steps of each (budget) from a YAML list"
    )
    group.add_argument("--strategy", nargs="+", choices=STRATEGIES, default=list(STRATEGIES), help="what to compare")
    group.add_argument(
        "--budget",
        nargs="+",
        type=positive_number,
        metavar="N",
        help="steps of each task, else --num-timesteps of each",
    )
    group.add_argument("--num-iteration", type=positive_number, default=1, help="seeds: --seed and those that follow")
    group.add_argument("--jobs", type=positive_number, default=1, help="trainings at a time, and processes that play")
    group.add_argument("--num-episodes", type=positive_number, default=100, help="episodes of a policy in each task")
    group.add_argument("--teacher-srl-model", help="what the teachers observe; else as the student, --srl-model")
    group.add_argument("--teacher-episodes", type=positive_number, default=27, help="that are recorded of each teacher")
    group.add_argument(
        "--perturbed-actions-proportion",
        type=share,
        default=0.1,
        metavar="P",
        help="share of the recorded steps in which chance acts, so that the student sees how the teacher recovers",
    )
    group.add_argument("--dry-run", action="store_true", help="list what would be done, and do nothing")
    return parser


OWN = (
    *("tasks", "task_file", "strategy", "budget", "num_iteration", "jobs", "num_episodes"),
    *("teacher_srl_model", "teacher_episodes", "perturbed_actions_proportion", "dry_run"),
)
"""arguments that are not train's"""


def budgets_of(written: Sequence[int | None], arguments: argparse.Namespace) -> tuple[int, ...]:
    """Environment steps of each task.

    Args:
        written: those that ``--task-file`` says, by task; None where it says none.
        arguments: with ``--budget`` and ``--num-timesteps``.

    Raises:
        UserError: for less than two tasks, another number of budgets, or budgets of two sources.
    """
    count = len(written)
    if count < 2:
        raise UserError("continual training needs two tasks or more, for example -sc -cc.")
    if arguments.budget is None:
        return tuple(arguments.num_timesteps if steps is None else steps for steps in written)
    if any(steps is not None for steps in written):
        raise UserError(f"{arguments.task_file} says the budgets of its tasks; leave out --budget, or take them out.")
    if len(arguments.budget) not in (1, count):
        raise UserError(f"--budget takes one number for all tasks or {count}, not {len(arguments.budget)}.")
    return tuple(arguments.budget if len(arguments.budget) == count else arguments.budget * count)


def check_flags(arguments: argparse.Namespace, given: set[str]) -> None:
    """Raise `UserError` for flags that do not go together."""
    for name, why in NOT_HERE.items():
        if name in given:
            raise UserError(f"--{name.replace('_', '-')} is not for continual training: {why}.")
    if arguments.seed < 0 or arguments.seed + arguments.num_iteration > 2**32:
        raise UserError("seeds are counted up from --seed, so it must be a number from 0 on.")
    if arguments.task_file is not None and arguments.tasks:
        raise UserError("--task-file lists the tasks; write those of the other flags into it, or leave it out.")
    if DISTILL not in arguments.strategy:
        for name in OF_DISTILLING:
            if name in given:
                raise UserError(f"--{name.replace('_', '-')} is for --strategy {DISTILL}; add it, or leave that out.")
