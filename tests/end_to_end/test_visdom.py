"""``train`` and its live plots on real visdom servers."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_baselines.runs.monitors import read_run
from rl_baselines.runs.run_folder import find_runs
from rl_baselines.tracking.visdom_server import VisdomServer, ensure_server
from tests.end_to_end.conftest import Command

pytest.importorskip("visdom")

TRAIN = (
    "--env MobileRobotGymEnv-v0 --srl-model ground_truth --num-cpu 4 --hyperparam n_steps:64 --env-kwargs max_steps:20"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def server() -> Iterator[VisdomServer]:
    server = ensure_server(free_port(), page_seconds=0)
    assert server is not None
    yield server
    server.stop()


def windows(server: VisdomServer) -> list[dict[str, Any]]:
    """All windows, read through visdom's own client."""
    from visdom import Visdom

    client = Visdom(server="http://127.0.0.1", port=server.port, use_incoming_socket=False, raise_exceptions=True)
    return list(json.loads(client.get_window_data()).values())


def test_the_three_windows_show_the_run(here: Command, tmp_path: Path, server: VisdomServer):
    done = here("train", *TRAIN.split(), "--num-timesteps", 1024, "--port", server.port, "--episode-window", 5)
    assert f"visdom (already running): http://127.0.0.1:{server.port}" in done.stdout
    (run,) = find_runs(tmp_path / "logs")
    episodes = read_run(run.path)
    assert len(episodes.returns) == 48
    raw, smoothed, by_episode = windows(server)
    title = f"MobileRobotGymEnv-v0 ground_truth ppo2 {run.path.name}"
    assert [window["title"] for window in (raw, smoothed, by_episode)] == [
        title,
        f"{title} smoothed",
        f"{title} [Episodes]",
    ]
    shown = [window["content"]["data"][0] for window in (raw, smoothed, by_episode)]
    assert shown[0]["x"] == shown[1]["x"] == np.repeat(80 * np.arange(1, 13), 4).tolist()  # 4 robots, 20 steps
    assert shown[2]["x"] == list(range(1, 49))
    np.testing.assert_allclose(shown[0]["y"], episodes.returns, atol=1e-6)
    for trace, window in ((shown[1], 100), (shown[2], 5)):
        means = [np.mean(episodes.returns[max(0, end - window) : end]) for end in range(1, 49)]
        np.testing.assert_allclose(trace["y"], means, atol=1e-6)
    assert listens(server.port), "a server that was there before is left alone"


def test_without_a_server_train_starts_its_own_and_stops_it(command: Command):
    port = free_port()
    done = command("train", *TRAIN.split(), "--num-timesteps", 256, "--port", port)
    assert f"visdom: http://127.0.0.1:{port}\n" in done.stdout
    assert "visdom is gone" not in done.stderr
    assert not listens(port)


def test_no_vis_starts_none(here: Command):
    done = here("train", *TRAIN.split(), "--num-timesteps", 256, "--no-vis")
    assert "visdom" not in done.stdout + done.stderr
