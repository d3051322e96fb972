"""One short training for all tests of this folder, and players that tests turn by hand."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rl_baselines import train
from rl_baselines.play.core.beginning import Tools, Wanted, begin
from rl_baselines.play.core.events import Event
from rl_baselines.play.core.player import Player
from rl_baselines.runs.run_folder import RunFolder, find_runs
from tests.rl_baselines.conftest import MOBILE, SMALL

DEADLINE = 30.0
SECONDS = 90.0
"""patience with a page"""


class Visit:
    """What a visitor does in a page of play."""

    tab: Any

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Wait until ``done()``."""
        for _ in range(round(SECONDS / 0.1)):
            if done():
                return
            self.tab.wait_for_timeout(100)
        raise AssertionError(f"it did not happen: {what}")

    def click(self, name: str) -> None:
        self.tab.get_by_role("button", name=name, exact=True).click(timeout=SECONDS * 1000)

    def choose(self, label: str, option: str) -> None:
        self.tab.get_by_label(label, exact=True).click(timeout=SECONDS * 1000)
        self.tab.get_by_role("option", name=option).first.click(timeout=SECONDS * 1000)

    def says(self, text: str) -> bool:
        return text in self.tab.inner_text("body")


class Clock:
    """Seconds that pass when a test says so, or when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Watching:
    """A viewer that remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.looks = True

    def watched(self) -> bool:
        return self.looks

    def show(self, player: Player, now: float) -> None:
        pass

    def event(self, player: Player, event: Event) -> None:
        self.events.append(event)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events if event.kind != "episode"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A training of 400 steps of ppo2 with three checkpoints on the way; tests leave it as it is."""
    logs = tmp_path_factory.mktemp("trained") / "logs"
    flags = [*MOBILE, *SMALL, "--save-freq", "100", "--no-vis", "--no-progress", "--log-dir", str(logs)]
    assert train.main(["--algo", "ppo2", *flags]) == 0
    return find_runs(logs)[-1]


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the training that a test may change."""
    path = tmp_path / "logs" / "robot_1"
    shutil.copytree(trained.path, path)
    return RunFolder(path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Play = Callable[..., Player]


@pytest.fixture
def play(tmp_path: Path, clock: Clock) -> Iterator[Play]:
    """``play(run, "random", robots=2)`` gives a player of these slots, closed when the test ends."""
    players = []

    def make(*specs: object, **settings: object) -> Player:
        names = [str(spec.path) if isinstance(spec, RunFolder) else str(spec) for spec in specs]
        wanted = Wanted(names, tmp_path / "logs", **settings)  # type: ignore[arg-type]
        players.append(begin(wanted, Tools(lambda line: None, clock, clock.sleep)))
        return players[-1]

    yield make
    for player in players:
        player.close()


def turn_until(player: Player, viewer: Watching, clock: Clock, done: Callable[[], bool]) -> None:
    """Turns, a twentieth of a second apart by the test's clock, with real time for the loader's thread."""
    for _ in range(round(DEADLINE / 0.05)):
        player.turn(viewer)
        if done():
            return
        player.loader.wait(0.05)
        clock.sleep(0.05)
    raise AssertionError(f"it did not happen; slots say {[slot.problem for slot in player.slots]}")


def saying(path: Path, **changes: object) -> Path:
    """Let a checkpoint say something else of itself."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "srl3/info.json":
                content = json.dumps({**json.loads(content), **changes}).encode()
            new.writestr(name, content)
    path.write_bytes(target.getvalue())
    return path
