"""What the processes of a training do beside the first one, which writes and speaks for all."""

from pathlib import Path

from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger

from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.callbacks.checkpoints import CheckpointCallback, CheckpointWriter
from rl_baselines.training.plan import TrainingPlan
from rl_baselines.training.resume_point import ResumePoint
from rl_baselines.training.session import Session, checkpoint_info
from srl3.runtime.ranks import LostRank, Ranks
from srl3.runtime.seeding import deterministic_algorithms, seed_everything
from srl3.runtime.signals import StopRequest
from srl3.runtime.threads import torch_threads


def made_by_all(plan: TrainingPlan, folder: Path | None, ranks: Ranks) -> Session:
    """The session of each rank, when all could make theirs.

    Args:
        plan: the training.
        folder: the run folder, which rank 0 tells the others.
        ranks: the processes that train together.

    Raises:
        UserError: when one could not.
    """
    (told, *_) = ranks.trees(None if folder is None else str(folder))
    return ranks.all_or_none(lambda: Session(plan, monitor_folder=Path(told), ranks=ranks))


def follow(plan: TrainingPlan, ranks: Ranks) -> int:
    """Train as the first rank says; the exit status. What went wrong elsewhere is said there."""
    try:
        with (
            torch_threads(images=plan.observation.has_images),
            deterministic_algorithms(plan.torch_deterministic),
        ):
            seed_everything(plan.seed)
            with made_by_all(plan, None, ranks) as session:
                return _learn(session, ranks)
    except LostRank:
        return 1


def _learn(session: Session, ranks: Ranks) -> int:
    plan, model = session.plan, session.model
    run = RunFolder(plan.log_dir)  # which only rank 0 writes to
    point = ResumePoint(plan, run, ranks)
    model.set_logger(Logger(None, []))
    point.restore(model)
    with StopRequest(None) as stop:
        writer = CheckpointWriter(run, checkpoint_info(session), ranks=ranks)
        callbacks = CallbackList([*point.callbacks(), CheckpointCallback(writer, stop, ranks=ranks)])
        session.learn(callbacks)
        writer.write_latest(model)
        return stop.exit_status
