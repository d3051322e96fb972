"""A run that is offered, and a mirror of it behind a tunnel."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rl_baselines.play.remote.client import RunClient
from rl_baselines.play.remote.mirror import Mirror, make_mirror
from rl_baselines.play.remote.offer import Offer
from rl_baselines.play.remote.server import RunServer
from rl_baselines.runs.run_folder import RunFolder
from tests.rl_baselines.play.conftest import Clock
from tests.rl_baselines.play.remote.tunnel import Tunnel


@pytest.fixture
def served(run: RunFolder, clock: Clock) -> Iterator[RunServer]:
    yield from serving(RunServer(Offer(run, clock), 0))


def serving(server: RunServer) -> Iterator[RunServer]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def tunnel(served: RunServer) -> Iterator[Tunnel]:
    tunnel = Tunnel(served.server_address[1])
    yield tunnel
    tunnel.close()


@pytest.fixture
def mirror(tunnel: Tunnel, tmp_path: Path) -> Iterator[Mirror]:
    mirror = make_mirror(RunClient(tunnel.address), tmp_path / "here")
    yield mirror
    mirror.close()


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
