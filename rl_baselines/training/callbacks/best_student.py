"""Keeps the student that is nearest to its teachers."""

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.training.callbacks.checkpoints import Best, CheckpointWriter


class BestStudentCallback(BaseCallback):
    """Writes ``best_model.zip`` when a supervised model's score on the validation steps is the best so far, or equal.

    Each round of DAgger adds validation steps, so its best is found anew.

    Args:
        writer: writes the checkpoint; its best mean is the validation's score.
    """

    def __init__(self, writer: CheckpointWriter) -> None:
        super().__init__()
        self.writer = writer
        self._seen: Any = None
        self._round = 0

    def _on_training_start(self) -> None:
        last = max(0, self.model.num_timesteps - 1)
        self._round = self.model.round_at(last)  # type: ignore[attr-defined]

    def _on_rollout_end(self) -> None:
        validation = self.model.validation  # type: ignore[attr-defined]
        if validation is None or validation is self._seen:
            return
        self._seen = validation
        if validation.round != self._round:
            self._round = validation.round
            self.writer.best = Best()
        if validation.score >= self.writer.best.mean:
            self.writer.write_best(self.model, validation.score)

    def _on_step(self) -> bool:
        return True
