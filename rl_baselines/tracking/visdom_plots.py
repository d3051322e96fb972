"""The live plots of a training, in visdom."""

import http.client
import json
import re
import sys
import time
from typing import Any
from urllib.parse import quote

from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.runs.episodes import EpisodeBatch, EpisodeLog
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.tracking.reward_terms import RewardTerms
from rl_baselines.tracking.visdom_server import VisdomServer, request
from rl_baselines.tracking.visdom_windows import Window, episode_windows, terms_window

UPDATE_SECONDS = 3.0
"""time between two updates"""
MAX_UPDATE_SHARE = 0.02
"""share of the time that updates may take"""
TIMEOUT_SECONDS = 3.0
"""time that the server may take for an answer"""


def environment_name(run: RunFolder, *settings: str) -> str:
    """What visdom calls the environment of a run: its folder and some settings, in letters that an address may hold."""
    return re.sub(r"[^\w.-]+", "-", "_".join([run.path.name, *settings]))


class VisdomCallback(BaseCallback):
    """Draws the run's episodes into an environment of its own on a visdom server on 127.0.0.1.

    The windows are those of `rl_baselines.tracking.visdom_windows`. A resumed run goes on in its own. A server that
    fails or is too slow is warned about once, and the training goes on without plots.

    Args:
        log: the run's episodes.
        environment: what visdom calls the run, `environment_name`.
        server: where they are drawn.
        episode_window: episodes of the moving average against the number of episodes.
    """

    def __init__(self, log: EpisodeLog, environment: str, server: VisdomServer, episode_window: int = 40) -> None:
        super().__init__()
        self.log = log
        self.environment = environment
        self.server = server
        self.episode_window = episode_window
        self.terms = RewardTerms()
        self._failed = False
        self._shown = 0
        self._next_update = 0.0

    @property
    def address(self) -> str:
        """What to open in a browser to see this run."""
        return f"{self.server.address}/env/{quote(self.environment)}"

    def begin(self) -> None:
        """Make the run's environment, so that its address opens it, and print the address."""
        if self._sent(f"/env/{quote(self.environment)}", {"eid": self.environment}):
            print(f"visdom{'' if self.server.is_ours else ' (already running)'}: {self.address}", flush=True)

    def update(self) -> None:
        """Draw what the log holds, unless it is drawn already or the server has failed."""
        if self._failed or self.log.count == self._shown:
            return
        start = time.monotonic()
        if not all(self._sent("/events", window.message(self.environment)) for window in self._windows()):
            return
        self._shown = self.log.count
        took = time.monotonic() - start
        self._next_update = start + max(UPDATE_SECONDS, took / MAX_UPDATE_SHARE)

    def _on_training_start(self) -> None:
        self.begin()

    def _on_step(self) -> bool:
        if self._failed:
            return True
        episodes = self.locals.get("episodes")
        if isinstance(episodes, EpisodeBatch):
            self.terms.note_batch(episodes)
        elif "infos" in self.locals:
            self.terms.note_step(self.num_timesteps, self.locals["infos"], self.locals["dones"])
        if time.monotonic() >= self._next_update:
            self.update()
        return True

    def _on_training_end(self) -> None:
        self.update()

    def _windows(self) -> list[Window]:
        windows = episode_windows(self.log.arrays(), self.episode_window)
        return [*windows, terms_window(*self.terms.curves())] if self.terms.count else windows

    def _sent(self, path: str, message: dict[str, Any]) -> bool:
        """Whether the server took this; the first time that it does not is told."""
        if self._failed:
            return False
        try:
            status, _ = request(self.server.port, "POST", path, json.dumps(message, allow_nan=False), TIMEOUT_SECONDS)
            if status != 200:
                raise ConnectionError(f"it answers with status {status}")
        except (OSError, http.client.HTTPException) as error:
            self._failed = True
            reason = str(error) or type(error).__name__
            below_bar = "\n" if sys.stderr.isatty() else ""
            print(
                f"{below_bar}warning: visdom is gone ({reason}); training goes on without live plots.", file=sys.stderr
            )
        return not self._failed
