"""What tests of worlds in MuJoCo share."""

from collections.abc import Callable
from typing import Any

import mujoco.batch
import numpy as np
import pytest

from environments.mujoco_gym.replay import graph_tape
from environments.mujoco_gym.replay.graph_tape import GraphTape
from environments.mujoco_gym.task_parts.played import Played
from tests.environments.mujoco_gym.replay.fake_graphs import FakeCapture


@pytest.fixture
def graphs_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds that ask for graphs have these; MuJoCo's batch takes one robot twice."""
    checked_ids: Callable[..., Any] = mujoco.batch._ids

    def ids(given: Any, count: int) -> Any:
        return checked_ids(given if given is None else np.unique(given), count)

    monkeypatch.setattr(mujoco.batch, "_ids", ids)
    monkeypatch.setattr(graph_tape, "CudaCapture", FakeCapture)
    monkeypatch.setattr(Played, "_tape", lambda self: GraphTape if self.config.sim.cuda_graphs else None)
