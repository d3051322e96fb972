"""Spaces as JSON and back."""

import json
import math
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
from gymnasium import spaces

from srl3.errors import UserError
from srl3.spaces import build, describe, image_paths, in_words, leaves, same

SPACES = [
    spaces.Box(-1.0, 1.0, (3,)),
    spaces.Box(np.array([-1.0, -2.0], np.float32), np.array([1.0, 2.0], np.float32)),
    spaces.Box(-2.0, 2.0, (2,)),
    spaces.Box(-np.inf, np.inf, (4,)),
    spaces.Box(np.array([0.0, -np.inf]), np.array([np.inf, 1.0]), dtype=np.float64),
    spaces.Box(0.1, 0.3, (), np.float32),
    spaces.Box(0.1, 0.3, (2, 3), np.float64),
    spaces.Box(0.1, 0.3, (2,), np.float16),
    spaces.Box(np.arange(6, dtype=np.float32).reshape(2, 3), np.full((2, 3), 7, np.float32)),
    spaces.Box(0, 255, (64, 48, 3), np.uint8),
    spaces.Box(-(2**63), 2**63 - 2, (2,), np.int64),
    spaces.Box(-128, 127, (1,), np.int8),
    spaces.Box(0, 1, (2,), np.bool_),
    spaces.Box(-1.0, 1.0, (0,)),
    spaces.Discrete(6),
    spaces.Discrete(3, start=1),
    spaces.Discrete(3, start=-2, dtype=np.int32),
    spaces.MultiDiscrete([3, 3]),
    spaces.MultiDiscrete([3, 4, 5]),
    spaces.MultiDiscrete([3, 4], start=[1, -1]),
    spaces.MultiDiscrete(np.array([[2, 3], [4, 5]]), dtype=np.int32),
    spaces.MultiBinary(5),
    spaces.MultiBinary((2, 3)),
    spaces.Dict({"b": spaces.Discrete(2), "a": spaces.Box(-1, 1, (2,))}),
    spaces.Dict(OrderedDict([("b", spaces.Discrete(2)), ("a", spaces.Box(-1, 1, (2,)))])),
    spaces.Dict({"arm": spaces.Dict({"joints": spaces.Box(-1, 1, (7,)), "open": spaces.MultiBinary(1)})}),
    spaces.Dict({}),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_space_comes_back_from_json(space):
    text = json.dumps(describe(space), allow_nan=False)
    again = build(json.loads(text))
    assert type(again) is type(space)
    assert again == space
    assert same(again, space)
    assert describe(again) == json.loads(text)
    again.seed(3)
    space.seed(3)
    assert str(again.sample()) == str(space.sample())


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_bounds_come_back_bit_for_bit(space):
    for path, leaf in leaves(space).items():
        again = leaves(build(describe(space)))[path]
        assert again.dtype == leaf.dtype
        assert again.shape == leaf.shape
        if isinstance(leaf, spaces.Box):
            assert again.low.tobytes() == leaf.low.tobytes()
            assert again.high.tobytes() == leaf.high.tobytes()


def test_different_spaces_are_told_apart():
    for row, one in enumerate(SPACES):
        for column, other in enumerate(SPACES):
            alike = {row, column} == {23, 24}  # the same Dict with its keys in another order
            assert same(one, other) == (row == column or alike), (one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            spaces.Box(np.array([-1, -2], np.float32), np.array([1, 2], np.float32)),
            spaces.Box(-2, 2, (2,), np.float32),
        ),
        (spaces.Discrete(3), spaces.Discrete(3, start=1)),
        (spaces.Discrete(3), spaces.MultiDiscrete([3])),
        (spaces.Box(0, 1, (2,), np.float32), spaces.Box(0, 1, (2,), np.float64)),
        (spaces.Box(0, 1, (2,)), spaces.Box(0, np.nextafter(np.float32(1), np.float32(2)), (2,))),
        (spaces.Box(0, np.inf, (2,)), spaces.Box(0, np.finfo(np.float32).max, (2,))),
        (spaces.MultiBinary(4), spaces.MultiBinary((2, 2))),
        (spaces.Dict({"a": spaces.Discrete(2)}), spaces.Dict({"b": spaces.Discrete(2)})),
        (spaces.Dict({"a": spaces.Discrete(2)}), spaces.Discrete(2)),
    ],
)
def test_near_misses_differ_in_json_and_in_words(one, other):
    assert not same(one, other)
    assert describe(one) != describe(other)
    if one.shape != (2,) or one.high[0] == np.inf or one.dtype != other.dtype or one.low[0] != other.low[0]:
        assert in_words(describe(one)) != in_words(describe(other))


def test_equal_bounds_are_one_number():
    description = describe(spaces.Box(0, 255, (480, 640, 3), np.uint8))
    assert description == {"type": "Box", "shape": [480, 640, 3], "dtype": "uint8", "low": 0, "high": 255}
    assert len(json.dumps(description)) < 100


