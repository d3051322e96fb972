"""Rotations against MuJoCo's own, and the same bits whatever the number of robots."""

import mujoco
import numpy as np
import pytest
import torch

from environments.mujoco_gym.maths import (
    GRAVITY,
    ROLL,
    YAW,
    entries,
    faces_of,
    inverse,
    last_rows,
    product,
    rotate,
    rotate_inverse,
    whole,
)

COUNT = 67


@pytest.fixture
def quats() -> torch.Tensor:
    drawn = torch.randn(COUNT, 4, generator=torch.Generator().manual_seed(0))
    return torch.cat([torch.eye(4), torch.nn.functional.normalize(drawn, dim=1)])


@pytest.mark.parametrize("function", [torch.atan2, torch.exp, torch.log, torch.cos, torch.sin, torch.tanh])
def test_functions_give_a_number_the_same_bits_wherever_it_stands(function):
    count = 2 if function is torch.atan2 else 1
    values = [torch.rand(199, 3) + 0.01 for _ in range(count)]
    every = whole(function, *values)
    for row in (0, 100, 198):
        assert torch.equal(whole(function, *(v[row : row + 1] for v in values))[0], every[row])
    assert torch.allclose(every, function(*values), atol=1e-6)


def test_rotations_turn_there_and_back():
    quat = torch.nn.functional.normalize(torch.randn(50, 4), dim=1)
    vectors = torch.randn(50, 3)
    assert torch.allclose(rotate_inverse(quat, rotate(quat, vectors)), vectors, atol=1e-5)
    quarter = torch.tensor([[0.5**0.5, 0, 0, 0.5**0.5]])
    assert torch.allclose(rotate(quarter, torch.tensor([[1.0, 0, 0]])), torch.tensor([[0.0, 1, 0]]), atol=1e-6)


def matrices(quats: torch.Tensor) -> torch.Tensor:
    """``(N, 3, 3)``, of MuJoCo"""
    found = np.zeros((len(quats), 9))
    for quat, matrix in zip(quats.double().numpy(), found, strict=True):
        mujoco.mju_quat2Mat(matrix, quat)
    return torch.from_numpy(found).reshape(-1, 3, 3).float()


def test_entries_are_those_of_the_matrix(quats):
    matrix = matrices(quats)
    assert torch.allclose(last_rows(quats).reshape(-1, 2, 3), matrix[:, 1:], atol=1e-6)
    assert torch.allclose(entries(quats, GRAVITY), -matrix[:, 2], atol=1e-6)
    assert torch.allclose(entries(quats, YAW), matrix[:, [1, 0], [0, 0]], atol=1e-6)
    assert torch.allclose(entries(quats, ROLL), matrix[:, [2, 2], [1, 2]], atol=1e-6)


def test_turns_are_those_of_mujoco(quats):
    others = quats.flip(0)
    vectors = torch.randn(len(quats), 3, generator=torch.Generator().manual_seed(1))
    turned, both = np.zeros((len(quats), 3)), np.zeros((len(quats), 4))
    for row, quat in enumerate(quats.double().numpy()):
        mujoco.mju_rotVecQuat(turned[row], vectors[row].double().numpy(), quat)
        mujoco.mju_mulQuat(both[row], quat, others[row].double().numpy())
    assert torch.allclose(rotate(quats, vectors), torch.from_numpy(turned).float(), atol=1e-5)
    assert torch.allclose(rotate_inverse(quats, rotate(quats, vectors)), vectors, atol=1e-5)
    assert torch.allclose(product(quats, others), torch.from_numpy(both).float(), atol=1e-6)
    assert torch.allclose(product(inverse(quats), quats), torch.eye(4)[:1], atol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda q: entries(q, YAW + ROLL + GRAVITY),
        faces_of,
        inverse,
        lambda q: product(q, q),
        lambda q: rotate(q, q[:, 1:]),
    ],
    ids=["entries", "faces_of", "inverse", "product", "rotate"],
)
def test_a_robot_has_the_same_bits_alone(function, quats):
    every = function(quats)
    for row in (0, 5, COUNT):
        assert torch.equal(function(quats[row : row + 1])[0], every[row])
