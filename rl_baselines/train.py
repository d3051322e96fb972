"""``python -m rl_baselines.train``: trains, retrains or resumes a policy."""

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.flags import add_env_flags, env_help, env_kwargs_from_flags, make_config
from rl_baselines.registry import check_action_type, find_algo, registered_rl
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR, check_writable, find_checkpoint, find_run
from rl_baselines.tracking.trackers import TRACKERS, check_tracker
from srl3.errors import UserError, run_command
from srl3.flags import Parser, port_number, positive_float, positive_number, seed_number, whole_number
from state_representation.store.choose import add_representation_flags, check_srl_model, choose_representation

if TYPE_CHECKING:
    from rl_baselines.checkpoints.checkpoint import Checkpoint
    from rl_baselines.hyperparams.resolve import Setting
    from rl_baselines.training.session import TrainingPlan

EXAMPLES = """examples:
  python -m rl_baselines.train --env MobileRobotGymEnv-v0 --srl-model ground_truth --num-timesteps 200_000
  python -m rl_baselines.train --srl-model ground_truth -c -r --algo sac --hyperparam learning_rate:lin_3e-4
  python -m rl_baselines.train --load-rl-model-path logs/KukaButtonGymEnv-v0 --new-lr 1e-4
  python -m rl_baselines.train --resume logs/MobileRobotGymEnv-v0/ground_truth/ppo2
"""
RESUME_MAY_CHANGE = ("resume", "device", "port", "no_vis", "no_progress", "track")
"""flags that may be given with --resume; the others are the run's own"""
NEW_LR_SHARE = 0.01
"""rate of a retraining without --new-lr, as a share of the saved initial rate"""
LATER = ("teacher_data_folder", "epochs_distillation", "distillation_training_set_size", "perform_cross_evaluation_cc")


