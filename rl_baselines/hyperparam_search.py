"""``python -m rl_baselines.hyperparam_search``: searches for hyperparameters with Optuna."""

import argparse
import dataclasses
import importlib.util
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from environments.flags import CONTINUAL_TASKS, ENV_FLAGS, add_env_flags, default_srl_model, env_help
from environments.foreign import escaped_id
from environments.packages import env_package_flags
from rl_baselines.registry import find_algo, registered_rl
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR
from rl_baselines.search.plan import PRUNERS, SAMPLERS
from rl_baselines.training.flags import request_from_flags
from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_float, positive_number, seed_number, whole_number
from state_representation.store.choose import add_representation_flags

if TYPE_CHECKING:
    from rl_baselines.hyperparams.search_ranges import SearchRange
    from rl_baselines.search.plan import SearchPlan
    from rl_baselines.training.plan import TrainingPlan

STORAGES = ("sqlite", "postgresql", "mysql", "journal")
MAX_NAME = 200
"""characters of a study's name"""
PRESETS = {"hyperband": ("random", "hyperband"), "hyperopt": ("tpe", "none")}
"""``--optimizer`` of the S-RL Toolbox: the sampler and the pruner that it stands for"""
EXAMPLES = """examples:
  python -m rl_baselines.hyperparam_search --algo a2c --env MobileRobotGymEnv-v0 --srl-model ground_truth -r \\
      --num-timesteps 100_000 --n-trials 30
  python -m rl_baselines.hyperparam_search --algo sac --env KukaButtonGymEnv-v0 --srl-model ground_truth -c \\
      --n-jobs 4 --storage postgresql://user:password@host/srl3 --study-name kuka-sac
"""
OF_TRAIN = (
    "algo",
    "env",
    "seed",
    "num_timesteps",
    "num_cpu",
    "policy",
    "device",
    "hyperparam",
    "conf_file",
    "srl_model",
    "srl_config_file",
    "srl_model_path",
    "latest",
    "num_stack",
    "env_kwargs",
    "env_config",
    *ENV_FLAGS,
)
"""flags that mean what they mean for ``train``"""


