"""Visdom's page in a browser, with its scripts."""

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rl_baselines.runs.episodes import EpisodeBatch, EpisodeLog
from rl_baselines.tracking.visdom_plots import VisdomCallback
from rl_baselines.tracking.visdom_scripts import fetch, missing_scripts, scripts_folder, static_folder
from rl_baselines.tracking.visdom_server import VisdomServer, ensure_server

pytest.importorskip("visdom")
PATIENCE = 30_000
"""milliseconds"""


@pytest.fixture(scope="module")
def server() -> Iterator[VisdomServer]:
    """One whose page is whole."""
    static, scripts = static_folder(), scripts_folder()
    assert static is not None
    if missing_scripts(static, scripts):
        fetch(static, scripts)
    if missing := missing_scripts(static, scripts):
        pytest.skip(f"the page's scripts can't be had: {', '.join(missing)}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ensure_server(port, page_seconds=0)
    assert server is not None
    yield server
    server.stop()


def draw(server: VisdomServer, name: str, worlds: int) -> VisdomCallback:
    """A run of 40 times as many episodes as worlds, which learns to succeed."""
    rng = np.random.default_rng(0)
    log = EpisodeLog()
    callback = VisdomCallback(log, name, server)
    callback.begin()
    for step in range(1, 41):
        returns = step + rng.normal(size=worlds)
        successes = (rng.random(worlds) < step / 40).astype(np.float64)
        terms = {"target": returns + 1, "bump": -np.ones(worlds)}
        batch = EpisodeBatch(250 * worlds * step, returns, np.full(worlds, 250), successes, terms)
        log.extend(batch)
        callback.terms.note_batch(batch)
    callback.update()
    return callback


def test_the_printed_address_shows_the_newest_run_in_windows_that_one_can_tell_apart(
    chromium: Any, server: VisdomServer
) -> None:
    draw(server, "older-run", 1)
    newest = draw(server, "26-11-26_00h12_34_MobileRobotGymEnv-v0_ppo2", 64)
    page = chromium.new_page(viewport={"width": 1300, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for address in (server.address, newest.address):
        page.goto(address)
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length == 5", timeout=PATIENCE)
        assert newest.environment in page.inner_text("body")
        bars = [bar.inner_text().split("\n")[-1] for bar in page.query_selector_all(".window .bar")]
        assert sorted(bars) == [
            "Return by episode, mean of the last 40",
            "Return of the episodes that end together",
            "Return, mean of the last 100 episodes",
            "Reward by term, mean of the episodes",
            "Success and length, mean of the last 100 episodes",
        ]
        # the bar is wider than its title, so that no title is cut off
        for bar in page.query_selector_all(".window .bar"):
            assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth")
        axes = {axis.text_content() for axis in page.query_selector_all(".xtitle, .ytitle, .y2title")}
        assert {"timesteps", "episodes", "episode return", "success rate", "sum over an episode"} <= axes
        assert "episode length (steps)" in axes
    assert errors == []
    page.close()


def test_a_page_that_is_open_follows_the_training(chromium: Any, server: VisdomServer) -> None:
    log = EpisodeLog()
    callback = VisdomCallback(log, "followed-run", server)
    callback.begin()
    page = chromium.new_page()
    page.goto(callback.address)
    page.wait_for_selector("text=online", timeout=PATIENCE)
    assert page.query_selector_all(".js-plotly-plot") == []
    points = "() => (document.querySelector('.js-plotly-plot') || {data: [{x: []}]}).data[0].x.length"
    for count in (2, 3):
        while log.count < count:
            log.append(10 * (log.count + 1), 1.0, 10)
        callback.update()
        page.wait_for_function(f"({points})() == {count}", timeout=PATIENCE)
    page.close()
