"""The rows of ``benchmark play``."""

import importlib

import pytest

from rl_baselines import benchmark
from rl_baselines.benchmarks.catalogue import play_tasks
from rl_baselines.benchmarks.rows import Effort, Goal
from srl3.errors import UserError

pytest.importorskip("viser", reason="the extra [play] is not installed")


def test_every_promise_has_a_row():
    goals = {task.name.removeprefix("play, "): task.goal for task in play_tasks(with_browser=True)}
    assert goals == {
        "a new checkpoint acts": Goal(1, "value", at_most=True),
        "longest stop of steps while checkpoints load": Goal(50, "value", at_most=True),
        "the page is served after the command": Goal(2, "value", at_most=True),
        "the robots are sent after the command": Goal(5, "value", at_most=True),
        "4 ants in a browser, 15 pictures per second": Goal(20, "value", at_most=True),
        "16 ants in a browser": Goal(15, "value"),
        "growth of memory in 10 minutes in a browser": Goal(10, "value", at_most=True),
    }
    assert len(play_tasks(with_browser=False)) == 4
    for task in play_tasks(with_browser=True):
        module, _, name = task.function.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_without_a_browser_what_is_left_out_is_said(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="no row has 16 ants in its name"):
        benchmark.main(["play", "--only", "16 ants"])
    assert "rows of the page in a browser are left out" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(2400)  # of which ten minutes are measured
def test_checkpoints_act_and_memory_stays_flat_for_ten_minutes():
    """A minute's growth is that of caches; ten times as much would be a leak."""
    from rl_baselines.benchmarks.live.beside import browser
    from rl_baselines.benchmarks.live.rows import memory

    if browser() is None:
        pytest.skip("there is no Chromium here to look at the page")
    (measured,) = memory(Effort(repeats=1))
    assert measured.details["loads"] > 30
    assert measured.value < 20
