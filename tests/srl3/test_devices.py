"""The one check of a torch device."""

import pytest

from srl3.errors import UserError
from srl3.runtime.devices import check_device


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_devices_that_are_there(name: str):
    assert check_device(name) == name


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "", "cpu cpu"])
def test_devices_that_are_not(name: str):
    with pytest.raises(UserError, match=f"torch can't use the device '{name}' here; use auto or cpu"):
        check_device(name)
