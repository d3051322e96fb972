"""The flags of ``train``, and the request that they make. Imports nothing heavy: ``--help`` is quick."""

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import Any

from environments.config.names import flatten
from environments.flags import add_env_flags, env_help, env_kwargs_from_flags
from rl_baselines.checkpoints.foreign.said import add_trust_flag
from rl_baselines.hyperparams.resolve import PRESETS
from rl_baselines.registry import registered_rl
from rl_baselines.tracking.trackers import TRACKERS
from rl_baselines.training.request import CHOICES, DEFAULTS, TrainingRequest
from srl3.flags import Parser, parse_pair, port_number, positive_float, positive_number, seed_number, whole_number
from state_representation.store.choose import add_representation_flags


def add_training_flags(parser: Parser) -> None:
    """Everything that a training can be asked for."""
    run = parser.add_argument_group("what to train")
    run.add_argument(
        "--algo",
        default=DEFAULTS["algo"],
        help="algorithm; MuJoCo's worlds have batched_ppo instead, from states: " + ", ".join(registered_rl),
    )
    run.add_argument("--env", default=DEFAULTS["env"], help=env_help())
    run.add_argument(
        "--seed", type=seed_number, default=DEFAULTS["seed"], help="seed of everything; -1 draws one and records it"
    )
    run.add_argument(
        "--num-timesteps", type=positive_number, default=DEFAULTS["num_timesteps"], help="environment steps, e.g. 1e6"
    )
    run.add_argument(
        "--num-envs",
        "--num-cpu",
        dest="num_cpu",
        type=positive_number,
        help="environments run at once; else the preset's, else 1",
    )
    run.add_argument(
        "--torch-deterministic", action="store_true", help="only deterministic algorithms of torch, also on a GPU"
    )
    run.add_argument(
        "--num-processes",
        type=number_of_processes,
        help="processes that train together, each on its share of the environments, for batched_ppo (torchrun starts "
        "them too); auto: as the cores allow; else 1, and of a resumed run as many as it had",
    )
    run.add_argument("--policy", choices=["feedforward", "lstm"], default=DEFAULTS["policy"], help="kind of network")
    run.add_argument("--device", default=DEFAULTS["device"], help="torch device: auto, cpu, cuda, cuda:1 …")
    run.add_argument(
        "--num-threads", type=positive_number, help="threads of torch; else one, or for pixels as many as cores"
    )
    run.add_argument(
        "--hyperparam",
        nargs="+",
        default=[],
        metavar="NAME:VALUE",
        help="hyperparameters of the algorithm, for example n_steps:256 learning_rate:lin_3e-4",
    )
    run.add_argument(
        "--preset",
        choices=PRESETS,
        default=DEFAULTS["preset"],
        help="conservative: small, steady steps, for tasks on which the tuned preset is unstable",
    )
    run.add_argument("--conf-file", type=Path, help="presets (YAML); else the algorithm's in config/hyperparams/")

    add_env_flags(parser)

    add_representation_flags(parser)
    run.add_argument("--num-stack", type=positive_number, default=DEFAULTS["num_stack"], help="frames stacked")

    again = parser.add_argument_group("going on")
    again.add_argument(
        "--load-rl-model-path", metavar="MODEL", help="retrain this file, run (also of rl-zoo3) or part of its name"
    )
    add_trust_flag(again)
    again.add_argument("--new-lr", type=positive_float, help="rate of the retraining; else 0.01 × the saved one")
    again.add_argument(
        "--value-warmup",
        type=whole_number,
        metavar="STEPS",
        help="environment steps in which a student that goes on by rewards learns their values alone and acts as "
        f"before; else {DEFAULTS['value_warmup']:,}, 0 none",
    )
    again.add_argument(
        "--imitate",
        nargs="+",
        metavar="MODEL",
        help="policies of the same world to which batched_ppo is drawn at first, each robot to the one whose world is "
        "most like what it is to do; how strongly and how long: --hyperparam imitation_coef imitation_steps",
    )
    again.add_argument("--resume", metavar="RUN", help="go on with an interrupted run, in its folder")

    out = parser.add_argument_group("output")
    out.add_argument("--log-dir", type=Path, default=DEFAULTS["log_dir"], help="parent of run folders")
    out.add_argument("--suffix", help="appended to the run folder's name")
    out.add_argument("--experiment-name", metavar="NAME", help="the run folder is <log-dir>/<NAME>_<time> instead")
    out.add_argument("--port", type=port_number, default=DEFAULTS["port"], help="visdom port")
    out.add_argument("--no-vis", action="store_true", help="no visdom")
    out.add_argument(
        "--episode-window",
        type=positive_number,
        default=DEFAULTS["episode_window"],
        help="moving average of the episode plot",
    )
    out.add_argument(
        "--min-episodes-save",
        type=whole_number,
        default=DEFAULTS["min_episodes_save"],
        help="episodes before a best model may be saved",
    )
    out.add_argument(
        "--eval-freq", type=whole_number, default=DEFAULTS["eval_freq"], help="evaluate every N steps; 0 never"
    )
    out.add_argument(
        "--num-evals", type=positive_number, metavar="N", help="evaluate N times, evenly over the training"
    )
    out.add_argument(
        "--eval-episodes", type=positive_number, default=DEFAULTS["eval_episodes"], help="episodes of an evaluation"
    )
    out.add_argument(
        "--n-eval-envs",
        type=positive_number,
        help="worlds of an evaluation at once; else one, or for a batched world one for each episode",
    )
    out.add_argument(
        "--eval-env-kwargs",
        nargs="+",
        metavar="NAME:VALUE",
        help="parameters of the evaluation's world, where it is to differ from the training's",
    )
    out.add_argument(
        "--save-replay-buffer",
        action=argparse.BooleanOptionalAction,
        default=DEFAULTS["save_replay_buffer"],
        help="write the replay buffer beside latest.zip, so that --resume goes on with it",
    )
    out.add_argument(
        "--verbose",
        type=int,
        choices=(0, 1),
        nargs="?",
        const=1,
        default=DEFAULTS["verbose"],
        help="1 prints what the algorithm logs, as a table at each log",
    )
    out.add_argument(
        "--save-freq",
        type=whole_number,
        default=DEFAULTS["save_freq"],
        help="write checkpoints/ every N steps; 0 never",
    )
    out.add_argument(
        "--log-interval",
        type=whole_number,
        default=DEFAULTS["log_interval"],
        help="print return, length, losses and rate every N episodes; 0 never",
    )
    out.add_argument("--video", action="store_true", help="film the policy now and then, by a process of its own")
    out.add_argument(
        "--video-interval",
        type=positive_number,
        default=DEFAULTS["video_interval"],
        help="training steps between two films of --video",
    )
    out.add_argument("--video-length", type=positive_number, default=DEFAULTS["video_length"], help="steps of a film")
    out.add_argument(
        "--num-videos", type=whole_number, default=DEFAULTS["num_videos"], help="films of the policy at the end"
    )
    out.add_argument(
        "--record-trajectories",
        type=whole_number,
        metavar="N",
        default=DEFAULTS["record_trajectories"],
        help="record N trajectories of the policy now and then, for play --recording",
    )
    out.add_argument(
        "--record-interval",
        type=positive_number,
        metavar="STEPS",
        help="training steps between two recordings; else --eval-freq, else --save-freq, else a tenth of the training",
    )
    out.add_argument(
        "--record-stochastic", action="store_true", help="of drawn actions; else of the most probable ones"
    )
    out.add_argument("--no-progress", action="store_true", help="no progress bar")
    out.add_argument(
        "--track", choices=("none", *TRACKERS), default=DEFAULTS["track"], help="mirror the run into this service"
    )
    out.add_argument(
        "--export", action="store_true", help="write policy.onnx whenever best_model.zip changes, in another process"
    )

    several = parser.add_argument_group("several tasks")
    several.add_argument(
        "--mix-tasks",
        nargs="+",
        metavar="TASK",
        help="learn these tasks at once, each in its share of the environments: sc, cc … of the Omnirobot, or "
        "[NAME=]PARAMETER:VALUE,… of the world",
    )
    several.add_argument(
        "--perform-cross-evaluation-cc",
        action="store_true",
        help="evaluate in every task that the policy has seen, here and in the runs that it goes back to",
    )
    several.add_argument(
        "--cross-evaluation-tasks", nargs="+", metavar="TASK", help="evaluate in these tasks too, under these names"
    )
    several.add_argument(
        "--eval-episode-window",
        type=positive_number,
        default=DEFAULTS["eval_episode_window"],
        help="episodes of the training between two evaluations in all tasks; of --algo distillation passes over the "
        "datasets, else 1",
    )
    teachers = parser.add_argument_group("distillation")
    teachers.add_argument(
        "--teacher-data-folder",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="datasets of teachers, recorded with dataset_generator --run-policy custom; or folders that hold some",
    )
    teachers.add_argument("--epochs-distillation", type=positive_number, help="passes over them; else 30")
    teachers.add_argument(
        "--distillation-training-set-size",
        type=int,
        metavar="N",
        help="steps of them that are used, in equal parts of each task; else, and with -1, all",
    )
    teachers.add_argument(
        "--dagger-rounds",
        type=whole_number,
        metavar="N",
        help="times that the student acts and its teachers say what they would have done; else 0",
    )
    teachers.add_argument("-bs", "--batch-size", type=positive_number, metavar="N", help="steps of an update; else 128")


