"""The live plots, on real visdom servers."""

import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor

from rl_baselines.runs.episodes import EpisodeBatch, EpisodeLog
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.tracking import visdom_plots, visdom_server
from rl_baselines.tracking.visdom_plots import VisdomCallback, environment_name
from rl_baselines.tracking.visdom_server import VisdomServer, ensure_server, request
from rl_baselines.training.callbacks.episodes import EpisodeRecorder
from srl3.errors import UserError
from tests.rl_baselines.training.callbacks.toy import Toy

pytest.importorskip("visdom")
ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_gone(port: int, seconds: float = 100.0) -> None:
    deadline = time.monotonic() + seconds
    while listens(port):
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[VisdomServer]:
    server = ensure_server(free_port(), page_seconds=0)
    assert server is not None
    yield server
    server.stop()


def curve(window: dict[str, Any]) -> tuple[list[float], list[float]]:
    (trace,) = window["content"]["data"]
    return trace["x"], trace["y"]


def of(server: VisdomServer, environment: str) -> dict[str, Any]:
    """The windows of an environment."""
    status, answer = request(server.port, "POST", "/win_data", json.dumps({"eid": environment, "win": None}))
    assert status == 200
    return json.loads(answer)


def train(*callbacks: Any, steps: int = 256) -> None:
    env = Monitor(Toy())
    env.reset(seed=1)
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=64, n_epochs=1, device="cpu")
    model.learn(steps, callback=list(callbacks))


def test_the_page_is_served(server: VisdomServer) -> None:
    status, page = request(server.port, "GET", "/")
    assert status == 200
    assert "<title>visdom</title>" in page


def test_a_run_draws_into_an_environment_of_its_own(server: VisdomServer, capsys: pytest.CaptureFixture[str]) -> None:
    log = EpisodeLog()
    callback = VisdomCallback(log, "26-01-01_Toy-v0", server, episode_window=7)
    train(EpisodeRecorder(log), callback)

    assert f"visdom: {server.address}/env/26-01-01_Toy-v0\n" in capsys.readouterr().out
    assert log.count > 30
    shown = of(server, "26-01-01_Toy-v0")
    assert set(shown) == {"returns", "smoothed", "by_episode", "success"}
    assert curve(shown["returns"]) == (list(log.timesteps), list(log.returns))
    assert shown["smoothed"]["title"] == "Return, mean of the last 100 episodes"
    assert shown["by_episode"]["title"] == "Return by episode, mean of the last 7"
    assert of(server, "main") == {}


def test_the_page_opens_at_the_run_that_began_last(server: VisdomServer) -> None:
    for name in ("first-run", "second-run"):
        VisdomCallback(EpisodeLog(), name, server).begin()
        assert f"var ACTIVE_ENV = '{name}';" in request(server.port, "GET", "/")[1]
    assert "var ACTIVE_ENV = 'first-run';" in request(server.port, "GET", "/env/first-run")[1]


def test_the_name_of_an_environment_fits_into_an_address(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "26-11-26_00h12_34-mit Strg")
    assert environment_name(run, "ale/Pong-v5", "ppo2") == "26-11-26_00h12_34-mit-Strg_ale-Pong-v5_ppo2"


def test_reward_terms_of_a_batched_world_are_drawn(server: VisdomServer) -> None:
    log = EpisodeLog()
    callback = VisdomCallback(log, "terms", server)
    callback.locals = {}
    callback.model = None
    for timestep in (100, 200):
        batch = EpisodeBatch(
            timestep, np.ones(2), np.full(2, 50), np.array([0.0, 1.0]), {"target": np.array([1.0, 3.0])}
        )
        log.extend(batch)
        callback.num_timesteps = timestep
        callback.locals = {"episodes": batch}
        callback._on_step()
    callback.update()
    shown = of(server, "terms")
    (target,) = shown["reward_terms"]["content"]["data"]
    assert (target["name"], target["x"], target["y"]) == ("target", [100, 200], [2.0, 2.0])
    assert [trace["y"][-1] for trace in shown["success"]["content"]["data"]] == [0.5, 50.0]


def test_plots_follow_the_training(server: VisdomServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visdom_plots, "UPDATE_SECONDS", 0.0)
    monkeypatch.setattr(visdom_plots, "MAX_UPDATE_SHARE", 1.0)
    log = EpisodeLog()
    callback = VisdomCallback(log, "follows", server)
    callback.locals = {}
    points = []
    for _ in range(3):
        log.append(10 * (log.count + 1), 1.0, 10)
        callback._on_step()
        points.append(len(curve(of(server, "follows")["returns"])[0]))
    assert points == [1, 2, 3]


def test_updates_keep_their_distance(server: VisdomServer) -> None:
    log = EpisodeLog()
    callback = VisdomCallback(log, "apart", server)
    callback.locals = {}
    for _ in range(50):
        log.append(log.count + 1, 1.0, 1)
        callback._on_step()
    assert len(curve(of(server, "apart")["returns"])[0]) == 1
    callback._on_training_end()
    assert len(curve(of(server, "apart")["returns"])[0]) == 50


def test_a_listening_visdom_is_shared_and_left_alone(server: VisdomServer, capsys: pytest.CaptureFixture[str]) -> None:
    shared = ensure_server(server.port)
    assert shared is not None
    assert shared.process is None
    VisdomCallback(EpisodeLog(), "shared", shared).begin()
    assert f"visdom (already running): {server.address}/env/shared\n" in capsys.readouterr().out
    shared.stop()
    assert request(server.port, "GET", "/")[0] == 200