def test_infinities_are_strings():
    description = describe(spaces.Box(np.array([0, -np.inf]), np.array([np.inf, np.inf]), dtype=np.float64))
    assert (description["low"], description["high"]) == ([0.0, "-inf"], "inf")


def test_minus_zero_stays():
    space = spaces.Box(np.array([0.0, -0.0]), np.array([1.0, 1.0]), dtype=np.float64)
    assert math.copysign(1, build(describe(space)).low[1]) == -1


def test_leaves_have_paths():
    arm = spaces.Dict({"joints": spaces.Box(-1, 1, (7,)), "a/b~c": spaces.Discrete(2)})
    found = leaves(spaces.Dict({"arm": arm, "z": spaces.MultiBinary(2)}))
    assert list(found) == ["arm/a~1b~0c", "arm/joints", "z"]
    assert found["arm/joints"] is arm["joints"]
    assert list(leaves(spaces.Discrete(2))) == [""]


def test_images_are_the_worlds_word():
    camera, joints = spaces.Box(0, 255, (64, 48, 3), np.uint8), spaces.Box(-1, 1, (7,))
    space = spaces.Dict({"eye": spaces.Dict({"camera": camera, "depth": camera}), "joints": joints})
    description = describe(space, images=["eye/camera"])
    assert image_paths(description) == {"eye/camera"}
    assert same(build(description), space)
    assert same(description, describe(space))
    assert image_paths(describe(camera)) == set()
    assert image_paths(describe(camera, images=[""])) == {""}
    for path in ("joints", "eye", "nose"):
        with pytest.raises(ValueError, match=path):
            describe(space, images=[path])


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Discrete(6), "Discrete(6)"),
        (spaces.Discrete(3, start=1), "Discrete(3, from 1)"),
        (spaces.MultiDiscrete([3, 4]), "MultiDiscrete([3, 4])"),
        (spaces.MultiDiscrete([3, 3], start=[1, 2]), "MultiDiscrete(2, 3, from [1, 2])"),
        (spaces.MultiBinary((2, 3)), "MultiBinary(2x3)"),
        (spaces.Box(-1, 1, (3,)), "Box(3, float32, -1 to 1)"),
        (spaces.Box(-np.inf, 0.1, ()), "Box(a number, float32, -inf to 0.1)"),
        (spaces.Box(np.array([-1, -2]), np.array([1, 2]), dtype=np.int64), "Box(2, int64, [-1, -2] to [1, 2])"),
        (
            spaces.Box(np.arange(8, dtype=np.float32), np.full(8, 9, np.float32)),
            "Box(8, float32, [8 numbers between 0 and 7] to 9)",
        ),
        (spaces.Dict({"a": spaces.Discrete(2), "b": spaces.MultiBinary(3)}), "Dict(a: Discrete(2), b: MultiBinary(3))"),
    ],
)
def test_words(space, words):
    assert in_words(describe(space)) == words


def test_an_image_says_so():
    description = describe(spaces.Box(0, 255, (64, 48, 3), np.uint8), images=[""])
    assert in_words(description) == "Box(64x48x3, uint8, 0 to 255, image)"


@pytest.mark.parametrize(
    "space", [spaces.Text(5), spaces.Tuple([spaces.Discrete(2)]), spaces.Sequence(spaces.Discrete(2))]
)
@pytest.mark.parametrize("nested", [False, True])
def test_other_spaces_are_refused_by_name(space, nested):
    with pytest.raises(UserError, match=f"{type(space).__name__} spaces are not supported"):
        describe(spaces.Dict({"a": space}) if nested else space)


def test_keys_must_be_strings():
    with pytest.raises(UserError, match="the key 1"):
        describe(spaces.Dict({1: spaces.Discrete(2)}))


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"type": "Tuple", "spaces": []},
        {"type": "Discrete", "n": 0, "start": 0, "dtype": "int64"},
        {"type": "Discrete", "n": "3", "start": 0, "dtype": "int64"},
        {"type": "Discrete", "n": 3},
        {"type": "Box", "shape": [2], "dtype": "float32", "low": [0, 1, 2], "high": 3},
        {"type": "Box", "shape": [2], "dtype": "float32", "low": "low", "high": 3},
        {"type": "Box", "shape": [2], "dtype": "object", "low": 0, "high": 3},
        {"type": "Box", "shape": [2], "dtype": "float33", "low": 0, "high": 3},
        {"type": "MultiDiscrete", "shape": [2], "dtype": "int64", "nvec": None, "start": 0},
        {"type": "Dict", "spaces": {"a": None}},
        None,
    ],
)
def test_other_descriptions_are_refused(description):
    with pytest.raises(ValueError):
        build(description)


def test_only_gymnasium_is_imported():
    code = "import srl3.spaces, sys; print(sorted({'torch', 'stable_baselines3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
