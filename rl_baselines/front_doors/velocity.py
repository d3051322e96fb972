"""``train TASK --env.… --agent.…``: mjlab's dotted names, the old ones (rsl_rl before 4) and today's."""

import dataclasses
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from environments.foreign import escaped_id
from environments.registry import canonical_id, find_env, registered_env
from rl_baselines.batched_ppo.names import RSL_RL
from rl_baselines.front_doors.shared.going_on import go_on_from
from rl_baselines.front_doors.shared.order import Order
from rl_baselines.front_doors.shared.parsers import DottedParser
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
    truth,
    typed,
)
from rl_baselines.front_doors.shared.values import value_of
from rl_baselines.front_doors.velocity_world import put_parameter
from rl_baselines.hyperparams.resolve import PRESETS
from rl_baselines.registry import find_algo
from rl_baselines.runs.find import find_runs
from rl_baselines.runs.folder import RunFolder
from rl_baselines.runs.layouts import linked_iterations
from srl3.errors import UserError, unknown_name
from srl3.flags import Parser, positive_number, seed_number

DOOR = "train_velocity"
LOG_ROOT = Path("logs/rsl_rl")
ANY_CHECKPOINT = "model_.*.pt"
TASKS = re.compile(r"Mjlab-Velocity-(Flat|Rough)-[\w-]+")
"""mjlab's tasks, which are the worlds of these names, whatever their robot"""
MODEL_PARTS = ("policy", "algorithm", "actor", "critic", "distribution_cfg")
"""parts of ``--agent`` whose names are hyperparameters"""

FLAGS = (
    # the runner
    Flag("agent.seed", seed_number, 42, "request.seed", "of everything; -1 draws one"),
    Flag("agent.max-iterations", positive_number, 300, "request.iterations", "rollouts, each with its update"),
    Flag("agent.save-interval", positive_number, 50, "request.save_iterations", "iterations between kept checkpoints"),
    Flag("agent.experiment-name", folder_part, None, READ, "the folder below logs/rsl_rl; else the task's name"),
    Flag("agent.run-name", folder_part, None, "request.suffix", "appended to the run folder's name"),
    Flag("agent.logger", one_of("tensorboard", "wandb"), "tensorboard", READ, "TensorBoard's files are always written"),
    Flag("agent.wandb-project", text, "mjlab", READ, "project at Weights & Biases"),
    Flag("agent.resume", truth, False, READ, "go on from a run of this experiment"),
    Flag("agent.load-run", text, ".*", READ, "which: a regular expression of its folder's name; the newest that fits"),
    Flag("agent.load-checkpoint", text, ANY_CHECKPOINT, READ, "which of its checkpoints; the last that fits"),
    # the script
    Flag("device", text, "auto", "request.device", "torch device: auto, cpu, cuda:0 …"),
    Flag("env.scene.num-envs", positive_number, None, "hyperparameter.n_envs", "worlds trained in; else the preset's"),
    Flag("video", truth, False, READ, "film the policy now and then, by a process of its own"),
    Flag("video-length", positive_number, 200, READ, "control steps of a film"),
    Flag("video-interval", positive_number, 2000, READ, "control steps from the start of one film to the next"),
    Flag("log-root", path, LOG_ROOT, READ, "parent of experiments' folders"),
    Flag("registry-name", text, None, READ, "of a motion at Weights & Biases, for tasks that SRL3 does not have"),
    Flag("preset", one_of(*PRESETS), None, "request.preset", "tuned, or conservative: small, steady steps"),
)

EXAMPLES = """examples:
  python -m rl_baselines.train_velocity Mjlab-Velocity-Flat-Unitree-Go1 --env.scene.num-envs 1024
  python -m rl_baselines.train_velocity VelocityRough --agent.algorithm.learning-rate 5e-4 --env.rewards.pose.weight 0.5
  python -m rl_baselines.train_velocity VelocityFlat --agent.resume --agent.load-run 2026-11-.*
"""


def make_parser() -> Parser:
    """The flags of ``train_velocity``."""
    parser = DottedParser(
        ("env.", "agent."),
        prog=f"python -m rl_baselines.{DOOR}",
        description="Train as mjlab's train does: batched_ppo, with its dotted names. --agent.policy.…, "
        "--agent.algorithm.… and --agent.… are hyperparameters, --env.… parameters of the world, by mjlab's names or "
        "SRL3's.",
        epilog=EXAMPLES,
    )
    parser.add_argument("task", metavar="TASK", nargs="?", default="VelocityFlat", help="the world, or mjlab's task")
    add_flags(parser, FLAGS)
    return parser


def understand(argv: Sequence[str]) -> Order:
    """What these flags ask for; nothing is written.

    Raises:
        UserError: for flags that can't be, or contradict one another.
    """
    values, given = make_parser().parse_with_given(argv)
    if values.registry_name is not None:
        raise UserError("--registry-name names a motion to imitate; SRL3 has no such task, leave it out.")
    for flag in ("video_interval", "video_length"):
        if not values.video and flag in given:
            raise UserError(f"--{flag.replace('_', '-')} is of the films of --video; add --video, or leave it out.")
    env_id = find_task(values.task)
    made = draft(FLAGS, vars(values), given)
    if TASKS.fullmatch(values.task) and not values.task.endswith("-Unitree-Go1"):
        made.notes.append(
            f"{values.task}: {env_id}, whose robot is a quadruped of SRL3's own, of the size and mass of a Go1"
        )
    _dotted(made, values.dotted, env_id)
    experiment = values.agent__experiment_name or escaped_id(values.task)
    log_dir = values.log_root / experiment
    made.fields |= {"algo": "batched_ppo", "env": env_id, "layout": "mjlab", "log_dir": log_dir, "no_vis": True}
    environment: dict[str, str] = {}
    if values.agent__logger == "wandb":
        made.fields["track"] = "wandb"
        environment = {"WANDB_PROJECT": values.agent__wandb_project}
    if values.agent__resume:
        go_on_from(made, find_by_regex(log_dir, values.agent__load_run, values.agent__load_checkpoint))
    else:
        _check_not_resuming(given)
    if values.video:
        made.fields |= {"video": True, "video_length": values.video_length}
    request = made.request(DOOR, values, typed(DOOR, argv))
    if values.video:  # there, the interval counts the steps of each robot
        from rl_baselines.training.resolve import resolve

        interval = values.video_interval * resolve(request).hyperparams["n_envs"]
        request = dataclasses.replace(request, video_interval=interval)
    return Order(request, notes=tuple(made.notes), environment=environment)


