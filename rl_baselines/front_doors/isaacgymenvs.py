"""``train_play.py key=value``: training and watching in two processes, in the manner of IsaacGymEnvs."""

import argparse
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from environments.foreign import escaped_id
from environments.registry import canonical_id, find_env
from rl_baselines.front_doors.rl_games import GamesConfig, fit_minibatches
from rl_baselines.front_doors.shared.devices import device_flags, put_devices
from rl_baselines.front_doors.shared.going_on import go_on_from
from rl_baselines.front_doors.shared.order import Order
from rl_baselines.front_doors.shared.parsers import KeyValueParser
from rl_baselines.front_doors.shared.table import (
    READ,
    Draft,
    Flag,
    add_flags,
    draft,
    folder_part,
    one_of,
    text,
    truth,
    typed,
)
from rl_baselines.front_doors.shared.values import value_of
from rl_baselines.front_doors.shared.watching import watch
from rl_baselines.hyperparams.resolve import PRESETS
from rl_baselines.runs.find import find_checkpoint
from srl3.errors import UserError, unknown_name
from srl3.flags import Parser, positive_float, positive_number, seed_number

DOOR = "train_play"
LOG_DIR = Path("runs")
WATCHED = 4
"""robots of mode=play"""
ITERATIONS: Mapping[str, int] = {"HumanoidGymEnv-v0": 1000}
"""of a training, where a task's own training has others than the usual number"""
USUAL_ITERATIONS = 500
ELSEWHERE: Mapping[str, str] = {
    "train": "hyperparameters are train.params.config.<name>=…, or preset=conservative",
    "pipeline": "the device of the physics is sim_device=cpu or sim_device=cuda:0",
    "physics_engine": "worlds have the engine that they are made with; list says which",
    "capture_video": "python -m rl_baselines.enjoy --video films a policy",
    "num_threads": "threads of the physics are task.sim.threads=…",
    "num_subscenes": "MuJoCo has no subscenes; leave it out",
    "force_render": "a training has no window; watch it by mode=play in another terminal",
    "sigma": "the policy's first standard deviation is train.params.config.init_std=…",
}
"""keys of IsaacGymEnvs that are not here, and what is"""

FLAGS = (
    Flag("task", text, "Ant", READ, "the world"),
    Flag("mode", one_of("train", "play"), "train", READ, "train, or watch the run of experiment="),
    Flag("experiment", text, None, READ, "beginning of the run folder's name (else the task's); of mode=play: the run"),
    Flag("num_envs", positive_number, None, READ, "worlds trained in (else the preset's), or robots watched (else 4)"),
    Flag("checkpoint_save_freq", positive_number, 100, "request.save_iterations", "epochs between kept checkpoints"),
    Flag(
        "checkpoint_reload_interval", positive_float, 30.0, READ, "no effect",
        "a new checkpoint is seen within a second of being written.",
    ),
    Flag(
        "enable_control_panel", truth, False, READ, "no effect",
        "the page of mode=play has the panel; python -m rl_baselines.checkpoint_control_panel is another one.",
    ),
    Flag("wandb_activate", truth, False, READ, "Weights & Biases"),
    Flag("wandb_entity", text, None, READ, "whose account"),
    Flag("wandb_project", text, "isaacgymenvs", READ, "project there"),
    Flag("multi_gpu", truth, False, READ, "with torchrun: each process on a GPU of its own"),
    *device_flags("_"),
    Flag("headless", truth, None, READ, "of mode=play: lines instead of a page"),
    Flag("test", truth, False, READ, "the same as mode=play"),
    Flag("seed", seed_number, 42, "request.seed", "of everything; -1 draws one"),
    Flag("torch_deterministic", truth, False, "request.torch_deterministic", "only torch's deterministic algorithms"),
    Flag("max_iterations", positive_number, None, "request.iterations", "epochs: rollouts with their updates"),
    Flag("checkpoint", text, None, READ, "go on from this checkpoint, or watch it"),
    Flag("preset", one_of(*PRESETS), None, "request.preset", "tuned, or conservative: small, steady steps"),
)  # fmt: skip

EXAMPLES = """examples:
  python -m rl_baselines.train_play task=Ant mode=train
  python -m rl_baselines.train_play task=Ant mode=play experiment=Ant
  python -m rl_baselines.train_play task=Ant train.params.config.learning_rate=1e-4 task.rewards.alive=1
"""


def make_parser() -> Parser:
    """The keys of ``train_play``."""
    parser = KeyValueParser(
        ELSEWHERE,
        prog=f"python -m rl_baselines.{DOOR}",
        description="Train in one terminal, watch in another, as train_play.py of IsaacGymEnvs does. Keys are written "
        "key=value; train.params.config.… sets hyperparameters, task.… parameters of the world.",
        epilog=EXAMPLES,
    )
    add_flags(parser, FLAGS)
    return parser


