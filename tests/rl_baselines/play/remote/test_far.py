"""A run that one process offers is watched by another, over a link that breaks midway and comes back."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from tests.rl_baselines.play.remote.tunnel import Tunnel

SECONDS = 120.0


class Play:
    """``python -m rl_baselines.play`` with these flags, and what it prints."""

    def __init__(self, folder: Path, *flags: str) -> None:
        command = [sys.executable, "-m", "rl_baselines.play", *flags]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._came = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._came:
                self.lines.append(line)
                self._came.notify_all()

    def until(self, fits: Callable[[str], object], what: str) -> str:
        """The first line that fits."""
        with self._came:
            found = self._came.wait_for(lambda: any(fits(line) for line in self.lines), SECONDS)
            assert found, f"{what} did not come: {''.join(self.lines[-20:])}"
            return next(line for line in self.lines if fits(line))

    def event(self, kind: str, **data: object) -> None:
        def fits(line: str) -> bool:
            if not line.startswith("{"):
                return False
            event = json.loads(line)
            return event["event"] == kind and data.items() <= event.items()

        self.until(fits, f"{kind} {data}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SECONDS)


def test_a_training_elsewhere_is_followed_through_a_link_that_breaks(run, tmp_path):
    newest = run.latest.read_bytes()
    shutil.copy(run.checkpoint(100), run.latest)
    watches = tmp_path / "watches"
    watches.mkdir()
    offering = Play(run.path.parent, "--run", str(run.path), "--serve", "--token-file", str(tmp_path / "token"))
    address = offering.until(lambda line: "is offered at" in line, "the address")
    port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", address)[0])
    offering.until(lambda line: "ssh -N -L" in line, "how to come here")
    tunnel = Tunnel(port)
    flags = ("--viewer", "none", "--json", "--speed", "4", "--token-file", str(tmp_path / "token"))
    watching = Play(watches, "--run", tunnel.address, *flags)
    try:
        watching.event("loaded", trained_steps=100)
        watching.event("episode", trained_steps=100)
        tunnel.limit = tunnel.carried + len(newest) // 2
        temporary = run.path / "new.tmp"
        temporary.write_bytes(newest)
        temporary.rename(run.latest)
        watching.event("problem")
        (mirrored,) = (watches / "logs" / "mirrored").iterdir()
        assert (mirrored / "latest.zip").read_bytes() == run.checkpoint(100).read_bytes()
        assert len(list(mirrored.glob(".latest.zip.*.part"))) == 1
        tunnel.up = True
        watching.event("loaded", trained_steps=400)
        watching.event("link")
        assert (mirrored / "latest.zip").read_bytes() == newest
        assert any("Range: bytes=" in head for head in tunnel.asked)
        watching.event("episode", trained_steps=400)
        assert watching.end() == 130
        assert offering.end() == 130
    finally:
        tunnel.close()
        for each in (watching, offering):
            each.process.kill()
            each.process.wait()
