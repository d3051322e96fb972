"""``python -m rl_baselines.benchmark``: the speed of worlds and training, against bare engines and plain SB3."""

import argparse
import importlib.util
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from environments.config import GROUND_TRUTH, PIXELS
from environments.flags import add_env_package_flag
from environments.registry import find_env
from rl_baselines.benchmarks.catalogue import (
    BATCHED_ENVS,
    BROWSERS,
    batched_ppo_tasks,
    env_tasks,
    gpu_tasks,
    off_policy_tasks,
    play_tasks,
    plot_tasks,
    srl_tasks,
    train_tasks,
)
from rl_baselines.benchmarks.rows import Effort, Task, table, write_json
from rl_baselines.benchmarks.runner import BenchmarkError, run
from srl3.errors import UserError, run_command
from srl3.files import check_target
from srl3.flags import Parser, positive_number

QUICK = Effort(repeats=1, size=0.1)
SHARES = ("environment", "policy", "buffer", "bookkeeping", "update")
EXAMPLES = """examples:
  python -m rl_baselines.benchmark envs --json speed.json
  python -m rl_baselines.benchmark envs --only Kuka "ground truth" --repeats 9
  python -m rl_baselines.benchmark srl --quick
  python -m rl_baselines.benchmark train --env MobileRobotGymEnv-v0 --n-envs 8 256 --hyperparam n_steps:32
"""
DESCRIPTION = """Measure speed, each row in a process of its own, and print a table (Markdown).

envs:  the worlds against bare engines; every row of the speed table with its goal
gpu:   MuJoCo's worlds on a GPU (the extra warp), against mujoco_warp alone
train: ppo2 as SRL3 trains it, against plain Stable-Baselines3 with its own vectorised environments
       (ratio: how many times as fast SRL3 is), and where the time goes; batched_ppo against its world and
       other trainers; algorithms with a replay buffer on hundreds of robots
srl:   learning representations against frames held in memory, and encoding 8 frames at once against one by one
plots: whole commands of rl_baselines.plots over 200 runs of 10,000 episodes
play:  a policy that is watched beside a training: how soon checkpoints act, what the page takes (the extra play; rows
       of the page need Chromium)

Both sides of a ratio run in turn in the same minute; values are medians of the repeated runs."""


def main(argv: list[str] | None = None) -> int:
    """Measure and print; exit status 1 when a row can't be measured."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if arguments.what != "train":
        _refuse_flags_of_train(parser, arguments)
    tasks = _tasks(arguments)
    if arguments.json is not None:
        check_target(arguments.json, flag="--json")
    effort = QUICK if arguments.quick else Effort()
    if arguments.repeats is not None:
        effort = Effort(arguments.repeats, effort.size)
    try:
        rows = run(tasks, effort)
    except BenchmarkError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    print(f"{platform.machine()}, Python {platform.python_version()}, {effort.repeats} run(s) of each\n")
    print(table(rows, SHARES if arguments.what in ("train", "gpu") else ()))
    if arguments.json is not None:
        write_json(arguments.json, rows)
    return 0


def make_parser() -> Parser:
    """The flags of ``benchmark``."""
    parser = Parser(prog="python -m rl_baselines.benchmark", description=DESCRIPTION, epilog=EXAMPLES)
    parser.usage = "%(prog)s {envs,gpu,train,srl,plots,play} [flags]"
    parser.add_argument("what", choices=("envs", "gpu", "train", "srl", "plots", "play"), help="what is measured")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="only rows with all of these texts in their names")
    parser.add_argument("--repeats", type=positive_number, help="runs of each (5; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="short runs, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to this file")
    group = parser.add_argument_group("train only")
    group.add_argument("--env", nargs="+", metavar="ID", help="worlds (KukaButtonGymEnv-v0 MobileRobotGymEnv-v0)")
    add_env_package_flag(group)
    group.add_argument(
        "--n-envs",
        nargs="+",
        type=positive_number,
        metavar="N",
        help=f"environments at once (1 8 {BATCHED_ENVS}); {BATCHED_ENVS} and more are for batched worlds only",
    )
    group.add_argument("--srl-model", choices=(GROUND_TRUTH, PIXELS), help=f"what is observed ({GROUND_TRUTH})")
    group.add_argument("--hyperparam", nargs="+", metavar="NAME:VALUE", help="hyperparameters of both sides")
    return parser


def _refuse_flags_of_train(parser: Parser, arguments: argparse.Namespace) -> None:
    for name in ("env", "n_envs", "srl_model", "hyperparam"):
        if getattr(arguments, name) is not None:
            parser.error(f"--{name.replace('_', '-')} is for train, not for {arguments.what}; choose rows with --only")


def _tasks(arguments: argparse.Namespace) -> Sequence[Task]:
    if arguments.what == "envs":
        tasks = env_tasks()
    elif arguments.what == "gpu":
        from environments.mujoco_gym.scene import require_warp

        require_warp("cuda")
        tasks = gpu_tasks()
    elif arguments.what == "srl":
        tasks = srl_tasks()
    elif arguments.what == "plots":
        tasks = plot_tasks()
    elif arguments.what == "play":
        tasks = _play_tasks()
    else:
        env_ids = arguments.env or ["KukaButtonGymEnv-v0", "MobileRobotGymEnv-v0"]
        for env_id in env_ids:
            find_env(env_id)
        tasks = train_tasks(
            env_ids,
            arguments.n_envs or [1, 8, BATCHED_ENVS],
            arguments.srl_model or GROUND_TRUTH,
            arguments.hyperparam or (),
        )
        if not (arguments.env or arguments.n_envs or arguments.srl_model or arguments.hyperparam):
            tasks += batched_ppo_tasks() + off_policy_tasks()
        if not tasks:
            raise UserError("none of these worlds can run so many environments at once; use fewer (--n-envs).")
    wanted = [text.lower() for text in arguments.only or ()]
    chosen = [task for task in tasks if all(text in task.name.lower() for text in wanted)]
    if not chosen:
        names = "; ".join(task.name for task in tasks)
        raise UserError(f"no row has {' and '.join(arguments.only)} in its name; the rows are: {names}.")
    return chosen


def _play_tasks() -> list[Task]:
    if importlib.util.find_spec("viser") is None:
        raise UserError("a page needs the extra play; install it with pip install -e '.[play]'.")
    with_browser = any(map(shutil.which, BROWSERS))
    if not with_browser:
        print(f"there is no {BROWSERS[0]} here: rows of the page in a browser are left out", file=sys.stderr)
    return play_tasks(with_browser)


if __name__ == "__main__":
    run_command(main)
