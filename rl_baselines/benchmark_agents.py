"""``python -m rl_baselines.benchmark_agents DIR``: what every trained model below a folder earns, as a table."""

import sys
from pathlib import Path

from environments.flags import add_env_package_flag
from rl_baselines.checkpoints.foreign.said import Said, add_trust_flag
from srl3.errors import run_command
from srl3.files import check_target, write_text
from srl3.flags import Parser, positive_number, seed_number

EXAMPLES = """examples:
  python -m rl_baselines.benchmark_agents logs
  python -m rl_baselines.benchmark_agents logs/KukaButtonGymEnv-v0 --num-episodes 50 --jobs 2 -o agents.md agents.json
"""
DESCRIPTION = """Evaluate the best model of every run (of SRL3 or rl-zoo3) below a folder, and print a table (Markdown):
returns are mean ± standard deviation over all episodes of all seeds of a world, its settings, an algorithm and a length
of training."""
FILES = (".md", ".csv", ".json")


def make_parser() -> Parser:
    """The flags of ``benchmark_agents``."""
    parser = Parser(prog="python -m rl_baselines.benchmark_agents", description=DESCRIPTION, epilog=EXAMPLES)
    parser.usage = "%(prog)s DIR [flags]"
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with runs below it, such as logs")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--num-episodes", type=positive_number, default=100, help="episodes of each model")
    length.add_argument("--num-steps", type=positive_number, help="at least so many steps of each, in whole episodes")
    acting = parser.add_mutually_exclusive_group()
    acting.add_argument("--deterministic", action="store_true", help="the most probable action")
    acting.add_argument("--stochastic", action="store_true", help="actions drawn; with neither flag as enjoy does")
    add_trust_flag(parser)
    add_env_package_flag(parser)
    parser.add_argument("--latest", action="store_true", help="the latest model of each run, not the best")
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of the environments and of drawn actions")
    parser.add_argument("--jobs", type=positive_number, default=1, help="models at once, each in a process of its own")
    parser.add_argument(
        "-o",
        "--output-file",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="write the table too, as Markdown, CSV or JSON (.md, .csv, .json)",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Evaluate and print; exit status 1 when a model could not be evaluated."""
    arguments = make_parser().parse_args(argv)
    for path in arguments.output_file:
        check_target(path, FILES, "-o")

    from rl_baselines.benchmarks.agents.evaluations import Score, find_agents, play_each
    from rl_baselines.benchmarks.agents.table import FORMATS, as_markdown, rows_of
    from srl3.runtime.processes.children import Children, shared_cores

    agents = find_agents(arguments.folder, latest=arguments.latest, said=Said(trust_pickle=arguments.trust_pickle))
    flags = ["--seed", str(arguments.seed)]
    if arguments.num_steps is not None:
        flags += ["--num-steps", str(arguments.num_steps)]
    else:
        flags += ["--num-episodes", str(arguments.num_episodes)]
    flags += [f"--{way}" for way in ("deterministic", "stochastic") if getattr(arguments, way)]
    flags += ["--trust-pickle"] if arguments.trust_pickle else []
    scores, failed = [], 0
    with Children(arguments.jobs, shared_cores(arguments.jobs)) as children:
        for number, (agent, score) in enumerate(play_each(agents, flags, children), start=1):
            counted = f"{number}/{len(agents)} {agent.checkpoint}"
            if isinstance(score, Score):
                scores.append((agent, score))
                print(f"{counted}: {len(score.returns)} episodes", file=sys.stderr)
            else:
                failed += 1
                print(f"{counted} failed: {score}", file=sys.stderr)
    if not scores:
        print("error: no model could be evaluated.", file=sys.stderr)
        return 1
    rows = rows_of(scores)
    print(as_markdown(rows), end="")
    for path in arguments.output_file:
        write_text(path, FORMATS[path.suffix](rows))
    return 1 if failed else 0


if __name__ == "__main__":
    run_command(main)
