"""``python -m rl_baselines.pipeline``: a grid of environments × representations × algorithms × seeds."""

import argparse
import dataclasses
import os
from pathlib import Path

from environments.flags import default_srl_model
from environments.packages import env_package_flags
from rl_baselines.grid.cells import AXES, SHOWN_ONLY, Cell, flags_of, incompatible, product
from rl_baselines.grid.record import FINISHED, GridRecord
from rl_baselines.grid.runner import RESUME, Shown, Step, plan, run_grid
from rl_baselines.train import make_parser as make_train_parser
from rl_baselines.training.flags import request_from_flags
from rl_baselines.training.request import TrainingRequest
from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_number
from srl3.runtime.shell import python_command

EXAMPLES = """examples:
  python -m rl_baselines.pipeline --algo ppo2 a2c --env MobileRobotGymEnv-v0 --srl-model ground_truth --num-iteration 5
  python -m rl_baselines.pipeline --algo ppo2 --srl-model ground_truth joints --num-timesteps 1e6 --jobs 4 --dry-run
  python -m rl_baselines.pipeline --algo sac -c --srl-model ground_truth --executor ray --ray-address 10.0.0.1:6379
"""
DESCRIPTION = """Train every combination of environments, representations, algorithms and seeds, with train's flags.

The same command goes on where it stopped: finished runs are left alone, interrupted ones resumed, failed ones tried
again. Runs show nothing in visdom unless --port is given; what each prints is in <log-dir>/pipeline/."""
NOT_IN_A_GRID = {
    "resume": "the same pipeline command resumes its own runs",
    "suffix": "runs of a grid are told apart by their folders and seeds",
    "experiment_name": "runs of a grid are told apart by their folders and seeds",
}
"""flags of train that a grid refuses, and why"""


