"""``train.py --task …``: the flags of DexHand's training script, and its configurations in YAML."""

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

from dexhand_env import CFG
from environments.config import flatten
from environments.flags import add_env_package_flag
from environments.foreign import escaped_id
from environments.registry import canonical_id, registered_env
from rl_baselines.front_doors.rl_games import fit_minibatches, read_games_config
from rl_baselines.front_doors.shared.devices import DEVICE_FLAGS, put_devices
from rl_baselines.front_doors.shared.going_on import go_on_from
from rl_baselines.front_doors.shared.order import Order
from rl_baselines.front_doors.shared.parsers import DashParser
from rl_baselines.front_doors.shared.table import (
    READ,
    Draft,
    Flag,
    add_flags,
    draft,
    folder_part,
    one_of,
    path,
    text,
    typed,
)
from rl_baselines.front_doors.shared.watching import HOW_TO_WATCH, watch
from rl_baselines.hyperparams.resolve import PRESETS
from rl_baselines.runs.find import find_checkpoint
from srl3.errors import UserError, unknown_name
from srl3.flags import Parser, positive_number, seed_number
from srl3.formats.yaml import read_by_hand

DOOR = "train_dexhand"
LOG_DIR = Path("runs")
TRAIN_CONFIG = Path("dexhand_env/cfg/train/BaseTaskPPO.yaml")
SAVE_ITERATIONS = 100
"""between numbered checkpoints, where the train configuration has no save_frequency"""
FLAGS = (
    # the environment
    Flag("task", text, "BaseTask", READ, "a world, or a file of dexhand_env/cfg/task"),
    Flag("num-envs", positive_number, 1024, READ, "worlds trained in"),
    *DEVICE_FLAGS,
    Flag("headless", None, False, READ, "without saying how to watch"),
    # training
    Flag("train-config", path, TRAIN_CONFIG, READ, "hyperparameters in YAML, by rl_games' names"),
    Flag("seed", seed_number, 42, "request.seed", "of everything; -1 draws one"),
    Flag("torch-deterministic", None, False, "request.torch_deterministic", "only torch's deterministic algorithms"),
    Flag("checkpoint", text, None, READ, "go on from this checkpoint, or run it with --test"),
    Flag("test", None, False, READ, "run the policy of --checkpoint, without training"),
    Flag("max-iterations", positive_number, 10_000, READ, "rollouts, each with its update"),
    # logging
    Flag("experiment-name", folder_part, None, READ, "beginning of the run folder's name; else the task's"),
    Flag("log-interval", positive_number, 10, "request.log_interval", "episodes between two lines of statistics"),
    # SRL3's own
    Flag("preset", one_of(*PRESETS), None, READ, "the world's hyperparameters instead of --train-config's"),
)

EXAMPLES = """examples:
  python -m rl_baselines.train_dexhand --task BaseTask --num-envs 1024 --headless
  python -m rl_baselines.train_dexhand --task DexGrasp --train-config dexhand_env/cfg/train/DexGraspPPO.yaml
  python -m rl_baselines.train_dexhand --task BaseTask --test --checkpoint runs/BaseTask_20240101_120000
"""


def make_parser() -> Parser:
    """The flags of ``train_dexhand``."""
    parser = DashParser(
        prog=f"python -m rl_baselines.{DOOR}",
        description="Train as DexHand's train.py does: batched_ppo, with that script's flags and files.",
        epilog=EXAMPLES,
    )
    add_flags(parser, FLAGS)
    add_env_package_flag(parser)
    return parser


def understand(argv: Sequence[str]) -> Order:
    """What these flags ask for; nothing is written.

    Raises:
        UserError: for flags that can't be, or contradict one another.
    """
    values, given = make_parser().parse_with_given(argv)
    if values.test:
        if values.checkpoint is None:
            raise UserError("--test runs a policy; name it in --checkpoint.")
        checkpoint = find_checkpoint(values.checkpoint, LOG_DIR)
        robots = values.num_envs if "num_envs" in given else None
        return watch(str(checkpoint), LOG_DIR, robots=robots, headless=values.headless, device=values.rl_device)
    return _train(values, given, argv)


