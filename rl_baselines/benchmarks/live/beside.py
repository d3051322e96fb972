"""What the rows of ``benchmark play`` need: a training beside them, a player that is watched, a browser that looks."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rl_baselines.benchmarks.catalogue import BROWSERS
from rl_baselines.play.core.beginning import Tools, Wanted, begin
from rl_baselines.play.core.player import Player, Viewer
from rl_baselines.play.web.page import Page
from rl_baselines.play.web.server import make_server
from rl_baselines.runs.run_folder import RunFolder, find_runs
from srl3.runtime.threads import torch_threads

ANT = "AntGymEnv-v0"
TRAINING = ("--env", ANT, "--num-envs", "64", "--num-timesteps", "1e9", "--save-freq", "10000")
PORT = 8900
FLAGS = ("--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
SECONDS = 300.0
"""for which a first checkpoint or a browser is waited for"""
LOOK_SECONDS = 0.1


def browser() -> str | None:
    """The program of a browser that can look without a window; None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextlib.contextmanager
def training() -> Iterator[RunFolder]:
    """An ant's training that runs on during the block, with a checkpoint that is there already."""
    with tempfile.TemporaryDirectory() as folder:
        flags = [*TRAINING, "--no-vis", "--no-progress", "--log-dir", folder]
        process = subprocess.Popen(
            [sys.executable, "-m", "rl_baselines.train", *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: process.poll() is not None or any(run.numbered() for run in find_runs(Path(folder))))
            if process.poll() is not None:
                raise RuntimeError(f"the training ended with {process.returncode}")
            yield find_runs(Path(folder))[-1]
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def copy_of(run: RunFolder) -> Iterator[RunFolder]:
    """The run as it is now, whose ``latest.zip`` only the block writes."""
    with tempfile.TemporaryDirectory() as folder:
        copied = RunFolder(Path(folder) / run.path.name)
        copied.checkpoints.mkdir(parents=True)
        for path in (run.args, run.env_kwargs, *run.numbered()[:1], *run.monitors()):
            shutil.copy(path, copied.path / path.relative_to(run.path))
        shutil.copy(run.numbered()[0], copied.latest)
        yield copied


def write_again(run: RunFolder, waiting: Path) -> None:
    """Let ``waiting`` be the run's newest checkpoint, in one piece."""
    waiting.replace(run.latest)


def prepared(run: RunFolder) -> Path:
    """A checkpoint that is written, under another name."""
    waiting = run.path / ".prepared.zip"
    shutil.copy(run.latest, waiting)
    return waiting


@contextlib.contextmanager
def playing(run: RunFolder, robots: int, pictures: bool) -> Iterator[Player]:
    """A player of so many robots of a run, with as many threads as the command takes."""
    wanted = Wanted([str(run.path)], run.path.parent, robots=robots, pictures=pictures)
    with torch_threads(images=False), contextlib.closing(begin(wanted, Tools(lambda _: None))) as player:
        yield player


@contextlib.contextmanager
def looked_at(player: Player, fps: float) -> Iterator[Page]:
    """The player's page, in a browser; the block begins when the browser has come."""
    program = browser()
    if program is None:
        raise RuntimeError("there is no Chromium here to look at the page")
    page = Page(player, make_server(None, PORT, "benchmark"), fps)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        line = [program, *FLAGS, f"--user-data-dir={profile}", "--window-size=1000,800", page.address]
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(page.watched)
            yield page
        finally:
            process.kill()
            process.wait()
            page.close()


def turn_for(player: Player, viewer: Viewer, seconds: float, each_turn: Callable[[], object] = bool) -> None:
    """Let the player run for so long, as the command does."""
    end = time.monotonic() + seconds

    def over() -> bool:
        each_turn()
        return time.monotonic() >= end

    player.run(viewer, over)


def wait_until(done: Callable[[], object]) -> None:
    """Look again and again.

    Raises:
        TimeoutError: when it takes too long.
    """
    end = time.monotonic() + SECONDS
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("what a row needs did not come")
        time.sleep(LOOK_SECONDS)
