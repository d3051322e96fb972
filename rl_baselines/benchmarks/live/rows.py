"""Measures a policy that is watched: how soon checkpoints act, what steps are held up by, what the page takes."""

import statistics
import subprocess
import sys
import time
import urllib.request

import viser
from websockets import Origin, Subprotocol
from websockets.sync.client import connect

from rl_baselines.benchmarks.live.beside import (
    PORT,
    copy_of,
    looked_at,
    playing,
    prepared,
    training,
    turn_for,
    wait_until,
    write_again,
)
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import peak_memory, resident_memory
from rl_baselines.play.core.events import Event
from rl_baselines.play.core.player import Player
from rl_baselines.play.loopback import HOST, free_port
from rl_baselines.play.web.page import Page
from rl_baselines.runs.run_folder import RunFolder

ROBOTS = 4
WARM_SECONDS = 5.0
MESSAGE_SECONDS = 120.0
ROBOTS_BYTES = 50_000
"""of the messages to a page that has robots; one that waits for them gets less than a thousand"""


class _Loads:
    """A viewer that writes a new checkpoint as soon as the last one acts and a second has passed.

    Args:
        run: whose.
        shown: a page that shows what happens; None: nothing is drawn, and it looks all the time.
    """

    def __init__(self, run: RunFolder, shown: Page | None = None) -> None:
        self.seconds: list[float] = []
        self.stops: list[float] = []
        self.writes = True
        self.run = run
        self._shown = shown
        self._written: float | None = None
        self._next = 0.0
        self._before: float | None = None

    def watched(self) -> bool:
        return self._shown is None or self._shown.watched()

    def show(self, player: Player, now: float) -> None:
        if self._shown is not None:
            self._shown.show(player, now)

    def event(self, player: Player, event: Event) -> None:
        if self._shown is not None:
            self._shown.event(player, event)
        if event.kind == "loaded" and self._written is not None:
            self.seconds.append(time.monotonic() - self._written)
            self._written, self._next = None, time.monotonic() + 1.0

    def close(self) -> None:
        """Nothing is open."""

    def each_turn(self) -> None:
        if self.writes and self._written is None and time.monotonic() >= self._next:
            write_again(self.run, prepared(self.run))
            self._written = time.monotonic()

    def stepped(self, period: float) -> None:
        now = time.monotonic()
        if self._before is not None:
            self.stops.append(max(0.0, now - self._before - period))
        self._before = now


def new_checkpoint(effort: Effort, what: str) -> list[Measured]:
    """Checkpoints that are written while four ants are stepped in real time, beside a training.

    Args:
        effort: how much.
        what: ``acts``: seconds until a new one acts, the median; ``stop``: the longest time without a step that was
            due, in ms, with the longest of as much time without loading beside it.
    """
    seconds = effort.count(10, least=3)
    found: list[float] = []
    stops: list[float] = []
    quiet: list[float] = []
    with training() as trained, copy_of(trained) as run, playing(run, ROBOTS, pictures=False) as player:
        loads = _Loads(run)
        player.after_step.append(lambda _: loads.stepped(player.pace.period))
        for _ in range(effort.repeats):
            for writes, longest in ((True, stops), (False, quiet)):
                loads.writes = writes
                turn_for(player, loads, 1.0, loads.each_turn)
                loads.stops.clear()
                turn_for(player, loads, seconds, loads.each_turn)
                longest.append(1000 * max(loads.stops))
            found += loads.seconds
            loads.seconds = []
    if what == "acts":
        details = {"longest": max(found), "loads": float(len(found))}
        return [Measured(statistics.median(found), "s", memory=peak_memory(), details=details)]
    without = statistics.median(quiet)
    value = statistics.median(stops)
    return [Measured(value, "ms", value / without, peak_memory(), details={"without_loading": without})]


def page(effort: Effort, what: str) -> list[Measured]:
    """The page in a browser, beside a training.

    Args:
        effort: how much.
        what: ``share``: per cent of a core that play takes with four ants at 15 pictures per second; ``pictures``: per
            second, of sixteen ants, of 20 that are asked for.
    """
    robots = ROBOTS if what == "share" else 16
    seconds = effort.count(20, least=5)
    shares, rates = [], []
    with (
        training() as trained,
        copy_of(trained) as run,
        playing(run, robots, pictures=True) as player,
        looked_at(player, 15.0 if what == "share" else 20.0) as shown,
    ):
        turn_for(player, shown, WARM_SECONDS)
        for _ in range(effort.repeats):
            start, before, processor = time.monotonic(), shown.pictures, time.process_time()
            turn_for(player, shown, seconds)
            passed = time.monotonic() - start
            shares.append(100 * (time.process_time() - processor) / passed)
            rates.append((shown.pictures - before) / passed)
    details = {"pictures_per_second": statistics.median(rates), "share_of_a_core": statistics.median(shares)}
    if what == "share":
        return [Measured(statistics.median(shares), "% of a core", memory=peak_memory(), details=details)]
    return [Measured(statistics.median(rates), "pictures/s", memory=peak_memory(), details=details)]


def beginning(effort: Effort, what: str) -> list[Measured]:
    """Seconds from the command on, beside a training.

    Args:
        effort: how much.
        what: ``page``: until the page is served; ``picture``: until the robots are sent to who looks at it.
    """
    taken = []
    with training() as trained, copy_of(trained) as run:
        for _ in range(effort.repeats):
            port = free_port(None, PORT)
            start = time.monotonic()
            line = [sys.executable, "-m", "rl_baselines.play", "--run", str(run.path), "--port", str(port)]
            process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: _is_served(port))  # noqa: B023
                if what == "picture":
                    _first_picture(port)
                taken.append(time.monotonic() - start)
            finally:
                process.terminate()
                process.wait()
    return [Measured(statistics.median(taken), "s", details={"longest": max(taken)})]


def memory(effort: Effort) -> list[Measured]:
    """MiB by which a play grows in ten minutes, with a new checkpoint each second and a browser that looks."""
    seconds = effort.count(600)
    with (
        training() as trained,
        copy_of(trained) as run,
        playing(run, ROBOTS, pictures=True) as player,
        looked_at(player, 15.0) as shown,
    ):
        loads = _Loads(run, shown)
        turn_for(player, loads, 0.2 * seconds, loads.each_turn)
        before = resident_memory()
        turn_for(player, loads, 0.8 * seconds, loads.each_turn)
        grown = resident_memory() - before
    details = {"seconds": float(seconds), "loads": float(len(loads.seconds))}
    return [Measured(grown, "MiB", memory=peak_memory(), details=details)]


def _is_served(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _first_picture(port: int) -> None:
    """Look at a page until robots come."""
    address, kind = f"{HOST}:{port}", Subprotocol(f"viser-v{viser.__version__}")
    received, end = 0, time.monotonic() + MESSAGE_SECONDS
    with connect(f"ws://{address}", origin=Origin(f"http://{address}"), subprotocols=[kind], max_size=None) as link:
        while received < ROBOTS_BYTES:
            received += len(link.recv(timeout=max(0.1, end - time.monotonic()), decode=False))