def make_parser() -> Parser:
    """The flags of ``train``."""
    parser = Parser(prog="python -m rl_baselines.train", description="Train a robot policy.", epilog=EXAMPLES)
    run = parser.add_argument_group("what to train")
    run.add_argument("--algo", default="ppo2", help="algorithm: " + ", ".join(registered_rl))
    run.add_argument("--env", default="KukaButtonGymEnv-v0", help=env_help())
    run.add_argument("--seed", type=seed_number, default=0, help="seed of everything; -1 draws one and records it")
    run.add_argument("--num-timesteps", type=positive_number, default=1_000_000, help="environment steps, e.g. 1e6")
    run.add_argument("--num-cpu", type=positive_number, help="environments run at once; else the preset's, else 1")
    run.add_argument("--policy", choices=["feedforward", "lstm"], default="feedforward", help="kind of network")
    run.add_argument("--device", default="auto", help="torch device: auto, cpu, cuda, cuda:1 …")
    run.add_argument(
        "--hyperparam",
        nargs="+",
        default=[],
        metavar="NAME:VALUE",
        help="hyperparameters of the algorithm, for example n_steps:256 learning_rate:lin_3e-4",
    )
    run.add_argument("--conf-file", type=Path, help="presets (YAML); else the algorithm's in config/hyperparams/")

    add_env_flags(parser)

    add_representation_flags(parser)
    run.add_argument("--num-stack", type=positive_number, default=1, help="frames stacked")

    again = parser.add_argument_group("going on")
    again.add_argument("--load-rl-model-path", metavar="MODEL", help="retrain this file, run or part of its name")
    again.add_argument("--new-lr", type=positive_float, help="rate of the retraining; else 0.01 × the saved one")
    again.add_argument("--resume", metavar="RUN", help="go on with an interrupted run, in its folder")

    out = parser.add_argument_group("output")
    out.add_argument("--log-dir", type=Path, default=DEFAULT_LOG_DIR, help="parent of run folders")
    out.add_argument("--suffix", help="appended to the run folder's name")
    out.add_argument("--port", type=port_number, default=8097, help="visdom port")
    out.add_argument("--no-vis", action="store_true", help="no visdom")
    out.add_argument("--episode-window", type=positive_number, default=40, help="moving average of the episode plot")
    out.add_argument(
        "--min-episodes-save", type=whole_number, default=100, help="episodes before a best model may be saved"
    )
    out.add_argument("--eval-freq", type=whole_number, default=0, help="evaluate every N steps; 0 never")
    out.add_argument("--save-freq", type=whole_number, default=0, help="write checkpoints/ every N steps; 0 never")
    out.add_argument("--no-progress", action="store_true", help="no progress bar")
    out.add_argument("--track", choices=("none", *TRACKERS), default="none", help="mirror the run into this service")

    later = parser.add_argument_group("distillation (not yet here)")
    later.add_argument("--teacher-data-folder")
    later.add_argument("--epochs-distillation", type=positive_number, default=30)
    later.add_argument("--distillation-training-set-size", type=int, default=-1)
    later.add_argument("--perform-cross-evaluation-cc", action="store_true")
    later.add_argument("--eval-episode-window", type=positive_number, default=400)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, check, train; returns the exit status."""
    arguments, given = make_parser().parse_with_given(argv)
    command = shlex.join(["python", "-m", "rl_baselines.train", *(sys.argv[1:] if argv is None else argv)])
    if arguments.resume is not None:
        plan = plan_resume(arguments, given)
    else:
        plan = plan_training(arguments, given, command)
    from rl_baselines.training.session import run_training

    return run_training(plan)


def plan_training(arguments: argparse.Namespace, given: set[str], command: str) -> "TrainingPlan":
    """The plan of a new run, from scratch or from another run's model; checks everything, writes nothing."""
    for flag in LATER:
        if flag in given:
            raise UserError(f"--{flag.replace('_', '-')} is not yet here: this version has no policy distillation.")
    if arguments.new_lr is not None and arguments.load_rl_model_path is None:
        raise UserError("--new-lr is the rate of a retraining; add --load-rl-model-path, or use --hyperparam.")
    if arguments.suffix and ("/" in arguments.suffix or arguments.suffix.startswith(".")):
        raise UserError(f"--suffix becomes part of a folder's name, and '{arguments.suffix}' can't.")
    find_algo(arguments.algo)
    env_kwargs = env_kwargs_from_flags(arguments, given)

    parent = None
    if arguments.load_rl_model_path is not None:
        path = find_checkpoint(arguments.load_rl_model_path, arguments.log_dir)

        from rl_baselines.checkpoints.checkpoint import load_checkpoint

        parent = load_checkpoint(path)
        env_kwargs = _inherit(arguments, given, env_kwargs, parent)

    config_class = make_config(arguments.env, {}).__class__
    check_srl_model(arguments.srl_model, arguments.env, config_class)
    folder, env_kwargs = choose_representation(arguments, given, env_kwargs, retrains=parent is not None)
    config = make_config(arguments.env, env_kwargs)
    check_action_type(arguments.algo, continuous=not config.is_discrete)
    check_writable(arguments.log_dir)
    find_algo(arguments.algo).load_class(arguments.policy)
    settings = _settings(arguments, continuous=not config.is_discrete, parent=parent)
    _check_device(arguments.device)
    if arguments.seed == -1:
        import secrets

        arguments.seed = secrets.randbelow(2**31)

    from rl_baselines.training.session import TrainingPlan

    encoder = None
    if folder is not None:
        from state_representation.encoding.encoder import load_encoder

        encoder = load_encoder(folder, arguments.device)
    elif parent is not None:
        encoder = parent.load_encoder(arguments.device)
    return TrainingPlan(
        algo=arguments.algo,
        policy=arguments.policy,
        env_id=arguments.env,
        env_kwargs=config.as_dict(),
        srl_model=arguments.srl_model,
        encoder=encoder,
        num_stack=arguments.num_stack,
        seed=arguments.seed,
        total_timesteps=arguments.num_timesteps,
        settings=settings,
        log_dir=arguments.log_dir,
        suffix=arguments.suffix,
        arguments=_plain(arguments),
        command=command,
        parent=parent,
        **_display(arguments),
        **_saving(vars(arguments)),
    )


def plan_resume(arguments: argparse.Namespace, given: set[str]) -> "TrainingPlan":
    """The plan that goes on with an interrupted run, from its own settings and its ``latest.zip``."""
    for name in sorted(given - set(RESUME_MAY_CHANGE)):
        flag = f"--{name.replace('_', '-')}"
        raise UserError(
            f"--resume goes on with the run's own settings; leave out {flag}, or retrain with --load-rl-model-path."
        )
    run = find_run(arguments.resume, arguments.log_dir)
    if not run.latest.is_file():
        raise UserError(f"{run.path} has no {run.latest.name} to resume from; it ended before its first rollout.")

    from rl_baselines.checkpoints.checkpoint import load_checkpoint
    from rl_baselines.hyperparams.resolve import Setting
    from rl_baselines.training.session import TrainingPlan

    parent = load_checkpoint(run.latest)
    info = parent.info
    if info.num_timesteps >= info.total_timesteps:
        raise UserError(
            f"{run.path} has trained all its {info.total_timesteps:,} steps; "
            f"to train it further use --load-rl-model-path {run.path}."
        )
    check_writable(run.path)
    _check_device(arguments.device)
    used = run.read_yaml(run.args)
    if "track" not in given:
        arguments.track = used["arguments"].get("track", "none")
    saved = run.read_yaml(run.train_config)
    settings = {name: Setting(value, saved.get(name, {}).get("from", "")) for name, value in info.hyperparams.items()}
    return TrainingPlan(
        algo=info.algo,
        policy=info.policy,
        env_id=info.env_id,
        env_kwargs=info.env_kwargs,
        srl_model=info.srl_model,
        encoder=parent.load_encoder(arguments.device),
        num_stack=info.num_stack,
        seed=info.seed,
        total_timesteps=info.total_timesteps,
        settings=settings,
        log_dir=arguments.log_dir,
        suffix=None,
        arguments=used["arguments"],
        command=used["command"],
        parent=parent,
        resume=run,
        **_display(arguments),
        **_saving(used["arguments"]),
    )


