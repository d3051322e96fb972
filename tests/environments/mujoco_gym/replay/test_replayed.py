"""When a function is recorded, checked and played."""

import logging
from typing import Any

import pytest
import torch

from environments.mujoco_gym.replay.replayed import ATTEMPTS, CHECKED_PLAYS, MISSES, WAIT, WORTH_IT, Replayed
from environments.mujoco_gym.replay.tape import Tape


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

    def replayed(self, tape: Any = Tape) -> Replayed:
        return Replayed("add", lambda: self.add, tape)


FIRST = WAIT + 2
"""the call in which a recording is played for the first time"""


def test_it_is_called_recorded_checked_and_played() -> None:
    counter = Counter()
    add = counter.replayed()
    sums, plays = [], []
    for step in range(1, FIRST + 3):
        counter.given.fill_(step)
        result, tape = add(counter.reads())
        sums.append(float(result["sum"][0]))
        plays.append(tape is not None)
    assert sums == [sum(2 * k for k in range(1, step + 1)) for step in range(1, FIRST + 3)]
    assert plays == [False] * FIRST + [True] * 2
    assert counter.calls == FIRST  # called, recorded, and once beside the tape
    assert add.plays


def test_it_is_checked_again_now_and_then() -> None:
    counter = Counter()
    add = counter.replayed()
    for _ in range(WAIT + 1 + 200):
        add(counter.reads())
    assert counter.calls == WAIT + 1 + sum(play <= 200 for play in CHECKED_PLAYS) == WAIT + 4


def test_another_object_means_another_recording() -> None:
    counter = Counter()
    add = counter.replayed()
    for _ in range(FIRST + WORTH_IT):
        add(counter.reads())
    assert add.plays
    counter.factor = torch.tensor(10.0)
    before = float(counter.sum[0])
    counter.given.fill_(1)
    for step in range(1, FIRST + 3):
        result, tape = add(counter.reads())
        assert float(result["sum"][0]) == before + 10 * step
        assert (tape is not None) == (step > FIRST)


def test_whoever_changes_often_what_is_read_is_recorded_rarely() -> None:
    recordings = []
    counter = Counter()
    add = counter.replayed(lambda function: recordings.append(0) or Tape(function))
    for number in range(1000):
        if number % 5 == 0:
            counter.factor = torch.tensor(float(number))
        add(counter.reads())
    assert 1 <= len(recordings) <= 3
    for _ in range(600):
        add(counter.reads())
    assert add.plays


def test_a_function_that_remembers_outside_of_tensors_is_called_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    total = torch.zeros(1)
    steps: list[int] = []

    def forgetful() -> dict[str, torch.Tensor]:
        steps.append(0)  # a tape would not see it
        return {"total": total.add_(len(steps)).clone()}

    function = Replayed("forgetful", lambda: forgetful)
    with caplog.at_level(logging.WARNING):
        results = [float(function([total])[0]["total"]) for _ in range(8)]
    assert results == [1.0, 3.0, 6.0, 10.0, 15.0, 21.0, 28.0, 36.0]
    assert not function.plays
    assert "a recording of forgetful does not give the result.total that torch computes" in caplog.text


def test_one_that_changes_later_is_found_by_a_later_check() -> None:
    total, settings = torch.zeros(1), {"gain": 1.0}
    function = Replayed("settled", lambda: lambda: total.add_(settings["gain"]).clone())
    for _ in range(FIRST + 3):
        function([total, settings])
    settings["gain"] = 2.0
    for _ in range(CHECKED_PLAYS[1]):
        function([total, settings])
    assert not function.plays


def test_nan_is_no_difference() -> None:
    values = torch.tensor([float("nan"), 1.0])
    function = Replayed("nan", lambda: lambda: -(values * 2))
    for _ in range(FIRST + 1):
        function([values])
    assert function.plays


def test_who_never_can_be_recorded_is_soon_left_alone() -> None:
    recordings = []
    values = torch.ones(3)
    masked = Replayed(
        "masked", lambda: lambda: values[values > 0].sum(), lambda function: recordings.append(0) or Tape(function)
    )
    assert [float(masked([values])[0]) for _ in range(3 * ATTEMPTS)] == [3.0] * 3 * ATTEMPTS
    assert len(recordings) == ATTEMPTS


def test_a_recording_of_a_rare_case_is_given_up() -> None:
    age, peak = torch.zeros(1), torch.zeros(1)

    def function() -> torch.Tensor:
        age.add_(1)
        if bool((age == WAIT + 1).any()):
            peak.fill_(9)
        return age.clone()

    rare = Replayed("rare", lambda: function)
    ages = [float(rare([age, peak])[0]) for _ in range(MISSES + 4 * WAIT + 10)]
    assert ages == [float(step) for step in range(1, MISSES + 4 * WAIT + 11)]
    assert rare.plays
