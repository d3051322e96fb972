"""CUDA graphs of functions of tensors, here in the memory of a CPU (`fake_graphs`), and on a GPU where there is one."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch

from environments.mujoco_gym.replay.graph_tape import CudaCapture, GraphTape
from environments.mujoco_gym.replay.replayed import WAIT, Replayed
from environments.mujoco_gym.replay.watching import CantCaptureError, CantRecordError, outside
from tests.environments.mujoco_gym.replay.fake_graphs import FakeCapture

GPU = torch.cuda.is_available()
DEVICE = "cuda" if GPU else "cpu"


def tape_of(function: Callable[[], Any]) -> GraphTape:
    return GraphTape(function, CudaCapture if GPU else FakeCapture)


def numbers(*values: float) -> torch.Tensor:
    return torch.tensor(values, device=DEVICE)


class Balance:
    """Adds what is given; a decision is taken where the sum is large."""

    def __init__(self) -> None:
        self.given, self.gain, self.sum = numbers(1.0, 2.0), numbers(2.0, 3.0), numbers(0.0, 0.0)
        self.large = 0

    def add(self) -> dict[str, torch.Tensor]:
        self.sum += self.given * self.gain
        if bool((self.sum > 100).any()):
            self.large += 1
            self.sum.zero_()
        return {"twice": 2 * self.sum}


def test_a_capture_changes_nothing_and_each_play_does_it_again() -> None:
    balance = Balance()
    tape = tape_of(balance.add)
    assert balance.sum.tolist() == [2, 6]  # it was called once
    for time in range(2, 5):
        assert tape.play()
        assert balance.sum.tolist() == [2 * time, 6 * time]
        assert tape.result["twice"].tolist() == [4 * time, 12 * time]
    own = tape.own_result()
    balance.given.copy_(numbers(0.0, -1.0))
    assert tape.play()
    assert tape.result["twice"].tolist() == [16, 42]
    assert own["twice"].tolist() == [16, 48]
    tape.undo()
    assert balance.sum.tolist() == [8, 24]
    assert tape.exact


def test_a_decision_that_falls_otherwise_is_noticed_and_undone() -> None:
    balance = Balance()
    tape = tape_of(balance.add)
    balance.given.copy_(numbers(60.0, 0.0))
    assert not tape.play()
    assert balance.sum.tolist() == [2, 6]
    assert balance.large == 0
    balance.given.copy_(numbers(1.0, 0.0))
    assert tape.play()
    assert balance.sum.tolist() == [4, 6]


def test_places_that_were_none_are_to_stay_none() -> None:
    values, count = numbers(1.0, -1.0), numbers(0.0)

    def note() -> torch.Tensor:
        rows = (values > 5).nonzero(as_tuple=True)[0]
        if len(rows):
            values[rows] = 0
        return count.add_(1)

    tape = tape_of(note)
    assert tape.play()
    assert count.tolist() == [2]
    values[1] = 6
    assert not tape.play()
    assert count.tolist() == [2]


def test_what_is_done_by_other_means_is_done_between_two_graphs() -> None:
    values, seen = numbers(1.0, 2.0), []

    def square() -> None:
        seen.append(values.tolist())
        values.copy_(torch.tensor([value**2 for value in values.tolist()]))

    def work() -> torch.Tensor:
        values.add_(1)
        outside(square)
        return values.mul_(10).clone()

    tape = tape_of(work)
    assert seen == [[2, 3]]
    assert values.tolist() == [40, 90]
    assert tape.play()
    assert seen == [[2, 3], [41, 91]]
    assert tape.result.tolist() == [16810, 82810]
    assert not tape.exact


def test_numbers_of_a_configuration_are_loaded_once() -> None:
    values, doubled = numbers(1.0, 2.0), numbers(0.0, 0.0)
    tape = tape_of(lambda: doubled.copy_(values * torch.as_tensor([2.0, 3.0]).to(DEVICE)))
    values.add_(1)
    assert tape.play()
    assert doubled.tolist() == [4, 9]


def test_a_function_that_changes_nothing_is_not_worth_a_graph() -> None:
    values = numbers(1.0, 2.0)
    with pytest.raises(CantRecordError, match="changes nothing"):
        tape_of(lambda: values + 1)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda values: values[values > 0].sum(), "another size"),
        (lambda values: (values > 0).nonzero(), "another size"),
        (lambda values: torch.rand_like(values), "random numbers"),
        (lambda values: values.tolist(), "takes values out of torch"),
    ],
)
def test_what_no_graph_can_do_again_is_refused(function: Callable[[torch.Tensor], Any], reason: str) -> None:
    values = numbers(1.0, 2.0)
    with pytest.raises(CantRecordError, match=reason):
        tape_of(lambda: function(values))


def test_a_function_that_does_something_else_when_it_is_called_again_is_refused() -> None:
    values, calls = numbers(1.0, 2.0), []

    def fickle() -> torch.Tensor:
        calls.append(0)
        return values + 1 if len(calls) % 2 and bool(values.any()) else values

    with pytest.raises(CantRecordError, match="something else"):
        tape_of(fickle)


class NoCapture(FakeCapture):
    """Of a GPU that has no place for something."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.current is not None and "exp" in func._schema.name:
            raise RuntimeError("operation not permitted when stream is capturing")
        return super().__torch_dispatch__(func, types, args, kwargs)


def test_where_none_can_be_captured_it_is_said_and_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    values, powers, captures = torch.ones(2), torch.ones(2), []

    def capture(function: Callable[[], Any]) -> GraphTape:
        captures.append(0)
        return GraphTape(function, NoCapture)

    with pytest.raises(CantCaptureError, match="not permitted"):
        capture(lambda: powers.copy_(values.exp()))
    replayed = Replayed("exp", lambda: lambda: powers.copy_(values.exp()), capture, says=True)
    with caplog.at_level(logging.INFO):
        for _ in range(WAIT + 5):
            result, tape = replayed([values])
            assert tape is None
            assert torch.equal(result, values.exp())
    assert len(captures) == 2
    assert [record.message for record in caplog.records] == [
        "exp has no recording, and is as slow as torch is: operation not permitted when stream is capturing"
    ]


def test_nearly_the_same_is_enough_where_something_is_done_by_other_means() -> None:
    values, count, noise = torch.ones(100), torch.zeros(1), [0.0]

    def work() -> torch.Tensor:
        count.add_(1)
        outside(lambda: values.fill_(1 + noise[0]))
        return values * 2

    replayed = Replayed("work", lambda: work, lambda function: GraphTape(function, FakeCapture))
    for step in range(WAIT + 12):
        noise[0] = step * 1e-6
        replayed([values])
    assert replayed.plays