def understand(argv: Sequence[str]) -> Order:
    """What these keys ask for; nothing is written.

    Raises:
        UserError: for keys that can't be, or contradict one another.
    """
    values, given = make_parser().parse_with_given(argv)
    if values.test and values.mode == "train" and "mode" in given:
        raise UserError("mode=train trains, test=True watches; give one of them.")
    if values.mode == "play" or values.test:
        return _play(values, given)
    return _train(values, given, argv)


def _play(values: argparse.Namespace, given: Collection[str]) -> Order:
    made = draft(FLAGS, vars(values), given)
    if values.experiment is None and values.checkpoint is None:
        raise UserError("mode=play shows a run; name it, or the beginning of its name: experiment=Ant.")
    if values.experiment is not None and values.checkpoint is not None:
        raise UserError("experiment= and checkpoint= both name what is shown; give one of them.")
    spec = str(find_checkpoint(values.checkpoint, LOG_DIR)) if values.checkpoint else values.experiment
    return watch(
        spec,
        LOG_DIR,
        robots=values.num_envs or WATCHED,
        headless=bool(values.headless),
        device=values.rl_device,
        wait=values.checkpoint is None,
        notes=tuple(made.notes),
    )


def _train(values: argparse.Namespace, given: Collection[str], argv: Sequence[str]) -> Order:
    env_id = canonical_id(values.task)
    if values.experiment is not None:
        try:
            folder_part(values.experiment)
        except argparse.ArgumentTypeError as error:
            raise UserError(f"experiment: {error}.") from None
    made = draft(FLAGS, vars(values), given)
    put_devices(made, values.sim_device, env_id)
    config = _dotted(made, values.dotted, env_id)
    made.fields.setdefault("iterations", ITERATIONS.get(env_id, USUAL_ITERATIONS))
    made.fields |= {
        "algo": "batched_ppo",
        "env": env_id,
        "layout": "isaacgymenvs",
        "log_dir": LOG_DIR,
        "experiment_name": escaped_id(values.experiment or values.task),
        "no_vis": True,
    }
    if values.num_envs is not None:
        made.hyperparameters["n_envs"] = values.num_envs
        note = fit_minibatches(config.hyperparameters, values.num_envs)
        made.notes += [] if note is None else [note]
    made.hyperparameters |= config.hyperparameters
    made.fields |= config.running
    environment: dict[str, str] = {}
    if values.wandb_activate:
        made.fields["track"] = "wandb"
        environment = {"WANDB_PROJECT": values.wandb_project}
        environment |= {"WANDB_ENTITY": values.wandb_entity} if values.wandb_entity else {}
    if values.checkpoint:
        go_on_from(made, find_checkpoint(values.checkpoint, LOG_DIR))
    if values.multi_gpu and "WORLD_SIZE" not in os.environ:
        made.notes.append("multi_gpu: torchrun starts several processes; this is one.")
    if values.headless is False:
        made.notes.append("headless: a training has no window; watch it by mode=play in another terminal.")
    request = made.request(DOOR, values, typed(DOOR, argv))
    return Order(request, notes=tuple(made.notes), announce="Training will save to: ", environment=environment)


def _dotted(made: Draft, overrides: Sequence[str], env_id: str) -> GamesConfig:
    """Take Hydra's overrides of ``train`` and ``task`` over; the former as they come, by rl_games' names."""
    found = GamesConfig()
    parameters = find_env(env_id).load_config().parameter_names()
    for override in overrides:
        key, _, written = override.partition("=")
        value = value_of(override, written)
        first, _, rest = key.partition(".")
        if key.startswith("train.params.config."):
            found.put(key.removeprefix("train.params.config."), value, override)
        elif key == "train.params.network.mlp.units":
            found.hyperparameters["hidden_dims"] = value
        elif key == "train.params.network.mlp.activation":
            found.hyperparameters["activation"] = value
        elif key == "task.env.numEnvs":
            made.hyperparameters["n_envs"] = value
        elif key == "task.env.episodeLength":
            made.world["max_steps"] = value
        elif first == "task" and (rest in parameters or any(name.startswith(f"{rest}.") for name in parameters)):
            made.world[rest] = value
        else:
            known = [f"task.{name}" for name in parameters]
            known += [f"train.params.config.{name}" for name in ("learning_rate", "horizon_length", "minibatch_size")]
            raise unknown_name("key", key, known)
    found.settle()
    return found
