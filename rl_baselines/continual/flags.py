"""The flags of ``python -m rl_baselines.continual``. Imports nothing heavy."""

import argparse
from pathlib import Path

from rl_baselines.cross_evaluation.tasks import add_task_flags
from rl_baselines.training.flags import add_training_flags
from srl3.errors import UserError
from srl3.flags import Parser, positive_number

FINETUNE, DISTILL, JOINT = "finetune", "distill", "joint"
STRATEGIES = (FINETUNE, DISTILL, JOINT)
EXAMPLES = """examples:
  python -m rl_baselines.continual --env OmnirobotEnv-v0 -sc -cc -sqc --num-timesteps 600_000 --img-shape 64x64
  python -m rl_baselines.continual --env OmnirobotEnv-v0 --task sc cc --strategy finetune joint --budget 1e5 3e5 \\
      --srl-model ground_truth --num-iteration 3 --jobs 2
"""
DESCRIPTION = """Train on several tasks, one after the other: by fine-tuning (finetune), by distilling a teacher of each
task into one student (distill), and for comparison on all at once (joint). Then play every policy in every task. The
same command goes on where it stopped. Other flags are train's, and hold for every training."""
NOT_HERE = {
    "resume": "the same continual command resumes its own runs",
    "load_rl_model_path": "the first task is learned from scratch",
    "suffix": "runs are told apart by their folders and seeds",
    "experiment_name": "runs are told apart by their folders and seeds",
    "mix_tasks": "--strategy joint mixes the tasks",
    "cross_evaluation_tasks": "the tasks are those that are learned",
    "teacher_data_folder": "--strategy distill records its teachers",
}
"""flags of train that are refused, and why"""


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not from 0 to 1")
    return number


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
    *("tasks", "strategy", "budget", "num_iteration", "jobs", "num_episodes"),
    *("teacher_srl_model", "teacher_episodes", "perturbed_actions_proportion", "dry_run"),
)
"""arguments that are not train's"""


def check_flags(arguments: argparse.Namespace, given: set[str]) -> None:
    """Raise `UserError` for flags that do not go together."""
    for name, why in NOT_HERE.items():
        if name in given:
            raise UserError(f"--{name.replace('_', '-')} is not for continual training: {why}.")
    if arguments.seed < 0 or arguments.seed + arguments.num_iteration > 2**32:
        raise UserError("seeds are counted up from --seed, so it must be a number from 0 on.")
    if not arguments.tasks or len(arguments.tasks) < 2:
        raise UserError("continual training needs two tasks or more, for example -sc -cc.")
    count = len(arguments.tasks)
    if arguments.budget is not None and len(arguments.budget) not in (1, count):
        raise UserError(f"--budget takes one number for all tasks or {count}, not {len(arguments.budget)}.")
    if DISTILL not in arguments.strategy:
        for name in ("teacher_srl_model", "teacher_episodes", "perturbed_actions_proportion"):
            if name in given:
                raise UserError(f"--{name.replace('_', '-')} is for --strategy {DISTILL}; add it, or leave that out.")