def number_of_processes(text: str) -> int | str:
    """The type of ``--num-processes``."""
    return text if text == "auto" else positive_number(text)


def request_from_flags(arguments: argparse.Namespace, given: Collection[str], command: str = "") -> TrainingRequest:
    """The request that a command with flags of `add_training_flags`, or some of them, was given.

    Args:
        arguments: all flags with their values; left as they are.
        given: names of those that the user wrote.
        command: what the user typed.

    Raises:
        UserError: for flags that contradict one another.
    """
    values: dict[str, Any] = {name: getattr(arguments, name) for name in CHOICES if name in given}
    values.pop("env_kwargs", None)
    hyperparam = values.pop("hyperparam", None)
    for name in ("mix_tasks", "cross_evaluation_tasks", "teacher_data_folder", "imitate"):
        if name in values:
            values[name] = tuple(values[name])
    if "eval_env_kwargs" in values:
        values["eval_env_kwargs"] = flatten(
            dict(parse_pair(item, "--eval-env-kwargs") for item in values["eval_env_kwargs"])
        )
    return TrainingRequest(
        **values,
        hyperparam=None if hyperparam is None else tuple(hyperparam),
        env_kwargs=env_kwargs_from_flags(arguments, set(given)) or None,
        flags=dict(vars(arguments)),
        command=command,
    )
