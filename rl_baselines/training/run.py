"""One training, from a resolved plan to its run folder."""

import dataclasses
import sys
from collections.abc import Callable
from contextlib import ExitStack

from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import HumanOutputFormat, KVWriter

from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.distillation.value_warmup import ValueWarmupCallback
from rl_baselines.hyperparams.classes import is_hindsight, make_callbacks
from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.runs.folder import RunFolder, link_latest, nearest_existing, remove_run, unlink_latest
from rl_baselines.runs.layouts import new_run_folder
from rl_baselines.tracking.tracking import Tracking, TrackingCallback, start_tracking
from rl_baselines.tracking.visdom_plots import VisdomCallback, environment_name
from rl_baselines.tracking.visdom_server import VisdomServer, ensure_server
from rl_baselines.training.callbacks.best_model import BestModelCallback
from rl_baselines.training.callbacks.best_student import BestStudentCallback
from rl_baselines.training.callbacks.checkpoints import CheckpointCallback, CheckpointWriter
from rl_baselines.training.callbacks.cross_evaluation import ByEpisodes, ByPasses, CrossEvaluationCallback, Trained
from rl_baselines.training.callbacks.episodes import EpisodeRecorder, FirstEpisodeCallback
from rl_baselines.training.callbacks.evaluations import EvaluationCallback
from rl_baselines.training.callbacks.export import ExportCallback
from rl_baselines.training.callbacks.films import FilmCallback, Films
from rl_baselines.training.callbacks.finite import FiniteGuard, explain
from rl_baselines.training.callbacks.progress import ProgressCallback
from rl_baselines.training.callbacks.recordings import RecordingCallback
from rl_baselines.training.callbacks.statistics import StatisticsCallback
from rl_baselines.training.episode_figures import EpisodeFigures, RunLogger
from rl_baselines.training.logs.csv_log import ResumableCSV
from rl_baselines.training.logs.tensorboard_log import ResumableTensorBoard
from rl_baselines.training.plan import TrainingPlan, write_plan
from rl_baselines.training.ranks.follow import follow, made_by_all
from rl_baselines.training.reporter import Reporter, how_to_go_on
from rl_baselines.training.resume_point import ResumePoint
from rl_baselines.training.session import EVAL_SEED_OFFSET, Session, checkpoint_info
from rl_baselines.vec_envs.workers import WorkerError
from srl3.errors import UserError
from srl3.os_errors import DISK_FULL, in_words
from srl3.runtime.console import full_disk_said_once, logged_console
from srl3.runtime.ranks import ALONE, LostRank, Ranks
from srl3.runtime.seeding import deterministic_algorithms, seed_everything
from srl3.runtime.signals import StopRequest, leave_on_sigterm, signals_held_back
from srl3.runtime.threads import torch_threads
from srl3.runtime.versions import versions

