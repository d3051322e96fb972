"""``python -m rl_baselines.cross_eval RUN…``: what any policies earn in any tasks, as a table and a heat map."""

from dataclasses import replace
from pathlib import Path

from environments.config import flatten, read_env_config
from environments.flags import add_env_package_flag
from environments.registry import canonical_id
from rl_baselines.cross_evaluation.tasks import add_task_flags, check_names, tasks_from_flags
from rl_baselines.plots.style import SUFFIXES
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR
from srl3.errors import UserError, run_command
from srl3.files import check_target, write_text
from srl3.flags import Parser, parse_pair, positive_number, seed_number

EXAMPLES = """examples:
  python -m rl_baselines.cross_eval logs/reach logs/circle logs/square -sc -cc -sqc -o matrix.png matrix.csv
  python -m rl_baselines.cross_eval ground=logs/A pixels=logs/B --env MobileRobotGymEnv-v0 \\
      --task fixed= random=random_target:true
  python -m rl_baselines.cross_eval logs/A --checkpoints --num-episodes 20 --jobs 2
"""
DESCRIPTION = """Play every policy in every task, and print the returns as a table (Markdown), also on the scale where a
random agent earns 0 and the world's scripted policy 1. Without --env and --task the tasks are those that the policies
were trained in. A policy observes and acts as it was trained to; all else in a world is as the task says."""
TABLES = (".md", ".csv", ".json")


def make_parser() -> Parser:
    """The flags of ``cross_eval``."""
    parser = Parser(
        prog="python -m rl_baselines.cross_eval",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        conflict_handler="resolve",
    )
    parser.usage = "%(prog)s RUN… [flags]"
    parser.add_argument(
        "policies",
        nargs="+",
        metavar="RUN",
        help="checkpoint, run folder, folder above runs, part of a run's name; NAME=RUN names it in the table",
    )
    parser.add_argument(
        "--checkpoints", action="store_true", help="every numbered checkpoint of each run, which --save-freq wrote"
    )
    add_task_flags(parser, "in which the policies play")
    parser.add_argument(
        "--env", nargs="+", default=[], help="environment of the tasks; several without --task are a task each"
    )
    parser.add_argument(
        "--env-kwargs", nargs="+", default=[], metavar="NAME:VALUE", help="parameters of the world in all tasks"
    )
    parser.add_argument("--env-config", type=Path, metavar="FILE", help="the same from a YAML file; flags win over it")
    add_env_package_flag(parser)
    parser.add_argument(
        "--num-episodes", type=positive_number, default=100, help="episodes of each policy in each task"
    )
    acting = parser.add_mutually_exclusive_group()
    acting.add_argument("--deterministic", action="store_true", help="the most probable action")
    acting.add_argument("--stochastic", action="store_true", help="actions drawn; with neither flag as enjoy does")
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of the environments and of drawn actions")
    parser.add_argument(
        "--no-reference", action="store_true", help="play no random agent and scripted policy: no normalised returns"
    )
    parser.add_argument("--jobs", type=positive_number, default=1, help="processes that play at once")
    parser.add_argument("--device", default="cpu", help="torch device")
    parser.add_argument(
        "-o",
        "--output-file",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help=f"tables ({', '.join(TABLES)}) and heat maps ({', '.join(SUFFIXES)}) to write",
    )
    parser.add_argument("-t", "--title", help="above the heat map")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Find, play, print, draw; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    for path in arguments.output_file:
        check_target(path, (*TABLES, *SUFFIXES), "-o")
    shared = read_env_config(arguments.env_config) if arguments.env_config is not None else {}
    shared |= flatten(dict(parse_pair(item, "--env-kwargs") for item in arguments.env_kwargs))
    env_ids = [canonical_id(name) for name in dict.fromkeys(arguments.env)]
    tasks = tasks_from_flags(arguments, env_ids, shared)

    from rl_baselines.cross_evaluation.policies import find_policies

    policies = find_policies(arguments.policies, DEFAULT_LOG_DIR, numbered=arguments.checkpoints, known=tasks)
    if not tasks:
        for policy in policies:
            task = policy.task(tasks)
            task = replace(task, env_kwargs={**task.env_kwargs, **shared})
            if task not in tasks:
                tasks.append(task)
        check_names(tasks)

    from rl_baselines.cross_evaluation.matrix import cross_evaluate
    from rl_baselines.cross_evaluation.play import Conditions
    from rl_baselines.cross_evaluation.tables import FORMATS, as_markdown
    from srl3.runtime.devices import check_device
    from srl3.runtime.progress import Progress

    seed = arguments.seed
    if seed == -1:
        import secrets

        seed = secrets.randbelow(2**31)
    conditions = Conditions(
        num_episodes=arguments.num_episodes,
        seed=seed,
        deterministic=True if arguments.deterministic else False if arguments.stochastic else None,
        reference=not arguments.no_reference,
        device=check_device(arguments.device),
    )
    with Progress(len(policies) * len(tasks), "cells", not arguments.no_progress) as bar:
        matrix = cross_evaluate(policies, tasks, conditions, arguments.jobs, lambda note: bar.advance(note=note))
    if matrix.is_empty:
        reason = matrix.row(policies[0])[0].reason
        raise UserError(f"no policy fits any of the tasks: {reason}")
    print(as_markdown(matrix), end="")
    for path in arguments.output_file:
        if path.suffix in FORMATS:
            write_text(path, FORMATS[path.suffix](matrix))
        else:
            from rl_baselines.plots.style import save
            from rl_baselines.plots.tasks.heat_map import heat_map

            save(heat_map(matrix, arguments.title), path, as_markdown(matrix))
        print(f"written: {path}")
    return 0


if __name__ == "__main__":
    run_command(main)
