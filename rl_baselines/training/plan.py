"""Everything that decides a training, resolved and checked; kept as ``plan.json`` in the run folder."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.config import EnvConfig
from rl_baselines.cross_evaluation.planned import PlannedTasks
from rl_baselines.hyperparams.resolve import Setting
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from srl3.files import write_text
from srl3.formats.damage import DamagedFile
from srl3.formats.json import read_mapping
from srl3.runtime.shell import flags_text
from state_representation.encoding.observation import Observation

if TYPE_CHECKING:
    from rl_baselines.checkpoints.checkpoint import Checkpoint

FORMAT = 1
"""of ``plan.json``"""
SAVING = ("episode_window", "min_episodes_save", "eval_freq", "save_freq")
EVALUATING = ("eval_episodes", "n_eval_envs", "eval_env_kwargs", "save_replay_buffer", "value_warmup")
RECORDING = ("record_trajectories", "record_interval", "record_stochastic")
"""fields that a resumed run takes over from the run's first part, and those that runs before them do not have"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Everything that decides a training. Plans of the same choices are equal, whichever command made them."""

    algo: str
    """key of ``registered_rl``"""
    policy: str
    """``feedforward`` or ``lstm``"""
    env_id: str
    config: EnvConfig
    """of the world"""
    srl_model: str
    """key of ``registered_srl``: what the user calls the observation"""
    observation: Observation
    num_stack: int
    seed: int
    total_timesteps: int
    settings: dict[str, Setting]
    """hyperparameters with where each came from, ``n_envs`` and ``normalize`` among them"""
    log_dir: Path
    suffix: str | None = None
    experiment_name: str | None = None
    """the run folder is ``<log-dir>/<name>_<time>`` instead"""
    layout: str | None = None
    """key of `rl_baselines.runs.layouts.LAYOUTS`, for a run folder in the manner of another system"""
    torch_deterministic: bool = False
    """only torch's deterministic algorithms; on a processor they are that anyway"""
    device: str = "auto"
    visdom_port: int | None = None
    """None: no visdom"""
    episode_window: int = 40
    min_episodes_save: int = 100
    eval_freq: int = 0
    eval_episodes: int = 10
    n_eval_envs: int | None = None
    """None: one, or for a batched world one for each episode"""
    eval_env_kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """parameters of the evaluation's world that differ from the training's"""
    save_replay_buffer: bool = True
    value_warmup: int = 0
    """steps in which values alone are learned; 0: none"""
    num_threads: int | None = None
    """of torch; None: one, or for pixels as many as cores"""
    verbose: int = 0
    """1 prints what the algorithm logs"""
    save_freq: int = 0
    video_interval: int = 0
    """training steps between two films; 0: none"""
    video_length: int = 200
    """steps of a film"""
    num_videos: int = 0
    """films of the last policy"""
    record_trajectories: int = 0
    """of each recording; 0: none"""
    record_interval: int = 0
    """training steps between two recordings"""
    record_stochastic: bool = False
    """they are of drawn actions"""
    log_interval: int = 0
    """episodes between two blocks of statistics on the console; 0: none"""
    show_progress: bool = True
    track: str | None = None
    """key of `rl_baselines.tracking.trackers.TRACKERS`"""
    export: bool = False
    """write ``policy.onnx`` whenever the best model changes"""
    num_processes: int = 1
    """that train together, each on its share of the environments"""
    tasks: PlannedTasks = dataclasses.field(default_factory=PlannedTasks)
    """that are learned at once, and in which the policy is evaluated meanwhile"""
    teacher_data: tuple[Path, ...] = ()
    """folders with the datasets from which a supervised algorithm learns"""
    imitate: tuple[Path, ...] = ()
    """checkpoints of the policies to which this one is drawn at first"""
    parent: "Checkpoint | None" = dataclasses.field(default=None, compare=False)
    """the checkpoint that is retrained, or resumed from"""
    resume: RunFolder | None = None
    """the run that goes on, with ``parent`` its latest checkpoint"""
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False)
    """every flag as used, for ``args.yaml``"""
    command: str = dataclasses.field(default="", compare=False)
    """what the user typed, for ``args.yaml``"""

    @property
    def hyperparams(self) -> dict[str, Any]:
        """The plain values of `settings`."""
        return {name: setting.value for name, setting in self.settings.items()}

    @property
    def still_imitates(self) -> bool:
        """Whether what is to come is drawn to the policies of ``imitate``, as a run that goes on may no longer be."""
        begun = self.parent.info.num_timesteps if self.resume is not None and self.parent is not None else 0
        return bool(self.imitate) and begun < self.settings["imitation_steps"].value

    @property
    def env_kwargs(self) -> dict[str, Any]:
        """The world's parameters, defaults included, as files and ``gymnasium.make`` take them."""
        return self.config.as_dict()

    @property
    def eval_config(self) -> EnvConfig:
        """That of the worlds of evaluations: ``eval_env_kwargs`` over the training's, also over a curriculum's."""
        config = self.config.from_kwargs({**self.env_kwargs, **self.eval_env_kwargs})
        return config.holding(self.eval_env_kwargs)


