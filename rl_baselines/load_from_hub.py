"""``python -m rl_baselines.load_from_hub``: fetches a policy from the Hugging Face hub into a run folder."""

from pathlib import Path

from environments.flags import add_env_package_flag
from rl_baselines.push_to_hub import experiment_number
from srl3.errors import run_command
from srl3.flags import Parser

EXAMPLES = """examples:
  python -m rl_baselines.load_from_hub --algo ppo2 --env MobileRobotGymEnv-v0 -orga my-lab -f logs
  python -m rl_baselines.load_from_hub --algo ppo --env CartPole-v1 -f rl-trained-agents     of rl-zoo3
"""


def make_parser() -> Parser:
    """The flags of ``load_from_hub``: those of rl-zoo3's."""
    parser = Parser(
        prog="python -m rl_baselines.load_from_hub",
        description="Fetch a model that push_to_hub, here or in rl-zoo3, sent to the Hugging Face hub. Nothing of it "
        "is run, and its pickles stay closed.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--algo", required=True, help="its algorithm")
    parser.add_argument("--env", required=True, help="its world")
    add_env_package_flag(parser)
    parser.add_argument("-f", "--folder", type=Path, required=True, help="parent of run folders, such as logs")
    parser.add_argument("-orga", "--organization", default="sb3", help="organisation or user on the hub")
    parser.add_argument("-name", "--repo-name", help="name of the repository; else <algo>-<env>")
    parser.add_argument(
        "--exp-id", type=experiment_number, default=0, help="number of a run of rl-zoo3: 0 a new one, -1 none"
    )
    parser.add_argument("--force", action="store_true", help="take the place of the run of that number")
    parser.add_argument("--verbose", type=int, choices=(0, 1), default=1, help="0: no bars of what is fetched")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Fetch, check, put in place; returns the exit status."""
    arguments = make_parser().parse_args(argv)

    from environments.registry import canonical_id
    from rl_baselines.hub.arrival import fetch_run
    from rl_baselines.hub.layout import model_name, repository_id
    from rl_baselines.hub.remote import Hub
    from rl_baselines.registry import find_algo
    from rl_baselines.runs.run_folder import check_writable
    from rl_baselines.runs.zoo import ALGORITHMS
    from srl3.runtime.shell import python_command

    if arguments.algo not in ALGORITHMS:
        find_algo(arguments.algo)
    env_id = canonical_id(arguments.env)
    name = arguments.repo_name or model_name(arguments.algo, env_id)
    repository = repository_id(arguments.organization, name)
    check_writable(arguments.folder)
    run = fetch_run(
        Hub(verbose=bool(arguments.verbose)),
        repository,
        arguments.algo,
        env_id,
        arguments.folder,
        number=arguments.exp_id,
        force=arguments.force,
    )
    print(f"fetched: {run}")
    print(f"play it: {python_command('rl_baselines.enjoy', '--log-dir', run)}")
    return 0


if __name__ == "__main__":
    run_command(main)