def find_task(task: str) -> str:
    """The world of a task: by SRL3's names, or mjlab's.

    Raises:
        UserError: for an unknown one.
    """
    theirs = TASKS.fullmatch(task)
    try:
        return canonical_id(f"Velocity{theirs[1]}" if theirs else task)
    except UserError:
        short = [alias for entry in registered_env.values() for alias in entry.aliases]
        raise unknown_name("task", task, ["Mjlab-Velocity-Flat-Unitree-Go1", *short, *registered_env]) from None


def _check_not_resuming(given: Collection[str]) -> None:
    for name in ("agent__load_run", "agent__load_checkpoint"):
        if name in given:
            flag = name.replace("__", ".").replace("_", "-")
            raise UserError(f"--{flag} says from where a training goes on; add --agent.resume, or leave it out.")


def find_by_regex(log_dir: Path, load_run: str, load_checkpoint: str) -> Path:
    """The checkpoint that two regular expressions choose, as rsl_rl's runners do.

    Args:
        log_dir: folder of the experiment's runs.
        load_run: of a run folder's name; the last in the order of names that fits.
        load_checkpoint: of a checkpoint's name, ``model_<iteration>.pt``, or by SRL3's own names; the last that fits.

    Raises:
        UserError: when nothing fits, with what is there.
    """
    for pattern, flag in ((load_run, "--agent.load-run"), (load_checkpoint, "--agent.load-checkpoint")):
        try:
            re.compile(pattern)
        except re.error as error:
            raise UserError(f"{flag} {pattern} is no regular expression: {error}.") from None
    runs = sorted(find_runs(log_dir), key=lambda run: run.path.name) if log_dir.is_dir() else []
    fitting = [run for run in runs if re.match(load_run, run.path.name)]
    if not fitting:
        there = ", ".join(run.path.name for run in runs[-3:]) or "no runs"
        raise UserError(f"no run in {log_dir} fits --agent.load-run {load_run}; there are {there}.")
    run = fitting[-1]
    if load_checkpoint == ANY_CHECKPOINT and run.latest.is_file():
        return run.latest
    names = _names(run)
    chosen = [file for name, file in names if re.match(load_checkpoint, name)]
    if not chosen:
        there = ", ".join(name for name, _ in names) or "no checkpoint"
        raise UserError(f"no checkpoint of {run.path} fits --agent.load-checkpoint {load_checkpoint}; it has {there}.")
    return chosen[-1]


def _names(run: RunFolder) -> list[tuple[str, Path]]:
    """The names of a run's checkpoints, the latest last."""
    linked = [(path.name, path.resolve()) for path in linked_iterations("mjlab", run).values()]
    own = [(file.name, file) for file in (*run.numbered(), run.best_model, run.latest) if file.is_file()]
    return [*linked, *own]


def _dotted(made: Draft, overrides: Sequence[str], env_id: str) -> None:
    """Take over what the table of flags does not name."""
    config = find_env(env_id).load_config()()
    known = {*RSL_RL, *find_algo("batched_ppo").load_class().parameters()} if overrides else set()
    for override in overrides:
        key, _, written = override.partition("=")
        value = value_of(f"--{override}", written)
        side, _, name = key.partition(".")
        if side == "env":
            put_parameter(made, config, name, value, _flags("env."))
        else:
            ours = hyperparameter_of(name)
            if ours not in known:
                part, dot, _ = name.rpartition(".")
                of_runner = [] if dot else [flag.removeprefix("agent.") for flag in _flags("agent.")]
                raise unknown_name("field of --agent", name, [*of_runner, *(f"{part}{dot}{each}" for each in known)])
            made.hyperparameters[ours] = value


def _flags(prefix: str) -> list[str]:
    """Names in the table of flags that begin so, as the parser collects names that it does not know."""
    return [flag.name.replace("-", "_") for flag in FLAGS if flag.name.startswith(prefix)]


def hyperparameter_of(name: str) -> str:
    """The hyperparameter of ``--agent.<name>``, as `rl_baselines.batched_ppo.names` and the algorithm know it.

    Raises:
        UserError: for a part that there is not.
    """
    *parts, last = name.split(".")
    for part in parts:
        if part not in MODEL_PARTS:
            raise unknown_name("field of --agent", name, [f"{part}.{last}" for part in MODEL_PARTS])
    whose = parts[0] if parts and parts[0] in ("actor", "critic") else ""
    own = {"hidden_dims": f"{whose}_hidden_dims", "obs_normalization": f"{whose}_obs_normalization"}
    if whose and last in own:
        return own[last]
    if whose == "critic" and last != "activation":
        raise UserError(
            f"--agent.{name}: batched_ppo has one such setting for actor and critic; use --agent.actor.{last}."
        )
    if last == "std_type":
        return "noise_std_type"
    if last == "class_name":
        raise UserError(f"--agent.{name}: networks are MLPs here, with --agent.rnn-type gru or lstm recurrent ones.")
    return last
