"""Things named by ``module:attribute``."""

import json

import pytest

from srl3.entry_points import load_entry


def test_attributes_are_loaded():
    assert load_entry("json:dumps") is json.dumps
    assert load_entry("json.decoder:JSONDecoder.decode") is json.JSONDecoder.decode


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ("json", ValueError),
        ("json:", ValueError),
        (":dumps", ValueError),
        ("json:nothing", AttributeError),
        ("no_such_module:dumps", ImportError),
    ],
)
def test_others_are_refused(entry, error):
    with pytest.raises(error):
        load_entry(entry)
