"""Counter-based random numbers."""

import numpy as np
import pytest
import torch

from environments.mujoco_gym import randomness
from environments.mujoco_gym.randomness import Draws, philox

# Random123's known answers for philox4x32_10: counter, key, result
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_published_answers(counter, key, expected):
    words = philox([np.array([[word]], np.uint64) for word in counter], [np.array([[word]], np.uint64) for word in key])
    assert words.tolist() == [[list(expected)]]


def test_words_are_the_same_in_parts(monkeypatch):
    rows, columns = np.arange(9, dtype=np.uint64)[:, None], np.arange(5, dtype=np.uint64)[None]
    counter, key = (columns, columns + 7, rows, rows * rows), (rows + 3, rows)
    whole = philox(counter, key)
    monkeypatch.setattr(randomness, "AT_ONCE", 12)
    assert np.array_equal(philox(counter, key), whole)
    assert philox((columns, columns, rows[:0], rows[:0]), (rows[:0], rows[:0])).shape == (0, 5, 4)


def draws(seeds, episode=0, step=0):
    seeds = torch.as_tensor(seeds)
    return Draws(seeds, torch.full_like(seeds, episode), torch.full_like(seeds, step))


def test_a_robot_draws_the_same_whatever_its_neighbours():
    many, one = draws(list(range(37))), draws([5])
    for draw in (
        lambda source: source.uniform("pose", 11, -2.0, 3.0),
        lambda source: source.normal("noise", 7),
        lambda source: source.integers("level", 3, 2, 9),
    ):
        assert torch.equal(draw(many)[5], draw(one)[0])


def test_many_purposes_at_once_are_each_of_them():
    source = draws([0, 3, 9], step=4)
    together = source.units({"a": 3, "b": 8, "c": 1})
    assert torch.equal(together, torch.cat([source.uniform("a", 3), source.uniform("b", 8), source.uniform("c", 1)], 1))


def test_another_purpose_step_episode_or_seed_gives_other_numbers():
    samples = [
        draws([1]).uniform("a", 4),
        draws([1]).uniform("b", 4),
        draws([1], step=1).uniform("a", 4),
        draws([1], episode=1).uniform("a", 4),
        draws([2]).uniform("a", 4),
        draws([1 + 2**40]).uniform("a", 4),
    ]
    assert len({tuple(sample[0].tolist()) for sample in samples}) == len(samples)


def test_distributions():
    source = draws(list(range(2000)))
    uniform = source.uniform("u", 50, -1.0, 3.0)
    assert -1 <= uniform.min() < -0.99
    assert 2.99 < uniform.max() < 3
    assert uniform.mean().item() == pytest.approx(1.0, abs=0.02)
    normal = source.normal("n", 51)
    assert normal.shape == (2000, 51)
    assert normal.mean().item() == pytest.approx(0.0, abs=0.01)
    assert normal.std().item() == pytest.approx(1.0, abs=0.01)
    counts = torch.bincount(source.integers("i", 50, 3, 8).flatten(), minlength=8)
    assert counts[:3].sum() == 0
    assert (counts[3:].float() / 20_000 - 1).abs().max() < 0.05
    assert source.chance("c", 0.3).float().mean().item() == pytest.approx(0.3, abs=0.04)
