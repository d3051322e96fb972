"""The progress bar, on a terminal and in a log."""

import io
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.training.callbacks import progress
from rl_baselines.training.callbacks.progress import ProgressCallback


class Clock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def started(log: EpisodeLog, total: int, enabled: bool = True, at: int = 0) -> tuple[ProgressCallback, Any]:
    model: Any = SimpleNamespace(num_timesteps=at, logger=None, get_env=lambda: None)
    callback = ProgressCallback(log, total, enabled)
    callback.init_callback(model)
    callback.on_training_start({}, {})
    return callback, model


def run(callback: ProgressCallback, model: Any, clock: Clock, steps: int, seconds: float) -> None:
    """``steps`` single steps in ``seconds``."""
    for _ in range(steps):
        clock.now += seconds / steps
        model.num_timesteps += 1
        callback.on_step()


def log_of(*returns: float) -> EpisodeLog:
    log = EpisodeLog()
    for value in returns:
        log.append(1, value, 1)
    return log


def test_lines_in_a_log_come_every_tenth(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    callback, model = started(log_of(1.0, 2.0), 2000)
    run(callback, model, clock, 2000, 40.0)
    callback.on_training_end()
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 10
    assert "\r" not in err
    for tenth, line in enumerate(lines[:9], start=1):
        assert re.fullmatch(
            rf"[\d,]+/2,000 steps \({tenth}\d %\), 50 steps/s, 00:\d\d left, mean return 1\.50 \(last 2 episodes\)",
            line,
        )
    assert lines[0].startswith("210/2,000 steps (10 %), 50 steps/s, 00:36 left")
    assert lines[-1].startswith("2,000/2,000 steps (100 %), 50 steps/s, mean return")


def test_a_slow_training_has_a_line_every_30_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    callback, model = started(EpisodeLog(), 1_000_000)
    run(callback, model, clock, 900, 95.0)
    assert len(capsys.readouterr().err.splitlines()) == 3
    callback.on_training_end()
    callback.close()
    last = capsys.readouterr().err.splitlines()
    assert len(last) == 1
    assert last[0] == "900/1,000,000 steps (0 %), 9 steps/s, 29:17:41 left"


def test_a_quick_training_does_not_flood(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    callback, model = started(EpisodeLog(), 1000)
    run(callback, model, clock, 1000, 0.5)
    callback.on_training_end()
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_resumed_training_starts_where_it_was(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    callback, model = started(EpisodeLog(), 2000, at=1000)
    run(callback, model, clock, 500, 5.0)
    callback.on_training_end()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("1,2")
    assert "100 steps/s" in lines[0]
    assert lines[-1] == "1,500/2,000 steps (75 %), 100 steps/s, 00:05 left"


def test_switched_off_it_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    callback, model = started(EpisodeLog(), 100, enabled=False)
    run(callback, model, clock, 100, 100.0)
    callback.on_training_end()
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    callback, model = started(log_of(3.0, 4.5), 1000, at=400)
    run(callback, model, clock, 700, 7.0)
    callback.on_training_end()
    shown = re.split(r"[\r\n]+", terminal.getvalue())
    assert len(shown) <= 7 * 5 + 5
    first, last = shown[1].strip(), shown[-2].strip()
    assert first.startswith("40%|")
    assert "400/1,000 [" in first
    assert "1,100/1,100 [" in last
    assert "mean return 3.75" in last
    assert "steps/s" in last
    assert "left" in last
    assert terminal.getvalue().endswith("\n")
    length = len(terminal.getvalue())
    callback.close()
    assert len(terminal.getvalue()) == length
