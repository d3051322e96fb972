"""Where a training begins: from nothing, from another run's model, or in the midst of its own run."""

from collections.abc import Mapping
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.acting.curricula import count_from
from rl_baselines.base_classes import BaseRLObject
from rl_baselines.checkpoints.replay_buffer import (
    read_replay_buffer,
    restore_replay_buffer,
    take_over_replay_buffer,
)
from rl_baselines.checkpoints.resume import restore_training_state
from rl_baselines.registry import find_algo
from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.callbacks.checkpoints import Best
from rl_baselines.training.episode_figures import EpisodeFigures
from rl_baselines.training.plan import TrainingPlan
from srl3.errors import UserError
from srl3.runtime.ranks import ALONE, Ranks


class ResumePoint:
    """The point from which a run goes on, or its beginning.

    Args:
        plan: the training.
        run: its folder.
        ranks: the processes that go on, of which each takes its own part.

    Raises:
        UserError: for a run to resume whose checkpoint holds no such point.
    """

    def __init__(self, plan: TrainingPlan, run: RunFolder, ranks: Ranks = ALONE) -> None:
        self.plan = plan
        self.ranks = ranks
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
    def best(self) -> Best:
        """The best model so far."""
        if self.state is None:
            return Best()
        assert self.plan.parent is not None
        now = self.plan.config.stage_began(self.plan.parent.info.control_steps(self.kept_steps))
        kept = self.state.get("best_stage", now)  # older runs did not tell stages apart
        return Best(float(self.state["best_mean"]), int(kept), int(self.state.get("best_first", 0)))

    def cut_back(self) -> None:
        """Remove what the run wrote after the point: rows of the monitor files, and half-written files."""
        if self.state is not None:
            self.run.remove_temporaries(self.kept_steps)
            self.run.truncate_monitors(self.state["monitor_sizes"])

    def load_buffer(self, model: BaseAlgorithm) -> None:
        """Fill the model's replay buffer, where it has one, from the parent's."""
        parent = self.plan.parent
        if parent is None or getattr(model, "replay_buffer", None) is None:
            return
        steps = parent.info.num_timesteps
        path = RunFolder(parent.path.parent).replay_buffer_at(steps)
        if path is None:
            return
        if self.state is None and parent.path.name != self.run.latest.name:
            print(f"the replay buffer belongs to {self.run.latest.name}, not to {parent.path.name}: beginning empty")
            return
        saved = read_replay_buffer(path, steps)
        if self.state is not None:
            restore_replay_buffer(model, saved)
        elif said := take_over_replay_buffer(model, saved):
            print(said)

    def restore(self, model: BaseAlgorithm) -> None:
        """Bring the model and its environments to the point; of another number of processes, the model alone."""
        if self.state is None:
            return
        if self._own_state is not None:
            restore_training_state(self._algorithm, model, self._own_state)
            return
        self._algorithm.load_common_state(model, self.state["model"])
        assert model.env is not None
        assert self.plan.parent is not None
        count_from(model.env, self.plan.parent.info.control_steps(self.kept_steps))
        then, now = processes_before(self.plan), self.ranks.size
        print(
            f"the run had {then} process(es) and goes on in {now}: networks, optimiser, learning rate and counters are "
            "kept; episodes and the noise of actions begin anew"
        )

    def figures(self) -> EpisodeFigures:
        """Those of the episodes before the point that were not written yet."""
        figures = EpisodeFigures()
        if self.state is not None:
            figures.load_state(self.state.get("figures"))
        return figures

    def callbacks(self) -> list[BaseCallback]:
        """What must come first among the callbacks of the training."""
        return [] if self._own_state is None else [_EnterRollout(self._algorithm, self._own_state)]

    @property
    def _own_state(self) -> Mapping[str, Any] | None:
        """What this process saved; None at the beginning, or where their number is another now."""
        if self.state is None or processes_before(self.plan) != self.ranks.size:
            return None
        parts: list[Mapping[str, Any]] = [self.state["model"], *self.state.get("ranks", ())]
        return parts[self.ranks.rank]

    @property
    def _algorithm(self) -> type[BaseRLObject]:
        return find_algo(self.plan.algo).load_class(self.plan.policy)

    def episodes(self) -> EpisodeLog:
        """The episodes before the point.

        Raises:
            UserError: for a damaged monitor file.
        """
        return EpisodeLog() if self.state is None else EpisodeLog.from_monitors(self.run.path)


def processes_before(plan: TrainingPlan) -> int:
    """How many processes a run to resume had; of a new one, how many it will have."""
    state = None if plan.resume is None or plan.parent is None else plan.parent.state["training"]
    return plan.num_processes if state is None else 1 + len(state.get("ranks", ()))


class _EnterRollout(BaseCallback):
    """Restores, once, what ``learn`` itself reset and drew before the first rollout began."""

    def __init__(self, algorithm: type[BaseRLObject], state: Mapping[str, Any]) -> None:
        super().__init__()
        self._algorithm = algorithm
        self._state: Mapping[str, Any] | None = state

    def _on_rollout_start(self) -> None:
        if self._state is not None:
            self._algorithm.enter_rollout(self.model, self._state)
            self._state = None

    def _on_step(self) -> bool:
        return True