def test_ours_listens_on_this_machine_only_and_stops() -> None:
    port = free_port()
    server = ensure_server(port, page_seconds=0)
    assert server is not None
    assert server.process is not None
    # a second socket on another address of this machine is only possible if ours left that address free
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))
    assert os.getpgid(server.process.pid) != os.getpgid(0), "Ctrl-C in the terminal would reach it"
    server.stop()
    server.stop()
    assert not listens(port)


def test_our_server_lives_until_the_last_who_draws_leaves() -> None:
    port = free_port()
    first, second = ensure_server(port, page_seconds=0), ensure_server(port, page_seconds=0)
    assert first is not None
    assert first.process is not None
    assert second is not None
    assert second.process is None
    first.stop()
    assert request(port, "GET", "/")[0] == 200
    second.stop()
    assert first.process.wait(timeout=10) == 0
    assert not listens(port)


def test_our_server_outlives_the_killed_training_that_began_it_while_another_draws() -> None:
    port = free_port()
    code = f"""
        import sys
        from rl_baselines.tracking.visdom_server import ensure_server
        print(ensure_server({port}, page_seconds=0).process is None, flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as first:
        assert first.stdout.readline() == "False\n"
        with subprocess.Popen(command, cwd=ROOT, **pipes) as second:
            assert second.stdout.readline() == "True\n"
            first.kill()
            first.wait()
            third = ensure_server(port, page_seconds=0)
            assert third is not None
            assert third.process is None
            third.stop()
            assert request(port, "GET", "/")[0] == 200
            second.kill()
    wait_until_gone(port)


def test_a_port_held_by_a_plain_socket() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(UserError, match=r"is in use by something that is not visdom; pass another --port"):
            ensure_server(holder.getsockname()[1])


def test_a_port_that_is_bound_but_silent() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        with pytest.raises(UserError, match=r"is in use by something that is not visdom"):
            ensure_server(holder.getsockname()[1])


class Site(http.server.BaseHTTPRequestHandler):
    page = b"<title>My site</title>"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Login(Site):
    page = b"<title>Visdom Login</title>"


@pytest.mark.parametrize(
    ("handler", "message"), [(Site, "something that is not visdom"), (Login, "a visdom that asks for a login")]
)
def test_a_port_held_by_another_site(handler: type[Site], message: str) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        with pytest.raises(UserError, match=message):
            ensure_server(site.server_address[1])
        site.shutdown()


def test_a_server_that_dies_is_warned_about_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(visdom_plots, "UPDATE_SECONDS", 0.0)
    monkeypatch.setattr(visdom_plots, "MAX_UPDATE_SHARE", 1.0)
    monkeypatch.setattr(visdom_server.tempfile, "tempdir", str(tmp_path))
    server = ensure_server(free_port(), page_seconds=0)
    assert server is not None
    assert server.process is not None
    log = EpisodeLog()

    class KillServer(EpisodeRecorder):
        def _on_step(self) -> bool:
            if self.num_timesteps == 100:
                server.process.kill()
                server.process.wait()
            return super()._on_step()

    train(KillServer(log), VisdomCallback(log, "dies", server), steps=256)
    out, err = capsys.readouterr()
    assert log.timesteps[-1] > 200
    assert err.count("warning: visdom is gone") == 1
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in out
    server.stop()
    assert not list(tmp_path.glob("visdom-*"))


def connections(listener: socket.socket) -> int:
    """How many have connected since the last look."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


def test_a_server_that_hangs_holds_the_training_up_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(visdom_plots, "TIMEOUT_SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        log = EpisodeLog()
        callback = VisdomCallback(log, "hangs", VisdomServer(silent.getsockname()[1]))
        silent.setblocking(False)
        asked = []
        for number in range(3):
            log.append(number, 0.0, 1)
            callback.update()
            asked.append(connections(silent))
        assert asked[0] > 0
        assert asked[1:] == [0, 0]
    assert capsys.readouterr().err.count("warning: visdom is gone") == 1


def test_a_server_that_cannot_start_is_no_reason_to_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = [sys.executable, "-c", "raise SystemExit('broken')"]
    monkeypatch.setattr(visdom_server, "_spawn", lambda *_, output: subprocess.Popen(broken, stderr=output))
    assert ensure_server(free_port(), page_seconds=0) is None
    assert "visdom could not be started (broken)" in capsys.readouterr().err


def test_without_visdom_it_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(visdom_server, "static_folder", lambda: None)
    assert ensure_server(free_port()) is None
    assert capsys.readouterr().err.count("visdom is not installed") == 1


def test_a_missing_page_is_said_and_does_not_hold_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SRL3_VISDOM_SCRIPTS", str(tmp_path / "scripts"))
    slow = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (tmp_path / "index.html").write_text('<script src={{ static_url("js/a.js") }}></script>')
        visdom_server._tell_about_page(tmp_path, slow, 0.2)
        assert slow.poll() is None, "it was not waited for"
        assert "still being fetched" in capsys.readouterr().err
    finally:
        slow.kill()
        slow.wait()
    visdom_server._tell_about_page(tmp_path, slow, 0.2)
    assert "it will be bare" in capsys.readouterr().err
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text("")
    visdom_server._tell_about_page(tmp_path, None, 0.2)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_with_the_training(number: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    script = f"""
        import time
        from rl_baselines.tracking.visdom_server import ensure_server
        print(ensure_server({port}, page_seconds=0).process.pid, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert listens(port)
        assert len(list(tmp_path.glob("visdom-*"))) == 1
    finally:
        parent.send_signal(number)
        parent.communicate()
    wait_until_gone(port)
    deadline = time.monotonic() + 100
    while any(tmp_path.glob("visdom-*")):
        assert time.monotonic() < deadline, f"server {pid} left its folder behind"
        time.sleep(0.05)
