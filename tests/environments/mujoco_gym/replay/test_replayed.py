"""When a function is recorded, checked and played."""

import logging
from typing import Any

import pytest
import torch

from environments.mujoco_gym.replay import replayed
from environments.mujoco_gym.replay.replayed import ATTEMPTS, UNCHANGED_CALLS, Replayed


class Counter:
    """Adds up what it is given, and counts how often it is called."""

    def __init__(self) -> None:
        self.calls = 0
        self.factor = torch.tensor(2.0)
        self.given = torch.zeros(2)
        self.sum = torch.zeros(2)

    def add(self) -> dict[str, torch.Tensor]:
        self.calls += 1
        self.sum += self.given * self.factor
        return {"sum": self.sum.clone()}

    def reads(self) -> list[Any]:
        return [self.factor, self.given, self.sum]


def test_it_is_called_recorded_checked_and_played() -> None:
    counter = Counter()
    add = Replayed("add", counter.add)
    sums, plays = [], []
    for step in range(1, UNCHANGED_CALLS + 5):
        counter.given.fill_(step)
        result, tape = add(counter.reads())
        sums.append(float(result["sum"][0]))
        plays.append(tape is not None)
    assert sums == [sum(2 * k for k in range(1, step + 1)) for step in range(1, UNCHANGED_CALLS + 5)]
    assert plays == [False] * (UNCHANGED_CALLS + 2) + [True] * 2
    assert counter.calls == UNCHANGED_CALLS + 2  # called, recorded, and once beside the tape
    assert add.plays


def test_another_object_means_another_recording() -> None:
    counter = Counter()
    add = Replayed("add", counter.add)
    for _ in range(6):
        add(counter.reads())
    assert add.plays
    counter.factor = torch.tensor(10.0)
    before = float(counter.sum[0])
    counter.given.fill_(1)
    for step in range(1, 7):
        result, tape = add(counter.reads())
        assert float(result["sum"][0]) == before + 10 * step
        assert (tape is not None) == (step > UNCHANGED_CALLS + 2)


def test_a_function_that_remembers_outside_of_tensors_is_called_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    total = torch.zeros(1)
    steps: list[int] = []

    def forgetful() -> torch.Tensor:
        steps.append(0)  # a tape would not see it
        return total.add_(len(steps)).clone()

    function = Replayed("forgetful", forgetful)
    with caplog.at_level(logging.WARNING):
        results = [float(function([total])[0]) for _ in range(8)]
    # the check called it once more than the tape's steps, from the same state: each result is that of a call
    assert results[:3] == [1.0, 3.0, 6.0]
    assert not function.plays
    assert len(steps) == 8
    assert "forgetful depends on more than its tensors" in caplog.text


def test_who_never_can_be_recorded_is_soon_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = []
    monkeypatch.setattr(replayed, "Tape", lambda function: recordings.append(0) or replayed_tape(function))
    values = torch.ones(3)
    masked = Replayed("masked", lambda: values[values > 0].sum())
    assert [float(masked([values])[0]) for _ in range(3 * ATTEMPTS)] == [3.0] * 3 * ATTEMPTS
    assert len(recordings) == ATTEMPTS


replayed_tape = replayed.Tape