def make_parser() -> Parser:
    """The flags of train, some of which take several values here, and the grid's own."""
    parser = make_train_parser()
    parser.prog, parser.description, parser.epilog = "python -m rl_baselines.pipeline", DESCRIPTION, EXAMPLES
    for action in parser._actions:
        if action.dest in AXES:
            action.nargs, action.default = "+", [action.default]
        elif action.dest == "seed":
            action.help = "seed of the first run of each combination"
    group = parser.add_argument_group("grid")
    group.add_argument("--num-iteration", type=positive_number, default=1, help="seeds: --seed and those that follow")
    group.add_argument("--jobs", type=positive_number, help="runs at a time; else 1, on Ray as many as have room")
    group.add_argument("--executor", choices=("local", "ray"), default="local", help="where the runs are run")
    group.add_argument("--ray-address", help="Ray cluster; else RAY_ADDRESS, else one is started on this machine")
    group.add_argument("--skip-incompatible", action="store_true", help="leave out combinations that can't be trained")
    group.add_argument("--dry-run", action="store_true", help="list the runs, and run none")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, check every combination, run; returns the exit status."""
    parser = make_parser()
    arguments, given = parser.parse_with_given(argv)
    _check_flags(arguments, given)
    own = {"num_iteration", "jobs", "executor", "ray_address", "skip_incompatible", "dry_run"}
    of_train = given - own - set(AXES) - {"seed", "log_dir"}
    cells = [
        cell
        for env in dict.fromkeys(arguments.env)
        for cell in product(
            [env],
            arguments.srl_model if "srl_model" in given else [default_srl_model(env)],
            arguments.algo,
            range(arguments.seed, arguments.seed + arguments.num_iteration),
            flags_of(parser, arguments, of_train - SHOWN_ONLY),
        )
    ]
    shown = Shown(arguments.log_dir, tuple(_display(parser, arguments, given)))
    shared = request_from_flags(arguments, given - set(AXES) - {"seed"})
    shared = dataclasses.replace(shared, log_dir=arguments.log_dir, no_vis="port" not in given or arguments.no_vis)
    cells = _trainable(cells, shared, skip=arguments.skip_incompatible)
    record = GridRecord(arguments.log_dir)
    steps = plan(cells, record, _trained)
    if arguments.dry_run:
        _list(steps, shown)
        return 0
    return _run(arguments, steps, record, shown)


def _check_flags(arguments: argparse.Namespace, given: set[str]) -> None:
    for name, why in NOT_IN_A_GRID.items():
        if name in given:
            raise UserError(f"--{name.replace('_', '-')} is not for a grid: {why}.")
    if arguments.seed < 0 or arguments.seed + arguments.num_iteration > 2**32:
        raise UserError("a grid counts its seeds up from --seed, so it must be a number from 0 on.")
    if arguments.ray_address is not None and arguments.executor != "ray":
        raise UserError("--ray-address is for --executor ray; add it.")
    if arguments.executor == "ray":
        from rl_baselines.grid.ray_cluster import check_ray

        check_ray()


def _display(parser: Parser, arguments: argparse.Namespace, given: set[str]) -> list[str]:
    """The flags of train that show a run, or choose its device."""
    flags = flags_of(parser, arguments, given & (SHOWN_ONLY - {"log_dir", "no_progress", "no_vis"}))
    return flags if "port" in given and not arguments.no_vis else [*flags, "--no-vis"]


def _trainable(cells: list[Cell], shared: TrainingRequest, *, skip: bool) -> list[Cell]:
    """The cells that train accepts.

    Raises:
        UserError: naming the others, unless they are to be skipped; and where none is left.
    """

    from rl_baselines.training.resolve import resolve

    wrong = incompatible(cells, lambda cell: resolve(request_of(cell, shared)))
    if not wrong:
        return cells
    left_out = {cell for some in wrong.values() for cell in some}
    if len(wrong) == 1 and len(left_out) == len(cells):
        raise UserError(next(iter(wrong)))
    sentences = [f"{_combinations(some)}: {reason}" for reason, some in wrong.items()]
    if not skip or len(left_out) == len(cells):
        raise UserError(f"{' '.join(sentences)} --skip-incompatible leaves such combinations out.")
    for sentence in sentences:
        print(f"left out: {sentence}")
    return [cell for cell in cells if cell not in left_out]


def request_of(cell: Cell, shared: TrainingRequest) -> TrainingRequest:
    """What is asked for in this run of the grid.

    Args:
        cell: the run.
        shared: what all runs of the grid are asked for.
    """
    return dataclasses.replace(shared, env=cell.env, srl_model=cell.srl_model, algo=cell.algo, seed=cell.seed)


def _combinations(cells: list[Cell]) -> str:
    return ", ".join(dict.fromkeys(f"{cell.algo} on {cell.env} from {cell.srl_model}" for cell in cells))


def _trained(path: Path) -> tuple[int, int]:
    from rl_baselines.checkpoints.checkpoint import load_checkpoint

    info = load_checkpoint(path).info
    return info.num_timesteps, info.total_timesteps


def _list(steps: list[Step], shown: Shown) -> None:
    for step in steps:
        line = ["--resume", str(step.run_folder)] if step.what == RESUME else step.cell.arguments
        where = [] if step.what == RESUME else ["--log-dir", str(shown.log_dir)]
        command = python_command("rl_baselines.train", *line, *where, *shown.flags, *env_package_flags(besides=line))
        print(f"finished: {step.run_folder}" if step.what == FINISHED else f"{step.what}: {command}")
    counts = {what: sum(step.what == what for step in steps) for what in dict.fromkeys(step.what for step in steps)}
    print(f"{len(steps)} runs: {', '.join(f'{count} {what}' for what, count in counts.items())}")


def _run(arguments: argparse.Namespace, steps: list[Step], record: GridRecord, shown: Shown) -> int:
    show = not arguments.no_progress
    if arguments.executor == "ray":
        from rl_baselines.grid.ray_cluster import RayExecutor

        cpus = arguments.num_cpu or 1
        jobs = arguments.jobs or len(steps)
        with RayExecutor(_threads(cpus), cpus, arguments.ray_address, record.logs) as cluster, record.locked():
            return run_grid(steps, record, cluster, jobs, shown, show_progress=show)
    with record.locked() as held:
        from rl_baselines.grid.executors import LocalExecutor

        jobs = arguments.jobs or 1
        cores = len(os.sched_getaffinity(0))
        executor = LocalExecutor(_threads(max(1, cores // jobs)), held)
        return run_grid(steps, record, executor, jobs, shown, show_progress=show)


def _threads(count: int) -> dict[str, str]:
    """So many threads and processes for each run, where the user has not set them: together the runs have the cores."""
    return {name: str(count) for name in ("OMP_NUM_THREADS", "PYTHON_CPU_COUNT") if name not in os.environ}


if __name__ == "__main__":
    run_command(main)
