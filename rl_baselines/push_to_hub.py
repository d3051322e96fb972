"""``python -m rl_baselines.push_to_hub``: sends a policy, what it earns and its film to the Hugging Face hub."""

import argparse
import shutil
import tempfile
from pathlib import Path

from environments.flags import add_env_package_flag
from srl3.errors import UserError, run_command
from srl3.files import check_takes_files
from srl3.flags import Parser, positive_number, seed_number, whole_number

EXAMPLES = """examples:
  python -m rl_baselines.push_to_hub --algo ppo2 --env MobileRobotGymEnv-v0 -f logs -orga my-lab
  python -m rl_baselines.push_to_hub --algo ppo2 --env MobileRobotGymEnv-v0 -f logs --dry-run look
"""


def make_parser() -> Parser:
    """The flags of ``push_to_hub``: those of rl-zoo3's, and ``--dry-run``."""
    parser = Parser(
        prog="python -m rl_baselines.push_to_hub",
        description="Evaluate and film a trained policy, and send it to the Hugging Face hub with a card, its "
        "configuration, its learning curve and, where there, its ONNX file.",
        epilog=EXAMPLES,
    )
    what = parser.add_argument_group("what to send")
    what.add_argument("--algo", required=True, help="algorithm of the run")
    what.add_argument("--env", required=True, help="its world")
    add_env_package_flag(what)
    what.add_argument("-f", "--folder", type=Path, required=True, help="folder with runs below it, such as logs")
    what.add_argument(
        "--exp-id", type=experiment_number, default=0, help="which run: 1 is the oldest, 0 the newest, -1 FOLDER itself"
    )
    which = what.add_mutually_exclusive_group()
    which.add_argument(
        "--load-best", action="store_true", help="the best model; else the best, or where none the latest"
    )
    which.add_argument("--load-latest", action="store_true", help="the latest model")
    which.add_argument("--load-checkpoint", type=whole_number, metavar="STEPS", help="the checkpoint of so many steps")
    which.add_argument("--load-last-checkpoint", action="store_true", help="the numbered checkpoint of the most steps")

    where = parser.add_argument_group("where to")
    where.add_argument("-orga", "--organization", help="organisation, or your own name, on the hub")
    where.add_argument("-name", "--repo-name", help="name of the repository; else <algo>-<env>")
    where.add_argument("-m", "--commit-message", default="Initial commit", help="message of the commit")
    where.add_argument("--private", action="store_true", help="make the repository a private one")
    where.add_argument("--dry-run", type=Path, metavar="FOLDER", help="write it into this new folder, and send nothing")

    how = parser.add_argument_group("evaluation and film")
    how.add_argument("--n-eval-episodes", type=positive_number, default=10, help="episodes of the evaluation")
    how.add_argument("-n", "--n-timesteps", type=positive_number, default=1000, help="steps of the film")
    how.add_argument("--no-render", action="store_true", help="no film")
    acting = how.add_mutually_exclusive_group()
    acting.add_argument("--deterministic", action="store_true", help="the most probable action")
    acting.add_argument("--stochastic", action="store_true", help="drawn actions; with neither flag as in enjoy")
    how.add_argument("--seed", type=seed_number, default=0, help="of the worlds and of drawn actions")
    how.add_argument("--n-envs", type=positive_number, help="worlds of the evaluation; else as in enjoy")
    how.add_argument("--num-threads", type=positive_number, help="torch's threads")
    how.add_argument("--device", default="cpu", help="torch device")
    how.add_argument("--verbose", type=int, choices=(0, 1), default=1, help="0: no bars of what is sent")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Check, evaluate, film, write, send; returns the exit status."""
    arguments = make_parser().parse_args(argv)

    from environments.registry import canonical_id
    from rl_baselines.hub.layout import model_name, repository_id

    arguments.env = canonical_id(arguments.env)
    name = arguments.repo_name or model_name(arguments.algo, arguments.env)
    if arguments.organization is None and arguments.dry_run is None:
        raise UserError(
            "say where to: -orga is the organisation, or your own name, on the hub; or give --dry-run FOLDER."
        )
    repository = repository_id(arguments.organization or "your-name", name)
    if arguments.dry_run is not None:
        _write(arguments, repository)
        return 0

    from rl_baselines.hub.remote import Hub

    hub = Hub(sends=True, verbose=bool(arguments.verbose))
    with tempfile.TemporaryDirectory(prefix="srl3-hub-") as temporary:
        _fill(Path(temporary), arguments, repository)
        url = hub.send(Path(temporary), repository, arguments.commit_message, private=arguments.private)
    print(f"sent: {url}")
    return 0


def _write(arguments: argparse.Namespace, repository: str) -> None:
    folder: Path = arguments.dry_run
    parent = folder.absolute().parent
    if folder.exists():
        raise UserError(f"{folder} is there already; --dry-run takes the name of a new folder.")
    if not parent.is_dir():
        raise UserError(f"the folder of --dry-run {folder} does not exist; make it first.")
    check_takes_files(parent, f"--dry-run {folder}")
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=parent))
    try:
        _fill(temporary, arguments, repository)
        temporary.chmod(0o755)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    print(f"written: {folder}, which would be {repository}")


def _fill(folder: Path, arguments: argparse.Namespace, repository: str) -> None:
    from rl_baselines.hub.chosen import Wanted, choose
    from rl_baselines.hub.repository import Showing, write_repository
    from srl3.runtime.threads import torch_threads

    run, path = choose(
        Wanted(
            arguments.folder,
            arguments.algo,
            arguments.env,
            number=arguments.exp_id,
            best=arguments.load_best,
            latest=arguments.load_latest,
            steps=arguments.load_checkpoint,
            highest=arguments.load_last_checkpoint,
        )
    )
    print(path)
    showing = Showing(
        episodes=arguments.n_eval_episodes,
        deterministic=True if arguments.deterministic else False if arguments.stochastic else None,
        seed=_seed(arguments.seed),
        device=arguments.device,
        n_envs=arguments.n_envs,
        film_steps=0 if arguments.no_render else arguments.n_timesteps,
    )
    with torch_threads(images=False, count=arguments.num_threads):
        print(write_repository(folder, run, path, repository, arguments.algo, showing).in_words())


def _seed(seed: int) -> int:
    import secrets

    return secrets.randbelow(2**31) if seed == -1 else seed


def experiment_number(text: str) -> int:
    """The type of ``--exp-id``: a whole number of at least -1."""
    return -1 if text.strip() == "-1" else whole_number(text)


if __name__ == "__main__":
    run_command(main)
