"""Trees of plain values and arrays."""

import math

import numpy as np
import pytest

from srl3.tree import pack, unpack


def test_values_come_back_exactly():
    rng = np.random.default_rng(0)
    rng.random()
    tree = {
        "rng": rng.bit_generator.state,
        "floats": [0.1, 1e-300, -math.inf],
        "nested": {"array": np.arange(6, dtype=np.float32).reshape(2, 3), "none": None, "flag": True},
        "tuple": (1, "two"),
        "scalar": np.float64(0.3),
    }
    back = unpack(*pack(tree))
    assert back["rng"] == tree["rng"]
    assert back["floats"] == tree["floats"]
    assert back["nested"]["array"].dtype == np.float32
    assert np.array_equal(back["nested"]["array"], tree["nested"]["array"])
    assert back["tuple"] == [1, "two"]
    assert back["scalar"] == 0.3


@pytest.mark.parametrize("value", [object(), {1: "a"}, np.array([object()])])
def test_other_things_are_refused(value):
    with pytest.raises(TypeError):
        pack({"value": value})
