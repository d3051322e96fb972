"""A small dataset."""

from pathlib import Path

import pytest

from environments.datasets.dataset import Dataset
from tests.environments.datasets.samples import write


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return write(tmp_path / "data")