@dataclasses.dataclass(frozen=True)
class SavedPlan:
    """What ``plan.json`` keeps for a resumed run, besides what its checkpoint says."""

    sources: dict[str, str]
    """where each hyperparameter came from"""
    saving: dict[str, int]
    """the fields of `SAVING`"""
    track: str | None
    arguments: dict[str, Any]
    command: str
    log_interval: int = 0
    layout: str | None = None
    torch_deterministic: bool = False
    num_processes: int = 1
    tasks: PlannedTasks = dataclasses.field(default_factory=PlannedTasks)
    teacher_data: tuple[Path, ...] = ()
    imitate: tuple[Path, ...] = ()
    evaluating: dict[str, Any] = dataclasses.field(default_factory=dict)
    """the fields of `EVALUATING` and `RECORDING` that were saved"""


def write_plan(run: RunFolder, plan: TrainingPlan) -> None:
    """Write ``plan.json``: the plan as programs read it."""
    content = {
        "format": FORMAT,
        "algo": plan.algo,
        "policy": plan.policy,
        "env_id": plan.env_id,
        "env_kwargs": plan.env_kwargs,
        "srl_model": plan.srl_model,
        "representation": plan.observation.fingerprint,
        "num_stack": plan.num_stack,
        "seed": plan.seed,
        "total_timesteps": plan.total_timesteps,
        "hyperparams": {name: {"value": each.value, "from": each.source} for name, each in plan.settings.items()},
        **{name: getattr(plan, name) for name in (*SAVING, *EVALUATING, *RECORDING)},
        "track": plan.track,
        "log_interval": plan.log_interval,
        "layout": plan.layout,
        "torch_deterministic": plan.torch_deterministic,
        "num_processes": plan.num_processes,
        "tasks": plan.tasks.as_dict(),
        "teacher_data": [str(folder.resolve()) for folder in plan.teacher_data],
        "imitate": [str(file.resolve()) for file in plan.imitate],
        "parent": None if plan.parent is None else str(plan.parent.path),
        "arguments": plan.arguments,
        "command": plan.command,
    }
    write_text(run.plan, json.dumps(content, indent=1) + "\n")


def read_plan(run: RunFolder) -> SavedPlan:
    """The saved plan of a run; of a run from before ``plan.json``, what ``args.yaml`` and its neighbours say.

    Raises:
        UserError: when it is damaged, of a later version, or incomplete.
    """
    if not run.plan.is_file():
        return _from_args(run)
    advice = f"retrain with {flags_text('--load-rl-model-path', run.path)}"
    content = read_mapping(run.plan, advice, needs=("format",))
    if content["format"] != FORMAT:
        raise UserError(f"{run.plan} has format {content['format']}, and this version reads format {FORMAT}.")
    try:
        return SavedPlan(
            sources={name: each["from"] for name, each in content["hyperparams"].items()},
            saving={name: int(content[name]) for name in SAVING},
            track=content["track"],
            log_interval=int(content.get("log_interval", 0)),
            layout=content.get("layout"),
            torch_deterministic=bool(content.get("torch_deterministic", False)),
            num_processes=int(content.get("num_processes", 1)),
            tasks=PlannedTasks.from_dict(content.get("tasks", {})),
            teacher_data=tuple(map(Path, content.get("teacher_data", ()))),
            imitate=tuple(map(Path, content.get("imitate", ()))),
            arguments=dict(content["arguments"]),
            command=str(content["command"]),
            evaluating={name: content[name] for name in (*EVALUATING, *RECORDING) if name in content},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(run.plan, f"{type(error).__name__}: {error}", advice) from None


def _from_args(run: RunFolder) -> SavedPlan:
    used = run.read_yaml(run.args)
    config = run.read_yaml(run.train_config) if run.train_config.is_file() else {}
    arguments = used.get("arguments")
    if not isinstance(arguments, Mapping):
        raise UserError(f"{run.args} does not say with which flags it was trained; is {run.path} a run of SRL3?")
    defaults = {field.name: field.default for field in dataclasses.fields(TrainingPlan)}
    track = arguments.get("track", "none")
    return SavedPlan(
        sources={name: each.get("from", "") for name, each in config.items() if isinstance(each, Mapping)},
        saving={name: arguments.get(name, defaults[name]) for name in SAVING},
        track=None if track == "none" else track,
        arguments=dict(arguments),
        command=str(used.get("command", "")),
    )
