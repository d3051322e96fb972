"""``train_reorient.py --name=value``: the flags of MuJoCo Playground's trainer and of its ParaHand environments."""

import argparse
import json
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from environments.config import PIXELS
from environments.foreign import escaped_id
from environments.registry import find_env
from rl_baselines.batched_ppo.settings import nearest_divisors
from rl_baselines.front_doors.randomization import randomized
from rl_baselines.front_doors.shared.going_on import go_on_from, world_of
from rl_baselines.front_doors.shared.order import Order
from rl_baselines.front_doors.shared.parsers import AbslParser
from rl_baselines.front_doors.shared.table import (
    HYPERPARAMETER,
    READ,
    Draft,
    Flag,
    add_flags,
    draft,
    folder_part,
    number,
    one_of,
    sizes,
    text,
    truth,
    typed,
)
from rl_baselines.hyperparams.resolve import PRESETS
from rl_baselines.runs.find import find_checkpoint, find_run
from rl_baselines.runs.folder import RunFolder
from srl3.errors import UserError
from srl3.files import write_text
from srl3.flags import Parser, positive_float, positive_number, seed_number, whole_number

if TYPE_CHECKING:
    from rl_baselines.training.plan import TrainingPlan

DOOR = "train_reorient"
LOG_DIR = Path("logs")
GROUPS = {"state": "policy", "privileged_state": "critic"}
"""keys of Playground's observations, and the groups of observations that they are here"""
DOCUMENTED = "documented"

FLAGS = (
    # the environment
    Flag("env_name", text, "ParaHandReorient", "request.env", "the world"),
    Flag("impl", one_of("auto", "batch", "warp", "jax"), "auto", READ, "the physics; auto: what the device takes"),
    Flag("vision", truth, False, READ, "observe the camera's image"),
    Flag("domain_randomization", truth, False, READ, "friction, masses, gains … drawn for each world"),
    # what to do
    Flag("play_only", truth, False, READ, "run the policy of --load_checkpoint_path, and film it"),
    Flag("load_checkpoint_path", text, None, READ, "go on from this run, checkpoints/ folder or checkpoint"),
    Flag("suffix", folder_part, None, "request.suffix", "appended to the run folder's name"),
    # steps and evaluations
    Flag("num_timesteps", positive_number, 1_000_000, "request.num_timesteps", "environment steps"),
    Flag("num_evals", positive_number, 5, READ, "evaluations, and numbered checkpoints, of the training"),
    Flag("run_evals", truth, True, READ, "evaluate during training"),
    Flag("num_videos", whole_number, 1, "request.num_videos", "films at the end, or of --play_only"),
    Flag("rscope_envs", positive_number, None, READ, "trajectories recorded at each evaluation, for play --recording"),
    Flag("deterministic_rscope", truth, True, READ, "they are of the most probable actions, else of drawn ones"),
    # hyperparameters
    Flag("reward_scaling", positive_float, 0.1, HYPERPARAMETER, "times the rewards, for learning"),
    Flag("episode_length", positive_number, 1000, "world.max_steps", "steps of an episode at most"),
    Flag("normalize_observations", truth, True, HYPERPARAMETER, "by their running mean and variance"),
    Flag("action_repeat", positive_number, 1, READ, "control steps for each action"),
    Flag("unroll_length", positive_number, 10, READ, "steps of a trajectory"),
    Flag("num_envs", positive_number, 1024, READ, "worlds trained in"),
    Flag(
        "num_eval_envs", positive_number, 128, READ, "episodes of an evaluation, a world for each; --vision: num_envs"
    ),
    Flag("discounting", number, 0.97, HYPERPARAMETER, "discount"),
    Flag("entropy_cost", number, 5e-3, HYPERPARAMETER, "weight of the entropy"),
    Flag("learning_rate", positive_float, 5e-4, HYPERPARAMETER, "it stays as it is"),
    Flag("batch_size", positive_number, 256, READ, "trajectories of a minibatch"),
    Flag("num_minibatches", positive_number, 8, READ, "minibatches of an iteration"),
    Flag("num_updates_per_batch", positive_number, 8, HYPERPARAMETER, "passes over an iteration's samples"),
    Flag("clipping_epsilon", positive_float, 0.2, HYPERPARAMETER, "clip range"),
    Flag("max_grad_norm", positive_float, 1.0, HYPERPARAMETER, "longest gradient"),
    # networks
    Flag("policy_hidden_layer_sizes", sizes, [64, 64, 64], HYPERPARAMETER, "of the policy"),
    Flag("value_hidden_layer_sizes", sizes, [64, 64, 64], HYPERPARAMETER, "of the value function"),
    Flag("policy_obs_key", text, "state", READ, "what the policy sees: state, privileged_state, or a group"),
    Flag("value_obs_key", text, None, READ, "what the value function sees; else privileged_state, where there is one"),
    # what is logged
    Flag("use_wandb", truth, False, READ, "Weights & Biases"),
    Flag("use_tb", truth, True, READ, "TensorBoard's files; they are always written"),
    Flag("log_training_metrics", truth, False, READ, "print returns and losses now and then"),
    Flag("training_metrics_steps", positive_number, 1_000_000, READ, "environment steps between two such lines"),
    Flag("seed", seed_number, 1, "request.seed", "of everything; -1 draws one"),
    # SRL3's own
    Flag("preset", one_of(DOCUMENTED, *PRESETS), DOCUMENTED, READ, "documented: what is shown here; else the world's"),
    Flag("device", text, "auto", "request.device", "torch device"),
)


