"""One training, from a resolved plan to its run folder."""

import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from stable_baselines3.common.vec_env import VecEnv

from environments.config import PIXELS
from rl_baselines.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointInfo,
    check_spaces,
    describe_space,
    load_model,
)
from rl_baselines.checkpoints.resume import load_replay_buffer, restore_training_state
from rl_baselines.hyperparams.resolve import Setting, table
from rl_baselines.registry import find_algo
from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.runs.run_folder import RunFolder, nearest_existing, new_run_folder, remove_run
from rl_baselines.tracking.tracking import Tracking, TrackingCallback, start_tracking
from rl_baselines.training.callbacks.best_model import BestModelCallback, EvalBestCallback
from rl_baselines.training.callbacks.checkpoints import (
    CheckpointCallback,
    CheckpointWriter,
    StopTraining,
)
from rl_baselines.training.callbacks.episodes import EpisodeRecorder
from rl_baselines.training.callbacks.progress import ProgressCallback
from rl_baselines.training.csv_log import ResumableCSV
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.images import raw_observation_space
from rl_baselines.vec_envs.workers import WorkerError
from srl3.errors import UserError
from srl3.runtime.console import DISK_FULL, full_disk_said_once, logged_console
from srl3.runtime.seeding import seed_everything
from srl3.runtime.signals import StopRequest, leave_on_sigterm
from srl3.runtime.threads import set_threads
from srl3.runtime.versions import versions
from state_representation.encoding.encoder import Encoder

EVAL_SEED_OFFSET = 1_000_003
"""keeps the evaluation environment's episodes apart from the training ones"""


@dataclasses.dataclass(frozen=True)
class TrainingPlan:
    """Everything that decides a training, resolved and checked."""

    algo: str
    policy: str
    env_id: str
    env_kwargs: dict[str, Any]
    srl_model: str
    encoder: Encoder | None
    """of a learned representation"""
    num_stack: int
    seed: int
    total_timesteps: int
    settings: dict[str, Setting]
    """hyperparameters with where each came from, ``n_envs`` and ``normalize`` among them"""
    log_dir: Path
    suffix: str | None
    device: str
    visdom_port: int | None
    """None: no visdom"""
    episode_window: int
    min_episodes_save: int
    eval_freq: int
    save_freq: int
    show_progress: bool
    arguments: dict[str, Any]
    """every flag as used, for ``args.yaml``"""
    command: str
    parent: Checkpoint | None = None
    """the checkpoint that is retrained"""
    resume: RunFolder | None = None
    """the run that goes on, with ``parent`` its latest checkpoint"""
    track: str | None = None
    """key of `rl_baselines.tracking.trackers.TRACKERS`"""

    @property
    def hyperparams(self) -> dict[str, Any]:
        """The plain values of `settings`."""
        return {name: setting.value for name, setting in self.settings.items()}


def run_training(plan: TrainingPlan) -> int:
    """Train as planned; returns the exit status (0, 1 on a full disk, or 128 + the signal that ended it).

    Raises:
        UserError: before anything is left behind.
    """
    server = None
    with leave_on_sigterm():
        if plan.visdom_port is not None:
            from rl_baselines.tracking.visdom_server import ensure_server

            server = ensure_server(plan.visdom_port)
        try:
            return _train_in_folder(plan, visdom=server is not None)
        finally:
            if server is not None:
                server.stop()


def _train_in_folder(plan: TrainingPlan, *, visdom: bool) -> int:
    kept = nearest_existing(plan.log_dir)
    run = plan.resume
    try:
        run = run or new_run_folder(plan.log_dir, plan.env_id, plan.srl_model, plan.algo, plan.suffix)
        with run.held(), logged_console(run.log), full_disk_said_once():
            return _Training(plan, run, kept, visdom).execute()
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        where = error.filename or (run.path if run else plan.log_dir)
        print(f"error: the disk is full ({where}); free some space and {how_to_go_on(run)}.", file=sys.stderr)
        return 1


def how_to_go_on(run: RunFolder | None) -> str:
    """What to do after a failure."""
    if run is not None and run.latest.is_file():
        return f"go on with --resume {run.path} (what it saved is whole)"
    return "start again (nothing was saved yet)"


