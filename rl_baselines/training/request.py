"""What a user chose for a training, whatever words it was said in."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR
from srl3.errors import UserError

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "algo": "ppo2",
        "env": "KukaButtonGymEnv-v0",
        "seed": 0,
        "num_timesteps": 1_000_000,
        "policy": "feedforward",
        "device": "auto",
        "num_stack": 1,
        "log_dir": DEFAULT_LOG_DIR,
        "port": 8097,
        "episode_window": 40,
        "min_episodes_save": 100,
        "eval_freq": 0,
        "eval_episodes": 10,
        "save_replay_buffer": True,
        "verbose": 0,
        "save_freq": 0,
        "video_interval": 100_000,
        "video_length": 200,
        "num_videos": 0,
        "record_trajectories": 0,
        "track": "none",
        "preset": "tuned",
        "log_interval": 0,
        "eval_episode_window": 400,
        "value_warmup": 10_000,
    }
)
"""What a choice that was not made stands for; those left out here have no default of their own."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """A training as it was asked for; None is what the user did not say. Made by each command from its own flags.

    `rl_baselines.training.resolve.resolve` makes a plan of it.
    """

    algo: str | None = None
    env: str | None = None
    seed: int | None = None
    """-1 draws one"""
    num_timesteps: int | None = None
    num_cpu: int | None = None
    num_processes: int | str | None = None
    """that train together; ``auto``: as many as this machine has cores for"""
    policy: str | None = None
    device: str | None = None
    hyperparam: tuple[str, ...] | None = None
    """``name:value`` each"""
    conf_file: Path | None = None
    env_kwargs: Mapping[str, Any] | None = None
    """parameters of the world, from whichever flags"""
    srl_model: str | None = None
    srl_config_file: Path | None = None
    srl_model_path: Path | None = None
    latest: bool | None = None
    num_stack: int | None = None
    load_rl_model_path: str | None = None
    trust_pickle: bool | None = None
    """whether pickles of a model that SRL3 did not train may be opened, which can run any code"""
    new_lr: float | None = None
    imitate: tuple[str, ...] | None = None
    """checkpoints, runs or parts of their names: policies to which this one is drawn at first"""
    value_warmup: int | None = None
    """steps in which a student that goes on by rewards learns values alone"""
    resume: str | None = None
    log_dir: Path | None = None
    suffix: str | None = None
    experiment_name: str | None = None
    port: int | None = None
    no_vis: bool | None = None
    episode_window: int | None = None
    min_episodes_save: int | None = None
    eval_freq: int | None = None
    num_evals: int | None = None
    """evaluations, evenly over the training, in the place of ``eval_freq``"""
    eval_episodes: int | None = None
    n_eval_envs: int | None = None
    eval_env_kwargs: Mapping[str, Any] | None = None
    """parameters of the world in which the policy is evaluated, over those in which it trains"""
    save_freq: int | None = None
    video: bool | None = None
    video_interval: int | None = None
    video_length: int | None = None
    num_videos: int | None = None
    record_trajectories: int | None = None
    record_interval: int | None = None
    record_stochastic: bool | None = None
    save_replay_buffer: bool | None = None
    num_threads: int | None = None
    verbose: int | None = None
    no_progress: bool | None = None
    track: str | None = None
    export: bool | None = None
    preset: str | None = None
    """key of `rl_baselines.hyperparams.resolve.PRESETS`"""
    mix_tasks: tuple[str, ...] | None = None
    """tasks among which the environments are divided, as `rl_baselines.cross_evaluation.tasks.parse_task` takes them"""
    perform_cross_evaluation_cc: bool | None = None
    """evaluate in every task that the policy has seen"""
    cross_evaluation_tasks: tuple[str, ...] | None = None
    """in these too"""
    eval_episode_window: int | None = None
    """episodes between two of these evaluations"""
    teacher_data_folder: tuple[Path, ...] | None = None
    """datasets of teachers, for a supervised algorithm"""
    epochs_distillation: int | None = None
    distillation_training_set_size: int | None = None
    """-1: all"""
    dagger_rounds: int | None = None
    batch_size: int | None = None
    """of a supervised algorithm"""
    torch_deterministic: bool | None = None
    log_interval: int | None = None
    """episodes between two blocks of statistics on the console"""

    levels: tuple[tuple[str, Mapping[str, Any]], ...] | None = None
    """hyperparameters between the preset's and ``hyperparam``, weakest first: where each came from, values by name"""
    iterations: int | None = None
    """rollouts to train, instead of ``num_timesteps``"""
    save_iterations: int | None = None
    """rollouts between numbered checkpoints, instead of ``save_freq``"""
    layout: str | None = None
    """key of `rl_baselines.runs.layouts.LAYOUTS`"""

    flags: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False)
    """every flag of the command with its value, for ``args.yaml``; empty where there was no command"""
    command: str = dataclasses.field(default="", compare=False)
    """what the user typed, for ``args.yaml``"""

    def value(self, name: str) -> Any:
        """The choice of this name, else what it stands for when it is not made."""
        chosen = getattr(self, name)
        return DEFAULTS.get(name) if chosen is None else chosen

    def recording_fields(self, save_freq: int, total: int) -> dict[str, Any]:
        """The fields of `rl_baselines.training.plan.RECORDING`, none where nothing is to be recorded.

        Args:
            save_freq: steps between numbered checkpoints; 0: none.
            total: steps of the training.

        Raises:
            UserError: for too many trajectories, or for what says how to record where nothing is recorded.
        """
        from rl_baselines.recordings.recording import check_count

        count = self.value("record_trajectories")
        if not count:
            for name in ("record_interval", "record_stochastic"):
                if getattr(self, name) is not None:
                    raise UserError(f"--{name.replace('_', '-')} is for recordings; add --record-trajectories, e.g. 4.")
            return {}
        check_count(count)
        return {
            "record_trajectories": count,
            "record_interval": self.record_interval or self.value("eval_freq") or save_freq or max(1, total // 10),
            "record_stochastic": bool(self.record_stochastic),
        }

    def chosen(self) -> dict[str, Any]:
        """The choices that were made, by name."""
        return {name: value for name in CHOICES if (value := getattr(self, name)) is not None}

    def arguments(self, **resolved: Any) -> dict[str, Any]:
        """All choices as ``args.yaml`` shows them, ``resolved`` in the place of what was chosen."""
        values = {**(self.flags or {name: self.value(name) for name in CHOICES}), **resolved}
        return {name: _plain(value) for name, value in values.items()}


CHOICES = tuple(field.name for field in dataclasses.fields(TrainingRequest) if field.compare)
"""names of a request's choices"""


def _plain(value: Any) -> Any:
    """As YAML and JSON can hold it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