def make_parser() -> Parser:
    """The flags of ``train_reorient``."""
    parser = AbslParser(
        prog=f"python -m rl_baselines.{DOOR}",
        description="Train as MuJoCo Playground's train_reorient.py does: batched_ppo, with that script's flags.",
        epilog=EXAMPLES,
    )
    add_flags(parser, FLAGS)
    return parser


EXAMPLES = """examples:
  python -m rl_baselines.train_reorient --env_name=ParaHandReorient
  python -m rl_baselines.train_reorient --num_envs=128 --episode_length=400 --num_timesteps=300000
  python -m rl_baselines.train_reorient --play_only --load_checkpoint_path=logs/ParaHandReorient-20250101-120000
"""
SIZES = ("num_envs", "unroll_length", "batch_size", "num_minibatches")
"""flags that together say how large an iteration is"""


def understand(argv: Sequence[str]) -> Order:
    """What these flags ask for; nothing is written.

    Raises:
        UserError: for flags that can't be, or contradict one another.
    """
    values, given = make_parser().parse_with_given(argv)
    if values.play_only:
        return _play(values, given)
    return _train(values, given, argv)


def _train(values: argparse.Namespace, given: Collection[str], argv: Sequence[str]) -> Order:
    checkpoint = values.load_checkpoint_path and find_checkpoint(values.load_checkpoint_path, LOG_DIR)
    if checkpoint and "env_name" not in given:
        values.env_name = world_of(checkpoint)
    documented = values.preset == DOCUMENTED
    made = draft(FLAGS, vars(values), given, defaults=documented and not checkpoint)
    made.fields |= {
        "algo": "batched_ppo",
        "layout": "playground",
        "log_dir": LOG_DIR,
        "experiment_name": escaped_id(values.env_name),
        "no_vis": True,
        "save_freq": math.ceil(values.num_timesteps / values.num_evals),
    }
    if values.run_evals:
        made.fields |= {"eval_freq": made.fields["save_freq"], "eval_episodes": _evaluated(values)}
    if values.rscope_envs is not None:
        made.fields |= {
            "record_trajectories": values.rscope_envs,
            "record_interval": made.fields["save_freq"],
            "record_stochastic": not values.deterministic_rscope,
        }
    if values.use_wandb:
        made.fields["track"] = "wandb"
    if values.log_training_metrics:
        made.fields["log_interval"] = max(1, values.training_metrics_steps // values.episode_length)
    if "use_tb" in given and not values.use_tb:
        made.notes.append("use_tb: TensorBoard's files are always written, into tensorboard/ of the run folder.")
    _world(made, values)
    _iteration(made, values, given, checkpoint)
    if checkpoint:
        if not documented:
            raise UserError("a training that goes on keeps its model's hyperparameters; leave out --preset.")
        go_on_from(made, checkpoint)
    else:
        _observations(made, values, given, documented)
        if documented:
            made.defaults["desired_kl"] = None
        else:
            made.fields["preset"] = values.preset
    request = made.request(DOOR, values, typed(DOOR, argv))
    return Order(request, notes=tuple(made.notes), on_begin=_write_config)


def _evaluated(values: argparse.Namespace) -> int:
    """Episodes of an evaluation: pictures cost so much that there as many are enough as train at once."""
    return int(values.num_envs if values.vision else values.num_eval_envs)


def _world(made: Draft, values: argparse.Namespace) -> None:
    """Parameters of the world that more than one flag decides."""
    config = find_env(values.env_name).load_config()
    if values.vision:
        made.fields["srl_model"] = PIXELS
    if values.domain_randomization:
        made.world |= randomized(values.env_name)
    if values.impl != "auto":
        if not config.has("sim"):
            raise UserError(f"{values.env_name} is no MuJoCo world; leave out --impl.")
        made.world["sim.impl"] = values.impl
    if values.action_repeat != 1:
        made.world["max_steps"] = math.ceil(values.episode_length / values.action_repeat)
        if config.has("sim"):
            made.world["sim.decimation"] = config.from_kwargs({}).flat()["sim.decimation"] * values.action_repeat
        else:
            made.world["action_repeat"] = values.action_repeat


def _observations(made: Draft, values: argparse.Namespace, given: Collection[str], documented: bool) -> None:
    for flag in ("policy_obs_key", "value_obs_key"):
        key = getattr(values, flag)
        if flag in given:
            made.hyperparameters[flag] = GROUPS.get(key, key)
        elif documented and key is not None:
            made.defaults[flag] = GROUPS.get(key, key)


def _iteration(made: Draft, values: argparse.Namespace, given: Collection[str], checkpoint: Path | None) -> None:
    """batch_size x num_minibatches trajectories of unroll_length steps, which the environments share."""
    written = [name for name in SIZES if name in given]
    if not written and (checkpoint or values.preset != DOCUMENTED):
        return
    if written == ["num_envs"] and values.preset != DOCUMENTED:
        made.fields["num_cpu"] = values.num_envs
        return
    trajectories = values.batch_size * values.num_minibatches
    if trajectories % values.num_envs:
        raise UserError(
            f"an iteration is batch_size x num_minibatches = {trajectories} trajectories of unroll_length steps, "
            f"which {values.num_envs} environments can't share evenly; the nearest numbers that can: "
            f"num_envs {nearest_divisors(trajectories, values.num_envs)}."
        )
    where = made.hyperparameters if written else made.defaults
    where["n_envs"] = values.num_envs
    where["n_steps"] = values.unroll_length * (trajectories // values.num_envs)
    where["nminibatches"] = values.num_minibatches


def _write_config(run: RunFolder, plan: "TrainingPlan") -> None:
    """``checkpoints/config.json``: the world's parameters, as readers of that folder look for them."""
    run.checkpoints.mkdir(exist_ok=True)
    write_text(run.checkpoints / "config.json", json.dumps(plan.env_kwargs, indent=1) + "\n")


def _play(values: argparse.Namespace, given: Collection[str]) -> Order:
    """Evaluate, and film episodes of other seeds."""
    if values.load_checkpoint_path is None:
        raise UserError("--play_only runs a policy; name it in --load_checkpoint_path.")
    checkpoint = find_checkpoint(values.load_checkpoint_path, LOG_DIR)
    run = find_run(str(checkpoint), LOG_DIR)
    changed: list[str] = []
    if "episode_length" in given:
        changed = ["--env-kwargs", f"max_steps:{values.episode_length}"]
    shared = ["--log-dir", str(checkpoint), "--seed", str(values.seed), "--device", values.device, *changed]
    calls = [("enjoy", [*shared, "--num-episodes", str(_evaluated(values))])] if values.run_evals else []
    if values.rscope_envs is not None:
        target = run.path / f"{checkpoint.stem}.npz"
        acting = "--deterministic" if values.deterministic_rscope else "--stochastic"
        calls.append(
            ("enjoy", [*shared, "--num-episodes", str(values.rscope_envs), "--recording", str(target), acting])
        )
    for index in range(values.num_videos):
        film = run.path / f"{checkpoint.stem}-{index}.mp4"
        shared[3] = str(values.seed + 1 + index)
        calls.append(("enjoy", [*shared, "--num-episodes", "1", "--video", str(film)]))
    return Order(calls=tuple(calls))
