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


def windows(server: VisdomServer, environment: str) -> dict[str, dict[str, Any]]:
    """The windows of an environment, read through visdom's own client."""
    from visdom import Visdom

    client = Visdom(server="http://127.0.0.1", port=server.port, use_incoming_socket=False, raise_exceptions=True)
    return dict(json.loads(client.get_window_data(env=environment)))


def test_the_windows_show_the_run(here: Command, tmp_path: Path, server: VisdomServer):
    done = here("train", *TRAIN.split(), "--num-timesteps", 1024, "--port", server.port, "--episode-window", 5)
    (run,) = find_runs(tmp_path / "logs")
    name = f"{run.path.name}_MobileRobotGymEnv-v0_ppo2_ground_truth"
    assert f"visdom (already running): http://127.0.0.1:{server.port}/env/{name}\n" in done.stdout
    episodes = read_run(run.path)
    assert len(episodes.returns) == 48
    shown = windows(server, name)
    assert set(shown) == {"returns", "smoothed", "by_episode", "success", "reward_terms"}
    traces = {window: shown[window]["content"]["data"] for window in shown}
    steps = (80 * np.arange(1, 13)).tolist()  # 4 robots, 20 steps
    assert traces["returns"][-1]["x"] == traces["smoothed"][0]["x"] == steps
    assert traces["by_episode"][0]["x"] == list(range(1, 49))
    np.testing.assert_allclose(traces["returns"][-1]["y"], episodes.returns.reshape(12, 4).mean(1), atol=1e-6)
    for trace, window, ends in (("smoothed", 100, range(4, 49, 4)), ("by_episode", 5, range(1, 49))):
        means = [np.mean(episodes.returns[max(0, end - window) : end]) for end in ends]
        np.testing.assert_allclose(traces[trace][0]["y"], means, atol=1e-6)
    of_terms = [np.array(trace["y"]) for trace in traces["reward_terms"]]
    np.testing.assert_allclose(sum(of_terms), traces["returns"][-1]["y"], atol=1e-5)
    assert listens(server.port), "a server that was there before is left alone"


def test_without_a_server_train_starts_its_own_and_stops_it(command: Command):
    port = free_port()
    done = command("train", *TRAIN.split(), "--num-timesteps", 256, "--port", port)
    assert f"visdom: http://127.0.0.1:{port}/env/" in done.stdout
    assert "visdom is gone" not in done.stderr
    assert not listens(port)


def test_no_vis_starts_none(here: Command):
    done = here("train", *TRAIN.split(), "--num-timesteps", 256, "--no-vis")
    assert "visdom" not in done.stdout + done.stderr