class _Training:
    """The steps of one training."""

    def __init__(self, plan: TrainingPlan, run: RunFolder, kept: Path, visdom: bool) -> None:
        self.plan = plan
        self.run = run
        self.kept = kept
        self.visdom = visdom
        self.closing: list[VecEnv] = []
        self.tracking: Tracking | None = None

    def execute(self) -> int:
        plan, run = self.plan, self.run
        try:
            set_threads(images=plan.srl_model == PIXELS or plan.encoder is not None)
            seed_everything(plan.seed)
            if plan.resume is not None:
                self._cut_back_to_checkpoint()
            model = self._make_model()
            if plan.resume is None:
                self._write_settings()
            self._start_tracking()
        except BaseException:
            self._close()
            if plan.resume is None:
                remove_run(run, self.kept)
            raise
        try:
            status = self._learn(model)
            if self.tracking is not None:
                self.tracking.finish(status)
            return status
        finally:
            self._close()

    # making

    def _make_envs(self, n_envs: int, seed: int, *, training: bool) -> VecEnv:
        plan = self.plan
        venv = create_envs(
            plan.env_id,
            plan.env_kwargs,
            n_envs=n_envs,
            seed=seed,
            num_stack=plan.num_stack,
            encoder=plan.encoder,
            normalize=bool(plan.hyperparams["normalize"]),
            training=training,
            monitor_folder=self.run.path if training else None,
            append=plan.resume is not None,
        )
        self.closing.append(venv)
        return venv

    def _make_model(self) -> BaseAlgorithm:
        plan = self.plan
        env = self._make_envs(plan.hyperparams["n_envs"], plan.seed, training=True)
        if plan.parent is None:
            algorithm = find_algo(plan.algo).load_class(plan.policy)
            model = algorithm.make_model(env, plan.hyperparams, seed=plan.seed, device=plan.device)
        else:
            check_spaces(plan.parent.info, env)
            model = load_model(
                plan.parent, env, hyperparams=plan.hyperparams, seed=plan.seed, device=plan.device, training=True
            )
            self._load_replay_buffer(model, plan.parent)
        scalars = ResumableCSV(self.run.progress, kept_steps(plan))
        model.set_logger(Logger(str(self.run.path), [scalars, TensorBoardOutputFormat(str(self.run.tensorboard))]))
        return model

    def _load_replay_buffer(self, model: BaseAlgorithm, parent: Checkpoint) -> None:
        path = RunFolder(parent.path.parent).replay_buffer
        if getattr(model, "replay_buffer", None) is None or not path.is_file():
            return
        if self.plan.resume is None and parent.path.name != self.run.latest.name:
            print(f"the replay buffer belongs to {self.run.latest.name}, not to {parent.path.name}: beginning empty")
            return
        load_replay_buffer(path, model, parent.info.num_timesteps)

    def _cut_back_to_checkpoint(self) -> None:
        assert self.plan.parent is not None
        state = self.plan.parent.state["training"]
        if state is None:
            raise UserError(f"{self.plan.parent.path} has no state to resume from; resume from a run's latest.zip.")
        self.run.remove_temporaries()
        self.run.truncate_monitors(state["monitor_sizes"])

    def _info(self, model: BaseAlgorithm) -> CheckpointInfo:
        plan = self.plan
        if plan.resume is not None:
            assert plan.parent is not None
            return dataclasses.replace(plan.parent.info, versions=versions())
        assert model.env is not None
        return CheckpointInfo(
            algo=plan.algo,
            policy=plan.policy,
            env_id=plan.env_id,
            env_kwargs=plan.env_kwargs,
            srl_model=plan.srl_model,
            num_stack=plan.num_stack,
            n_envs=model.n_envs,
            seed=plan.seed,
            hyperparams=plan.hyperparams,
            total_timesteps=plan.total_timesteps,
            observation_space=describe_space(raw_observation_space(model.env)),
            action_space=describe_space(model.env.action_space),
            versions=versions(),
            parent=str(plan.parent.path) if plan.parent else None,
        )

    def _write_settings(self) -> None:
        plan, run = self.plan, self.run
        run.write_yaml(run.args, {"command": plan.command, "arguments": plan.arguments})
        run.write_yaml(run.env_kwargs, plan.env_kwargs)
        run.write_yaml(
            run.train_config,
            {name: {"value": setting.value, "from": setting.source} for name, setting in plan.settings.items()},
        )
        run.write_yaml(run.versions, versions())

    def _start_tracking(self) -> None:
        plan = self.plan
        if plan.track is None:
            return
        config = {"env_kwargs": plan.env_kwargs, "hyperparams": plan.hyperparams, "versions": versions()}
        self.tracking = start_tracking(plan.track, self.run, {**plan.arguments, **config})

    # learning

    def _learn(self, model: BaseAlgorithm) -> int:
        plan, run = self.plan, self.run
        writer = CheckpointWriter(run, self._info(model))
        log = EpisodeLog()
        if plan.resume is not None:
            assert plan.parent is not None
            state = plan.parent.state["training"]
            restore_training_state(model, state["model"])
            writer.best_mean = state["best_mean"]
            log = EpisodeLog.from_monitors(run.path)
        self._announce(model)
        with StopRequest("finishing this rollout and saving") as stop:
            callbacks = CallbackList(self._callbacks(model, writer, log, stop))
            try:
                model.learn(
                    plan.total_timesteps - model.num_timesteps,
                    callback=callbacks,
                    reset_num_timesteps=plan.resume is None,
                    tb_log_name="",
                )
            except StopTraining:
                callbacks.on_training_end()
            except OSError:
                callbacks.on_training_end()
                raise
            except WorkerError as error:
                callbacks.on_training_end()
                reason = error if stop.signal is None else f"{stop.name} ended the workers too"
                print(f"error: {reason}\n{how_to_go_on(run)}.", file=sys.stderr)
                return stop.exit_status or 1
            writer.write_latest(model)
            self._plot(log)
            self._say_what_next(model, log, stop)
            return stop.exit_status

    def _callbacks(
        self, model: BaseAlgorithm, writer: CheckpointWriter, log: EpisodeLog, stop: StopRequest
    ) -> list[BaseCallback]:
        plan = self.plan
        on_policy = find_algo(plan.algo).load_class().on_policy
        callbacks: list[BaseCallback] = [EpisodeRecorder(log), CheckpointCallback(writer, stop, plan.save_freq)]
        if plan.eval_freq:
            env = self._make_envs(1, plan.seed + EVAL_SEED_OFFSET, training=False)
            callbacks.append(EvalBestCallback(env, writer, self.run.path, plan.eval_freq))
        else:
            callbacks.append(BestModelCallback(writer, log, plan.min_episodes_save, on_policy))
        if self.visdom:
            from rl_baselines.tracking.visdom_plots import VisdomCallback

            assert plan.visdom_port is not None
            title = f"{plan.env_id} {plan.srl_model} {plan.algo} {self.run.path.name}"
            callbacks.append(VisdomCallback(log, title, plan.visdom_port, plan.episode_window))
        if self.tracking is not None:
            callbacks.append(TrackingCallback(self.tracking))
        callbacks.append(ProgressCallback(log, plan.total_timesteps, plan.show_progress))
        return callbacks

    # telling

    def _announce(self, model: BaseAlgorithm) -> None:
        plan = self.plan
        what = "resuming" if plan.resume else f"retraining {plan.parent.path}" if plan.parent else "training"
        start = f" from step {model.num_timesteps:,}" if plan.resume else ""
        print(
            f"{what} {plan.algo} on {plan.env_id} from {plan.srl_model}, seed {plan.seed}, "
            f"{plan.total_timesteps:,} steps{start}, {model.n_envs} environment(s), {model.device}"
        )
        print(table(plan.settings))
        print(f"run folder: {self.run.path}", flush=True)

    def _plot(self, log: EpisodeLog) -> None:
        from rl_baselines.plots.figures import learning_curve

        if log.count == 0:
            return
        self.run.plots.mkdir(exist_ok=True)
        plan = self.plan
        learning_curve(
            log, self.run.learning_curve, title=f"{plan.env_id} {plan.algo} ({plan.srl_model}), seed {plan.seed}"
        )

    def _say_what_next(self, model: BaseAlgorithm, log: EpisodeLog, stop: StopRequest) -> None:
        run, mean = self.run, log.mean_return()
        earned = f"mean return of the last {min(log.count, 100)} episodes: {mean:.2f}" if mean is not None else ""
        if stop.signal is not None:
            print(f"stopped by {stop.name}")
        print(f"{model.num_timesteps:,} steps, {log.count} episodes; {earned or 'no episode has ended yet'}")
        print(f"run folder: {run.path}")
        python = _python()
        if stop.signal is not None:
            print(f"  go on:       {python} -m rl_baselines.train --resume {run.path}")
        print(f"  run it:      {python} -m rl_baselines.enjoy --log-dir {run.path}")
        print(f"  retrain it:  {python} -m rl_baselines.train --load-rl-model-path {run.path}")
        if run.learning_curve.is_file():
            print(f"  look at it:  {run.learning_curve}")

    def _close(self) -> None:
        if self.tracking is not None:
            self.tracking.finish(1)
        for venv in self.closing:
            venv.close()
        self.closing.clear()


def kept_steps(plan: TrainingPlan) -> int:
    """Steps that the run's ``progress.csv`` keeps: those of the checkpoint that it goes on from."""
    return plan.parent.info.num_timesteps if plan.resume is not None and plan.parent is not None else 0


def _python() -> str:
    """How the user can call this interpreter: by name where that finds it, else by its path."""
    if shutil.which("python") == sys.executable:
        return "python"
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
