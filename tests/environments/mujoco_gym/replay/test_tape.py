"""A tape of a function of tensors does what the function does, to the last bit."""

import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import torch

from environments.mujoco_gym.replay.tape import Tape
from environments.mujoco_gym.replay.watching import CantRecordError, made_by

EDGES = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, 1e-40, -1e-40, 3e38, float("inf"), float("-inf"), float("nan")]
ROWS = (1, 3, 37)


def numbers(rows: int, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """``(rows, 8)``: ordinary ones, and among them those at which rules differ."""
    generator = torch.Generator().manual_seed(seed)
    values = 3 * torch.randn(rows, 8, generator=generator, dtype=torch.float64)
    edges = torch.tensor(EDGES, dtype=torch.float64)[torch.randint(len(EDGES), (rows, 8), generator=generator)]
    return torch.where(torch.rand(rows, 8, generator=generator) < 0.4, edges, values).to(dtype)


FUNCTIONS = {
    "sums": lambda a, b: (a + b, a - b, 1 - a, a + 2, a - 0.1),
    "products": lambda a, b: (a * b, 0.3 * a, a / b, a / 3.7, -a, a**2, a.abs()),
    "of one number": lambda a, b: (a[:, :1] * b, a + b[0], a[0] - b, a * a[0, 0], a[:, 2:3] / b[:, :1]),
    "strided": lambda a, b: (a[:, ::2] * b[:, 1::2], (a.T + b.T).T, a.T.reshape(-1), (a[:, 1:4] - b[:, 2:5]).flatten()),
    "wide and narrow": lambda a, b: (a.double() * b, a.double() + b.double(), (a.double() - 1).float(), a.double() / 7),
    "comparisons": lambda a, b: (a > b, a >= 0.1, a < 0, a <= b, a == b, a != 0, ~(a > b) & (a < 1) | (b > 2)),
    "clamped": lambda a, b: (a.clamp(min=0), a.clamp(max=0), a.clamp(-1, 1), a.clamp(-0.0, 0.3), a.clamp(min=b)),
    "chosen": lambda a, b: (torch.where(a > b, a, b), torch.where(a > 0, 1.0, b), torch.where(b > 0, a, 0.0)),
    "largest": lambda a, b: (torch.maximum(a, b), torch.minimum(a, b), a.amin(1), a.amax(0)),
    "remainders": lambda a, b: (torch.remainder(a, 2 * torch.pi), torch.remainder(a + b, 0.5), torch.remainder(a, -2)),
    "rounded": lambda a, b: (a.floor(), a.round(), (a > 0).float(), (a > 0).long(), a.clamp(-9, 9).nan_to_num().long()),
    "transcendental": lambda a, b: (a.exp(), a.sin(), a.cos(), torch.atan2(a, b), a.abs().sqrt(), a.abs().log()),
    "reduced": lambda a, b: (a.sum(0), a.sum(1), a.mean(), (a > 0).any(1), (a > b).all(0), (a > 9).any(), a.sum()),
    "joined": lambda a, b: (
        torch.cat([a, b], 1),
        torch.stack([a, b], 2),
        torch.stack([a[:, 0], b[:, 1]]),
        a.repeat(2, 1),
    ),
    "picked": lambda a, b: (
        a[:, torch.tensor([3, 0, -1])],
        a.index_select(1, torch.tensor([7, 7, 0])),
        a[torch.tensor([0, -1])],
        torch.take(a, torch.tensor([[0, 2], [5, 1]])),
        a[torch.tensor([0]), torch.tensor([3])],
    ),
    "views": lambda a, b: (a[:, :3], a[0], a.unbind(1)[2], a.T, a[:, None], a.split([3, 5], 1)[1], a.expand(2, -1, -1)),
    "whole numbers": lambda a, b: whole_numbers(a.nan_to_num(0, 9, -9).clamp(-9, 9).long(), b),
    "of noughts": lambda a, b: (torch.zeros(3) + a[0, 0], torch.full_like(a, 2.0) * b, torch.ones(2, dtype=torch.bool)),
    "written to": lambda a, b: written_to(a, b),
}


def whole_numbers(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return (
        a + 1,
        a * a,
        a - 3 * a,
        a >> 2,
        a & 12,
        a % 4,
        a == 2,
        a > 0.5,
        a.clamp(min=0, max=5),
        a / 2,
        a * b,
        a.float(),
    )


def written_to(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """New tensors that are changed in place after they were made."""
    table = torch.zeros(a.shape[0], 4)
    table[:, 0] = a[:, 1]
    table[:, 1:3] = b[:, :2]
    table[:, torch.tensor([3])] = a[:, 2:3]
    table += 1
    table[table > 2] = -7.0
    joined = torch.empty(a.shape[0], 16)
    torch.cat([a, b], 1, out=joined)
    joined *= 2
    joined[:, 3] -= a[:, 0]
    return table, joined.mul_(0.5), a.clone().neg_(), b.clone().fill_(3), (a > 0).logical_not_()


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_tape_gives_the_bits_of_the_function(name: str, rows: int) -> None:
    a, b = numbers(rows, 1), numbers(rows, 2)
    function = FUNCTIONS[name]
    with torch.inference_mode():
        tape = Tape(lambda: function(a, b))
        for seed in range(3, 9):
            a.copy_(numbers(rows, seed))
            b.copy_(numbers(rows, seed + 100))
            expected = function(a, b)
            assert tape.play()
            for place, (played, called) in enumerate(zip(tape.result, expected, strict=True)):
                assert played.dtype == called.dtype
                assert same_bits(played, called), (place, played, called)


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Of NaN it is enough that both are."""
    a, b = one.numpy(), other.numpy()
    if a.dtype.kind == "f":
        a, b = np.where(np.isnan(a), np.nan, a).astype(a.dtype), np.where(np.isnan(b), np.nan, b).astype(b.dtype)
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def test_ordinary_operations_are_numpys() -> None:
    a, b = numbers(3, 1), numbers(3, 2)
    for name in ("sums", "products", "comparisons", "chosen", "joined", "written to", "strided"):
        tape = Tape(lambda name=name: FUNCTIONS[name](a, b))
        assert set(tape.torch_operations) <= {"repeat", "index_put"}, name


def test_what_is_remembered_is_changed_in_place_and_can_be_put_back() -> None:
    memory, given = torch.zeros(3, 2), torch.ones(3)

    def add() -> torch.Tensor:
        memory[:, 1] += given
        return memory.sum(1)

    tape = Tape(add)
    given.copy_(torch.tensor([1.0, 2.0, 3.0]))
    assert tape.play()
    assert tape.play()
    assert memory[:, 1].tolist() == [3.0, 5.0, 7.0]
    assert tape.result.tolist() == [3.0, 5.0, 7.0]
    tape.undo()
    assert memory[:, 1].tolist() == [2.0, 3.0, 4.0]


@pytest.mark.parametrize("how", ["bool", "nonzero", "item", "equal"])
def test_a_decision_that_falls_otherwise_stops_the_tape_and_changes_nothing(how: str) -> None:
    count, values = torch.zeros(4), torch.zeros(4)
    calls = []

    def function() -> None:
        calls.append(how)
        count.add_(1)
        if how == "bool" and (values > 1).any():
            count.mul_(2)
        if how == "nonzero" and len(rows := (values > 1).nonzero(as_tuple=True)[0]):
            count[rows] = 0
        if how == "item" and values[2].item() > 1:
            count.mul_(3)
        if how == "equal" and not torch.equal(values, torch.zeros(4)):
            count.mul_(4)

    tape = Tape(function)
    assert tape.play()
    assert count.tolist() == [2.0] * 4
    values[2] = 5.0
    assert not tape.play()
    assert count.tolist() == [2.0] * 4
    values[2] = 0.0
    assert tape.play()
    assert count.tolist() == [3.0] * 4
    assert len(calls) == 1


@pytest.mark.parametrize(
    "function",
    [
        lambda values: values[values > 0],
        lambda values: (values > 0).nonzero(),
        lambda values: torch.rand(3) + values[:3],
        lambda values: values.masked_select(values > 0),
        lambda values: values + max(values.tolist()),
        lambda values: torch.from_numpy(values.numpy() + 1),
        lambda values: torch.as_tensor(np.asarray(values) + 1),
        lambda values: values.to(torch.bfloat16) * 2,
        lambda values: values.to_sparse(),
    ],
)
def test_what_a_tape_could_not_do_again_is_not_recorded(function) -> None:
    values = torch.ones(4)
    calls = []

    def called() -> torch.Tensor:
        calls.append(0)
        return function(values)

    with pytest.raises(CantRecordError):
        Tape(called)
    assert len(calls) == 1


def test_operations_on_lists_of_tensors_are_put_back_too() -> None:
    sums = [torch.zeros(2), torch.zeros(3)]
    tape = Tape(lambda: torch._foreach_add_(sums, 1.0))
    assert tape.play()
    assert sums[0].tolist() == [2.0, 2.0]
    tape.undo()
    assert sums[1].tolist() == [1.0, 1.0, 1.0]


def test_an_error_is_an_error_and_undone() -> None:
    count, places, table = torch.zeros(1), torch.tensor([1]), torch.arange(3.0)

    def look_up() -> torch.Tensor:
        count.add_(1)
        return table[places], table.index_select(0, places), torch.take(table, places)

    tape = Tape(look_up)
    places.fill_(-1)
    assert tape.play()
    assert tape.result[0].tolist() == [2.0]
    places.fill_(7)
    with pytest.raises(IndexError):
        tape.play()
    assert count.tolist() == [2.0]


def test_numpy_does_not_warn_where_torch_would_not() -> None:
    values = torch.ones(3)
    tape = Tape(lambda: (1 / values, values.sqrt(), values * 1e38))
    values.copy_(torch.tensor([0.0, -1.0, 1e30]))
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert tape.play()
    assert tape.result[0][0] == tape.result[2][2] == float("inf")


def test_threads_do_not_hear_one_another() -> None:
    """What another thread makes while this one records is not in this one's tape."""
    values, begun, drawn = torch.zeros(2), threading.Event(), threading.Event()

    def other() -> None:
        begun.wait(10)
        made_by(lambda: torch.ones(2), lambda: torch.full((2,), 99.0))
        drawn.set()

    thread = threading.Thread(target=other)
    thread.start()

    def function() -> torch.Tensor:
        begun.set()
        drawn.wait(10)
        return made_by(lambda: values + 1, lambda: values + 1)

    tape = Tape(function)
    thread.join()
    assert len(tape._calls) == 1


def test_what_is_made_without_torch_is_made_again() -> None:
    values = torch.arange(3.0)

    def cubed() -> torch.Tensor:
        return torch.from_numpy(values.numpy() ** 3)

    tape = Tape(lambda: made_by(cubed, cubed) + 1)
    values += 1
    assert tape.play()
    assert tape.result.tolist() == [2.0, 9.0, 28.0]
    assert made_by(cubed, cubed).tolist() == [1.0, 8.0, 27.0]  # outside of a recording


def test_a_recording_does_not_load_torchs_compiler() -> None:
    program = (
        "import sys, torch; from environments.mujoco_gym.replay.tape import Tape; a = torch.ones(2);"
        "Tape(lambda: a + 1); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
