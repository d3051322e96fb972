"""Trainings whose models tests look at, and that are stopped in their midst."""

import os
import signal
from typing import Any

import pytest
from stable_baselines3.common.base_class import BaseAlgorithm

from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.callbacks.checkpoints import CheckpointWriter
from rl_baselines.training.callbacks.episodes import EpisodeRecorder
from tests.rl_baselines.conftest import Train


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[BaseAlgorithm]:
    """The models of the trainings, each as it was last written."""
    seen: list[BaseAlgorithm] = []
    write = CheckpointWriter.write_latest

    def write_latest(self: CheckpointWriter, model: BaseAlgorithm) -> None:
        seen.append(model)
        write(self, model)

    monkeypatch.setattr(CheckpointWriter, "write_latest", write_latest)
    return seen


def stop_at(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Send this process a Ctrl-C in mid-rollout at ``steps``."""
    note = EpisodeRecorder._on_step

    def on_step(self: EpisodeRecorder) -> bool:
        if self.num_timesteps == steps:
            os.kill(os.getpid(), signal.SIGINT)
        return note(self)

    monkeypatch.setattr(EpisodeRecorder, "_on_step", on_step)


def stopped_at(steps: int, small_train: Train, monkeypatch: pytest.MonkeyPatch, *flags: str, **where: Any) -> RunFolder:
    """A run that was stopped by a Ctrl-C at ``steps``."""
    with monkeypatch.context() as patch:
        stop_at(patch, steps)
        return small_train(*flags, status=130, **where)