def _display(arguments: argparse.Namespace) -> dict[str, Any]:
    """The plan's fields that a resumed run takes from its own command line."""
    track = None if arguments.track == "none" else arguments.track
    check_tracker(track)
    return {
        "track": track,
        "device": arguments.device,
        "visdom_port": None if arguments.no_vis else arguments.port,
        "show_progress": not arguments.no_progress,
    }


def _saving(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The plan's fields that a resumed run takes from the first one's flags."""
    return {name: arguments[name] for name in ("episode_window", "min_episodes_save", "eval_freq", "save_freq")}


def _inherit(
    arguments: argparse.Namespace, given: set[str], env_kwargs: dict[str, Any], parent: "Checkpoint"
) -> dict[str, Any]:
    """Take from the parent what the user did not say; refuse another algorithm or representation.

    Returns:
        the environment's parameters: the parent's, overridden by flags; in another environment flags alone.
    """
    info = parent.info
    if "algo" in given and find_algo(arguments.algo).load_class() is not find_algo(info.algo).load_class():
        raise UserError(f"{parent.path} was trained with {info.algo}, and can't be retrained with {arguments.algo}.")
    if "policy" in given and arguments.policy != info.policy:
        raise UserError(f"{parent.path} has a {info.policy} policy, and can't be retrained as {arguments.policy}.")
    if "srl_model" in given and arguments.srl_model != info.srl_model:
        raise UserError(
            f"{parent.path} was trained from {info.srl_model}, and can't be retrained from {arguments.srl_model}."
        )
    if "num_stack" in given and arguments.num_stack != info.num_stack:
        raise UserError(
            f"{parent.path} was trained on {info.num_stack} stacked frame(s), "
            f"and can't be retrained on {arguments.num_stack}."
        )
    same_env = "env" not in given or arguments.env == info.env_id
    if "algo" not in given:
        arguments.algo = info.algo
    if "env" not in given:
        arguments.env = info.env_id
    arguments.policy, arguments.srl_model, arguments.num_stack = info.policy, info.srl_model, info.num_stack
    inherited = {name: value for name, value in info.env_kwargs.items() if name != "srl_model"} if same_env else {}
    return {**inherited, **env_kwargs}


def _settings(arguments: argparse.Namespace, *, continuous: bool, parent: "Checkpoint | None") -> dict[str, "Setting"]:
    from rl_baselines.hyperparams.resolve import resolve_hyperparams
    from rl_baselines.hyperparams.schedules import initial_learning_rate

    flags: dict[str, Any] = {"n_envs": arguments.num_cpu}
    if parent is not None:
        if arguments.conf_file is not None:
            raise UserError("a retraining keeps its model's hyperparameters; use --hyperparam, not --conf-file.")
        if "learning_rate" in {item.partition(":")[0] for item in arguments.hyperparam}:
            raise UserError("the rate of a retraining is --new-lr; leave learning_rate out of --hyperparam.")
        rate = initial_learning_rate(parent.info.hyperparams)
        if rate is None and arguments.new_lr is not None:
            raise UserError(f"{arguments.algo} has no learning rate; leave out --new-lr.")
        if rate is not None:
            flags["learning_rate"] = f"lin_{NEW_LR_SHARE * rate if arguments.new_lr is None else arguments.new_lr:g}"
    return resolve_hyperparams(
        find_algo(arguments.algo).load_class(arguments.policy),
        arguments.algo,
        arguments.env,
        arguments.srl_model,
        continuous=continuous,
        conf_file=arguments.conf_file,
        overrides=arguments.hyperparam,
        flags=flags,
        saved=None if parent is None else (str(parent.path), parent.info.hyperparams),
    )


def _check_device(device: str) -> None:
    import torch

    if device == "auto":
        return
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"--device {device} can't be used here ({str(error).splitlines()[0]}); use auto.") from None


def _plain(arguments: argparse.Namespace) -> dict[str, Any]:
    """The flags as YAML can hold them."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()}


if __name__ == "__main__":
    run_command(main)