def _train(values: argparse.Namespace, given: Collection[str], argv: Sequence[str]) -> Order:
    env_id, parameters = find_task(values.task)
    made = draft(FLAGS, vars(values), given)
    made.world |= parameters
    put_devices(made, values.sim_device, env_id)
    made.fields |= {
        "algo": "batched_ppo",
        "env": env_id,
        "layout": "dexhand",
        "log_dir": LOG_DIR,
        "experiment_name": values.experiment_name or escaped_id(values.task),
        "no_vis": True,
        "save_iterations": SAVE_ITERATIONS,
    }
    checkpoint = values.checkpoint and find_checkpoint(values.checkpoint, LOG_DIR)
    if values.preset is not None and ("train_config" in given or checkpoint):
        raise UserError("--preset stands in for --train-config, and neither is of a --checkpoint; give one of them.")
    if checkpoint:
        if "train_config" in given:
            _configure(made, values)
        if "num_envs" in given:
            made.hyperparameters["n_envs"] = values.num_envs
        go_on_from(made, checkpoint)
    elif values.preset is not None:
        made.fields["preset"] = values.preset
        made.hyperparameters["n_envs"] = values.num_envs
    else:
        _configure(made, values)
        made.hyperparameters["n_envs"] = values.num_envs
    if "max_iterations" in given or "iterations" not in made.fields:
        made.fields["iterations"] = values.max_iterations
    request = made.request(DOOR, values, typed(DOOR, argv))
    return Order(request, notes=tuple(made.notes), announce="" if values.headless else HOW_TO_WATCH)


def _configure(made: Draft, values: argparse.Namespace) -> None:
    """Take the train configuration over."""
    shown = str(values.train_config)
    config = read_games_config(in_cfg(values.train_config), shown)
    note = fit_minibatches(config.hyperparameters, values.num_envs)
    made.notes += [] if note is None else [note]
    if config.ignored:
        made.notes.append(f"{shown}: {', '.join(config.ignored)} have no effect here.")
    made.levels.append((shown, config.hyperparameters))
    made.fields |= config.running


def find_task(task: str) -> tuple[str, dict[str, object]]:
    """The world of a task and the parameters that its configuration sets.

    Args:
        task: a world's name, or that of a file ``dexhand_env/cfg/task/<task>.yaml``, whose key ``task`` names the world
            and whose other keys are parameters of it.

    Raises:
        UserError: for neither, saying where a task of the user's own is looked for, or a file that can't be read.
    """
    file = in_cfg(Path("dexhand_env/cfg/task") / f"{task}.yaml")
    if not file.is_file():
        names = {alias for entry in registered_env.values() for alias in entry.aliases} | set(registered_env)
        names |= {path.stem for path in (*CFG.glob("task/*.yaml"), *Path("dexhand_env/cfg/task").glob("*.yaml"))}
        if task not in names:
            try:
                return canonical_id(task), {}  # of a package, or Gymnasium's
            except UserError:
                mistake = unknown_name("task", task, names)
                raise UserError(f"{mistake} A task of your own is the file {file}.") from None
        return canonical_id(task), {}
    content = read_by_hand(file, "a task's configuration has task: and parameters of that world")
    if not isinstance(content, dict) or not isinstance(content.get("task", task), str):
        raise UserError(f"{file} must be a mapping with the key task, which names a world.")
    values = dict(content)
    return canonical_id(values.pop("task", task)), flatten(values)


def in_cfg(file: Path) -> Path:
    """The file, or that of the package where the current folder has none of this name."""
    if file.is_file() or file.parts[:2] != ("dexhand_env", "cfg"):
        return file
    packaged = CFG.joinpath(*file.parts[2:])
    return packaged if packaged.is_file() else file
