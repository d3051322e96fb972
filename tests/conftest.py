"""What all tests share."""

import os
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing.util import get_temp_dir

import pytest

# a shell that runs something in the background lets it ignore Ctrl-C, and the commands under test would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def temporary_files() -> Iterator[None]:
    """What libraries leave among the temporary files (SB3 a folder for each ``learn``) goes when the tests end."""
    with (
        tempfile.TemporaryDirectory(prefix="srl3-tests-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        os.chmod(folder, 0o755)  # a PostgreSQL server runs as another user
        get_temp_dir()  # multiprocessing's own, which it removes by itself after this
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(autouse=True)
def own_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages of worlds that a test names are forgotten when it ends: others' processes would look for them."""
    monkeypatch.setenv("SRL3_ENV_PACKAGES", os.environ.get("SRL3_ENV_PACKAGES", ""))
