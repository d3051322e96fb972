"""Where a training begins: from nothing, from another run's model, or in the midst of its own run."""

from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from rl_baselines.checkpoints.resume import load_replay_buffer, restore_training_state
from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.plan import TrainingPlan
from srl3.errors import UserError


class ResumePoint:
    """The point from which a run goes on, or its beginning.

    Args:
        plan: the training.
        run: its folder.

    Raises:
        UserError: for a run to resume whose checkpoint holds no such point.
    """

    def __init__(self, plan: TrainingPlan, run: RunFolder) -> None:
        self.plan = plan
        self.run = run
        self.state: dict[str, Any] | None = None
        """None at the beginning of a run"""
        if plan.resume is not None:
            assert plan.parent is not None
            self.state = plan.parent.state["training"]
            if self.state is None:
                raise UserError(f"{plan.parent.path} has no state to resume from; resume from a run's latest.zip.")

    @property
    def kept_steps(self) -> int:
        """Steps that ``progress.csv`` keeps: those of the checkpoint that the run goes on from."""
        if self.state is None:
            return 0
        assert self.plan.parent is not None
        return self.plan.parent.info.num_timesteps

    @property
    def best_mean(self) -> float:
        """The best mean return so far."""
        return -float("inf") if self.state is None else float(self.state["best_mean"])

    def cut_back(self) -> None:
        """Remove what the run wrote after the point: rows of the monitor files, and half-written files."""
        if self.state is not None:
            self.run.remove_temporaries()
            self.run.truncate_monitors(self.state["monitor_sizes"])

    def load_buffer(self, model: BaseAlgorithm) -> None:
        """Fill the model's replay buffer, where it has one, from the parent's."""
        parent = self.plan.parent
        if parent is None or getattr(model, "replay_buffer", None) is None:
            return
        path = RunFolder(parent.path.parent).replay_buffer
        if not path.is_file():
            return
        if self.state is None and parent.path.name != self.run.latest.name:
            print(f"the replay buffer belongs to {self.run.latest.name}, not to {parent.path.name}: beginning empty")
            return
        load_replay_buffer(path, model, parent.info.num_timesteps)

    def restore(self, model: BaseAlgorithm) -> None:
        """Bring the model and its environments to the point."""
        if self.state is not None:
            restore_training_state(model, self.state["model"])

    def episodes(self) -> EpisodeLog:
        """The episodes before the point.

        Raises:
            UserError: for a damaged monitor file.
        """
        return EpisodeLog() if self.state is None else EpisodeLog.from_monitors(self.run.path)