def make_parser() -> Parser:
    """The flags of ``hyperparam_search``."""
    parser = Parser(
        prog="python -m rl_baselines.hyperparam_search",
        description="Search for hyperparameters. The same command goes on with a study that was interrupted.",
        epilog=EXAMPLES,
    )
    what = parser.add_argument_group("what to train")
    what.add_argument("--algo", default="ppo2", help="algorithm: " + ", ".join(registered_rl))
    what.add_argument("--env", default="KukaButtonGymEnv-v0", help=env_help())
    what.add_argument("--seed", type=seed_number, default=0, help="seed of the search and of each of its trainings")
    what.add_argument("--num-timesteps", type=positive_number, default=1_000_000, help="environment steps of a trial")
    what.add_argument(
        "--num-envs",
        "--num-cpu",
        dest="num_cpu",
        type=positive_number,
        help="environments run at once; else the preset's, else 1",
    )
    what.add_argument("--policy", choices=["feedforward", "lstm"], default="feedforward", help="kind of network")
    what.add_argument("--device", default="auto", help="torch device: auto, cpu, cuda, cuda:1 …")
    what.add_argument(
        "--hyperparam", nargs="+", default=[], metavar="NAME:VALUE", help="hyperparameters that stay as they are"
    )
    what.add_argument("--conf-file", type=Path, help="presets (YAML) of what is not searched, and of trial 0")

    add_env_flags(parser)

    add_representation_flags(parser)
    what.add_argument("--num-stack", type=positive_number, default=1, help="frames stacked")

    how = parser.add_argument_group("search")
    how.add_argument("--n-trials", type=positive_number, default=100, help="trials of the study, those it has included")
    how.add_argument("--timeout", type=positive_float, metavar="SECONDS", help="begin no new trial after this time")
    how.add_argument("--n-jobs", type=positive_number, default=1, help="worker processes, each with a trial at a time")
    how.add_argument("--sampler", choices=SAMPLERS, default="tpe", help="how parameters are drawn")
    how.add_argument("--pruner", choices=PRUNERS, default="median", help="how poor trials are cut short")
    how.add_argument(
        "--n-startup-trials", type=whole_number, default=10, help="trials drawn at random, and not pruned, at first"
    )
    how.add_argument(
        "--n-evaluations", type=positive_number, default=5, help="evaluations of a trial, the last included"
    )
    how.add_argument("--n-eval-episodes", type=positive_number, default=20, help="episodes of an evaluation")
    how.add_argument(
        "--search-space", type=Path, metavar="FILE", help="names and ranges (YAML); else the algorithm's own"
    )
    how.add_argument("--optimizer", choices=[*PRESETS], help="S-RL Toolbox: a preset of --sampler and --pruner")
    how.add_argument("--max-eval", type=positive_number, help="S-RL Toolbox: the same as --n-trials")

    kept = parser.add_argument_group("where it is kept")
    kept.add_argument(
        "--log-dir", type=Path, metavar="FOLDER", help="the study's folder; else logs/search/<algo>-<env>-<srl-model>"
    )
    kept.add_argument(
        "--storage",
        metavar="URL",
        help="shared by several workers: postgresql://…, mysql://…, a journal file (journal:///FILE or FILE.log); "
        "else an SQLite file in the study's folder",
    )
    kept.add_argument("--study-name", help="name of the study in its storage; else the name of its folder")
    kept.add_argument(
        "--storage-patience",
        type=positive_float,
        default=300.0,
        metavar="SECONDS",
        help="how long to wait for a storage that went away",
    )
    kept.add_argument("--no-progress", action="store_true", help="no line per trial, no progress bar")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, check, search; returns the exit status."""
    arguments, given = make_parser().parse_with_given(argv)
    written = sys.argv[1:] if argv is None else argv
    plan = plan_search(arguments, given, written)

    from rl_baselines.search.plan import without_credentials
    from rl_baselines.search.run import run_search

    return run_search(
        plan, without_credentials(shlex.join(["python", "-m", "rl_baselines.hyperparam_search", *written]))
    )


def plan_search(arguments: argparse.Namespace, given: set[str], argv: list[str]) -> "SearchPlan":
    """The plan of a search; checks everything, writes nothing."""
    if arguments.seed == -1:
        raise UserError("a search needs a seed to go on with later; give --seed a number of at least 0.")
    for module in ("optuna", "plotly", "scipy", "cmaes"):
        if importlib.util.find_spec(module) is None:
            raise UserError(f"the search needs {module}, which is not installed; pip install 'srl3[search]' has it.")
    sampler, pruner = _methods(arguments, given)
    if {"max_eval", "n_trials"} <= given:
        raise UserError("--max-eval is the S-RL Toolbox's name of --n-trials; give one of them.")
    if "srl_model" not in given:
        arguments.srl_model = default_srl_model(arguments.env)
    folder = arguments.log_dir or _default_folder(arguments)
    training = _plan_training(arguments, given, folder)
    space = _space(arguments)

    from rl_baselines.search.plan import DATABASE, SearchPlan

    return SearchPlan(
        training=training,
        space=space,
        conf_file=arguments.conf_file,
        fixed=tuple(arguments.hyperparam),
        num_cpu=arguments.num_cpu,
        n_trials=arguments.n_trials if arguments.max_eval is None else arguments.max_eval,
        timeout=arguments.timeout,
        n_jobs=arguments.n_jobs,
        sampler=sampler,
        pruner=pruner,
        n_startup_trials=arguments.n_startup_trials,
        n_evaluations=arguments.n_evaluations,
        n_eval_episodes=arguments.n_eval_episodes,
        folder=folder,
        storage=_storage_url(arguments.storage, folder / DATABASE),
        study_name=_study_name(arguments.study_name, folder),
        storage_patience=arguments.storage_patience,
        show_progress=not arguments.no_progress,
        train_command=_train_command(arguments, given),
    )


def _methods(arguments: argparse.Namespace, given: set[str]) -> tuple[str, str]:
    """Sampler and pruner: those of ``--optimizer``, if it is given, but for those given by themselves."""
    sampler, pruner = PRESETS.get(arguments.optimizer, (arguments.sampler, arguments.pruner))
    return (
        arguments.sampler if "sampler" in given else sampler,
        arguments.pruner if "pruner" in given else pruner,
    )


def _default_folder(arguments: argparse.Namespace) -> Path:
    return DEFAULT_LOG_DIR / "search" / f"{arguments.algo}-{escaped_id(arguments.env)}-{arguments.srl_model}"


def _study_name(name: str | None, folder: Path) -> str:
    name = name or folder.resolve().name
    if not 0 < len(name) <= MAX_NAME:
        raise UserError(f"--study-name must have 1 to {MAX_NAME} characters, not {len(name)}.")
    return name


def _storage_url(storage: str | None, database: Path) -> str:
    """The storage as a URL; a path stands for a journal or an SQLite file by its ending."""
    if storage is None:
        return f"sqlite:///{database}"
    kind, separator, rest = storage.partition("://")
    if not separator:
        if storage.endswith(".log"):
            return f"journal://{Path(storage).absolute()}"
        if storage.endswith((".db", ".sqlite", ".sqlite3")):
            return f"sqlite:///{storage}"
    elif rest and kind.partition("+")[0] in STORAGES:
        return storage
    known = ", ".join(f"{kind}://…" for kind in STORAGES)
    raise UserError(f"--storage takes {known}, or a path that ends in .log or .db, not '{storage}'.")


def _plan_training(arguments: argparse.Namespace, given: set[str], folder: Path) -> "TrainingPlan":
    """What ``train`` would do with these flags: trial 0."""
    from rl_baselines.training.resolve import resolve

    request = request_from_flags(arguments, given & set(OF_TRAIN))
    return resolve(dataclasses.replace(request, log_dir=folder, no_vis=True))


def _space(arguments: argparse.Namespace) -> "dict[str, SearchRange]":
    """The ranges of what is searched: the file's or the algorithm's own, without what the user's flags fix."""
    from rl_baselines.hyperparams.resolve import EXCLUSIVE
    from rl_baselines.search.space import read_space

    algo_class = find_algo(arguments.algo).load_class(arguments.policy)
    flags = {text.partition(":")[0]: "--hyperparam" for text in arguments.hyperparam}
    if arguments.num_cpu is not None:
        flags["n_envs"] = "--num-cpu"
    fixed = {**flags, **{EXCLUSIVE[name]: flag for name, flag in flags.items() if name in EXCLUSIVE}}
    if arguments.search_space is not None:
        space = read_space(arguments.search_space, algo_class, arguments.algo)
        for name in space:
            if name in fixed:
                raise UserError(f"{fixed[name]} fixes {name}, which {arguments.search_space} searches; do one of them.")
        return space
    own = {name: found for name, found in algo_class.search_space.items() if name not in fixed}
    if not own:
        why = (
            "its hyperparameters are all fixed" if algo_class.search_space else "it has no hyperparameters that matter"
        )
        raise UserError(f"{arguments.algo} leaves nothing to search: {why}; name some in a --search-space file.")
    return own


def _train_command(arguments: argparse.Namespace, given: set[str]) -> str:
    """The command that trains in the same world; the hyperparameters come from a file."""
    words = ["python", "-m", "rl_baselines.train"]
    for name in OF_TRAIN:
        value = getattr(arguments, name)
        always = name in ("algo", "env", "srl_model", "num_timesteps")
        if name in ("seed", "num_cpu", "hyperparam", "conf_file") or (name not in given and not always):
            continue
        words.append(CONTINUAL_TASKS[name][1] if name in CONTINUAL_TASKS else f"--{name.replace('_', '-')}")
        if isinstance(value, list):
            words += value
        elif value is not True:
            words.append(str(value))
    return shlex.join([*words, *env_package_flags()])


if __name__ == "__main__":
    run_command(main)