OnBegin = Callable[[RunFolder], None]
"""told the run folder as soon as it is made"""


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What became of a training."""

    run: RunFolder | None
    """None where the disk was full before there was a folder"""
    status: int
    """exit status: 0, 1 on a full disk or when environments failed, or 128 + the signal that ended it"""


def run_training(plan: TrainingPlan, on_begin: OnBegin | None = None, ranks: Ranks = ALONE) -> TrainingResult:
    """Train as planned.

    Args:
        plan: from `rl_baselines.training.resolve.resolve`.
        on_begin: told the run folder as soon as there is one.
        ranks: the processes that train together: the first writes, the others follow it.

    Raises:
        UserError: before anything is left behind.
    """
    with ExitStack() as closing:
        closing.enter_context(leave_on_sigterm())
        if not ranks.is_first:
            return TrainingResult(None, follow(plan, ranks))
        server = None
        if plan.visdom_port is not None:
            server = ensure_server(plan.visdom_port)
            if server is not None:
                closing.callback(server.stop)
        return _train_in_folder(plan, ranks, visdom=server, on_begin=on_begin)


def _train_in_folder(
    plan: TrainingPlan, ranks: Ranks, *, visdom: VisdomServer | None, on_begin: OnBegin | None
) -> TrainingResult:
    run, kept = plan.resume, nearest_existing(plan.log_dir)
    try:
        with ExitStack() as unless_begun:
            if run is None:
                with signals_held_back():
                    run = new_run_folder(
                        plan.log_dir,
                        plan.env_id,
                        plan.srl_model,
                        plan.algo,
                        plan.suffix,
                        plan.experiment_name,
                        plan.layout,
                    )
                    unless_begun.callback(remove_run, run, kept)
            with run.held(), logged_console(run.log), full_disk_said_once():
                if on_begin is not None:
                    on_begin(run)
                return TrainingResult(run, _train(plan, run, ranks, unless_begun, visdom=visdom))
    except UserError:  # a world's own mistake shows in its first reset or step: there is nothing to go on with
        if plan.resume is None and run is not None and run.path.is_dir() and not run.latest.is_file():
            unlink_latest(run, plan.log_dir)
            remove_run(run, kept)
        raise
    except OSError as error:
        sentence = in_words(error)
        if error.errno not in DISK_FULL:
            if sentence is None or run is None or not run.latest.is_file():
                raise
            print(f"error: {sentence.rstrip('.')}; {how_to_go_on(run)}.", file=sys.stderr)
            return TrainingResult(run, 1)
        where = error.filename or (run.path if run else plan.log_dir)
        print(f"error: the disk is full ({where}); free some space and {how_to_go_on(run)}.", file=sys.stderr)
        return TrainingResult(run, 1)


def _train(
    plan: TrainingPlan, run: RunFolder, ranks: Ranks, unless_begun: ExitStack, *, visdom: VisdomServer | None
) -> int:
    """Make what is needed and learn.

    Args:
        plan: the training.
        run: its folder.
        ranks: the processes that train together.
        unless_begun: removes the folder of a new run; emptied once everything is made.
        visdom: the server to draw to.
    """
    with ExitStack() as closing:
        closing.enter_context(torch_threads(images=plan.observation.has_images, count=plan.num_threads))
        closing.enter_context(deterministic_algorithms(plan.torch_deterministic))
        seed_everything(plan.seed)
        point = ResumePoint(plan, run, ranks)
        point.cut_back()
        session = closing.enter_context(made_by_all(plan, run.path, ranks))
        if plan.eval_freq:
            session.evaluation_worlds()  # what is wrong with them is said before there is a run
        session.task_worlds()
        if plan.record_trajectories:
            session.recorder()
        point.load_buffer(session.model)
        figures = point.figures()
        scalars = ResumableCSV(run.progress, point.kept_steps)
        outputs: list[KVWriter] = [scalars, ResumableTensorBoard(run.tensorboard, point.kept_steps)]
        if plan.verbose:
            outputs.append(HumanOutputFormat(sys.stdout))
        session.model.set_logger(RunLogger(str(run.path), outputs, figures))
        if plan.resume is None:
            write_settings(run, plan)
        tracking = _start_tracking(plan, run)
        if tracking is not None:
            closing.callback(tracking.finish, 1)
        unless_begun.pop_all()
        if plan.resume is None:
            link_latest(run, plan.log_dir)
        try:
            status = _learn(session, run, point, figures, tracking, visdom=visdom)
        except LostRank:
            status = _rank_lost(ranks, run)
        if tracking is not None:
            tracking.finish(status)
        return status


def write_settings(run: RunFolder, plan: TrainingPlan) -> None:
    """What the run was asked for and made with: YAML for people, ``plan.json`` for programs."""
    run.write_yaml(run.args, {"command": plan.command, "arguments": plan.arguments})
    run.write_yaml(run.env_kwargs, plan.env_kwargs)
    run.write_yaml(
        run.train_config,
        {name: {"value": setting.value, "from": setting.source} for name, setting in plan.settings.items()},
    )
    run.write_yaml(run.versions, versions())
    write_plan(run, plan)


def _start_tracking(plan: TrainingPlan, run: RunFolder) -> Tracking | None:
    if plan.track is None:
        return None
    config = {"env_kwargs": plan.env_kwargs, "hyperparams": plan.hyperparams, "versions": versions()}
    return start_tracking(plan.track, run, {**plan.arguments, **config})


def _learn(
    session: Session,
    run: RunFolder,
    point: ResumePoint,
    figures: EpisodeFigures,
    tracking: Tracking | None,
    *,
    visdom: VisdomServer | None,
) -> int:
    plan, model = session.plan, session.model
    reporter = Reporter(plan, run)
    info, ranks = checkpoint_info(session), session.ranks
    writer = CheckpointWriter(run, info, point.best, plan.layout, figures, ranks, plan.save_replay_buffer)
    point.restore(model)
    log = point.episodes()
    reporter.announce(model)
    with StopRequest("finishing this rollout and saving") as stop, Films(run, plan.video_length, plan.seed) as films:
        saving = CheckpointCallback(writer, stop, plan.save_freq, session.ranks)
        filming = FilmCallback(films, writer.info, plan.video_interval if session.ranks.is_first else 0)
        recording = _recording(session, run, info)
        own = _callbacks(session, run, saving, log, tracking, visdom=visdom)
        callbacks = CallbackList([*point.callbacks(), *own, filming, *recording])
        try:
            session.learn(callbacks)
        except (OSError, LostRank):
            callbacks.on_training_end()
            raise
        except WorkerError as error:
            callbacks.on_training_end()
            return _workers_ended(error, stop, run)
        except Exception as error:
            found = explain(model, error)
            if found is None:
                raise
            callbacks.on_training_end()
            print(f"error: {found}.\n{how_to_go_on(run)}.", file=sys.stderr)
            return 1
        try:
            if not stop.requested:
                saving.write_due()
            writer.write_latest(model)
        except WorkerError as error:  # a signal to all processes may end a worker after the last rollout
            return _workers_ended(error, stop, run)
        if not stop.requested and session.ranks.is_first:
            for each in recording:
                each.record()
            films.film_last(plan.num_videos)
        reporter.plot(log)
        reporter.say_what_next(model, log, stop)
        return stop.exit_status


def _recording(session: Session, run: RunFolder, info: CheckpointInfo) -> list[RecordingCallback]:
    """What records the policy, where the plan asks for it."""
    plan = session.plan
    if not plan.record_trajectories:
        return []
    recorder, steps = session.recorder(), info.control_steps
    return [RecordingCallback(recorder, session.actor, run, plan.algo, plan.record_interval, steps)]


def _workers_ended(error: WorkerError, stop: StopRequest, run: RunFolder) -> int:
    """Say why there are no environments any more; the exit status."""
    reason = error if not stop.requested else f"{stop.name} ended the workers too"
    print(f"error: {reason}\n{how_to_go_on(run)}.", file=sys.stderr)
    return stop.exit_status or 1


def _rank_lost(ranks: Ranks, run: RunFolder) -> int:
    """Say which process of the training is gone; the exit status."""
    gone = ", ".join(map(str, ranks.missing())) or "another one"
    print(f"error: rank {gone} of {ranks.size} ended before its time; {how_to_go_on(run)}.", file=sys.stderr)
    return 1


def _trained(session: Session, log: EpisodeLog) -> Trained:
    """What the training counts between two evaluations in all tasks."""
    if not session.algorithm.supervised:
        return ByEpisodes(log)
    from rl_baselines.distillation.algorithm import Distillation

    assert isinstance(session.model, Distillation)
    return ByPasses(session.model)


def _callbacks(
    session: Session,
    run: RunFolder,
    saving: CheckpointCallback,
    log: EpisodeLog,
    tracking: Tracking | None,
    *,
    visdom: VisdomServer | None,
) -> list[BaseCallback]:
    plan, writer = session.plan, saving.writer
    callbacks: list[BaseCallback] = [EpisodeRecorder(log, writer.figures), FiniteGuard(log), saving]
    if plan.value_warmup:
        callbacks.append(ValueWarmupCallback(plan.value_warmup))
    if is_hindsight(session.hyperparams.get("replay_buffer_class")):
        callbacks.append(FirstEpisodeCallback())
    if plan.eval_freq:
        worlds = session.evaluation_worlds()
        seed = plan.seed + EVAL_SEED_OFFSET
        callbacks.append(
            EvaluationCallback(
                worlds, session.actor, writer, run.path, plan.eval_freq, seed, plan.eval_config, plan.eval_episodes
            )
        )
    elif session.algorithm.supervised:
        callbacks.append(BestStudentCallback(writer))
    else:
        callbacks.append(
            BestModelCallback(writer, log, plan.min_episodes_save, session.algorithm.on_policy, plan.config)
        )
    if plan.tasks.evaluated:
        callbacks.append(
            CrossEvaluationCallback(
                session.task_worlds(),
                session.actor,
                _trained(session, log),
                run.cross_evaluation,
                control_steps=writer.info.control_steps,
                episode_window=plan.tasks.episode_window,
                seed=plan.seed + EVAL_SEED_OFFSET,
                num_episodes=plan.eval_episodes,
                total_timesteps=plan.total_timesteps,
            )
        )
    if plan.export:
        callbacks.append(ExportCallback(run))
    if visdom is not None:
        name = environment_name(run, plan.env_id, plan.algo, plan.srl_model)
        callbacks.append(VisdomCallback(log, name, visdom, plan.episode_window))
    callbacks += make_callbacks(session.hyperparams)
    if tracking is not None:
        callbacks.append(TrackingCallback(tracking))
    if plan.log_interval:
        callbacks.append(StatisticsCallback(log, plan.log_interval))
    callbacks.append(ProgressCallback(log, plan.total_timesteps, plan.show_progress))
    return callbacks
