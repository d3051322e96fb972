"""The three live plots of a training, in visdom."""

import http.client
import logging
import re
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.plots.smoothing import bin_means, moving_average
from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.tracking.visdom_server import HOST, request

SMOOTHING_WINDOW = 100
"""episodes that a point of the smoothed plot is the mean of"""
MAX_POINTS = 2000
"""points of a plot; longer curves are drawn as means in bins"""
UPDATE_SECONDS = 3.0
"""time between two updates"""
MAX_UPDATE_SHARE = 0.02
"""share of the time that updates may take"""
TIMEOUT_SECONDS = 3.0
"""time that the server may take for an answer"""


class VisdomCallback(BaseCallback):
    """Draws the run's episodes into three windows of a visdom server on 127.0.0.1.

    ``<title>`` shows each return against the timesteps, ``<title> smoothed`` the mean of the last 100
    episodes, ``<title> [Episodes]`` a moving average against the number of episodes. Windows are
    named after their titles, so a resumed run goes on in its own. A server that fails or is too slow is
    warned about once, and the training goes on without plots.

    Args:
        log: the run's episodes.
        title: environment, algorithm and what else tells this run from others.
        port: where the server listens.
        episode_window: episodes of the moving average in the third window.
    """

    def __init__(self, log: EpisodeLog, title: str, port: int, episode_window: int = 40) -> None:
        super().__init__()
        self.log = log
        self.titles = (title, f"{title} smoothed", f"{title} [Episodes]")
        self.port = port
        self.episode_window = episode_window
        self._client: Any = None
        self._failed = False
        self._shown = 0
        self._next_update = 0.0

    @property
    def windows(self) -> tuple[str, str, str]:
        """Names under which visdom keeps the three windows."""
        raw, smoothed, episodes = (re.sub(r"\W+", "_", title) for title in self.titles)
        return raw, smoothed, episodes

    def update(self) -> None:
        """Draw what the log holds, unless it is drawn already or the server has failed."""
        if self._failed or self.log.count == self._shown:
            return
        try:
            if self._client is None:
                self._client = _connect(self.port)
            start = time.monotonic()
            for window, title, curve in zip(self.windows, self.titles, self._curves(), strict=True):
                self._draw(window, title, *curve)
        except (OSError, http.client.HTTPException) as error:
            self._failed = True
            reason = str(error) or type(error).__name__
            below_bar = "\n" if sys.stderr.isatty() else ""
            print(
                f"{below_bar}warning: visdom is gone ({reason}); training goes on without live plots.", file=sys.stderr
            )
            return
        self._shown = self.log.count
        took = time.monotonic() - start
        self._next_update = start + max(UPDATE_SECONDS, took / MAX_UPDATE_SHARE)

    def _on_step(self) -> bool:
        if not self._failed and time.monotonic() >= self._next_update:
            self.update()
        return True

    def _on_training_end(self) -> None:
        self.update()

    def _curves(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """Label of the x axis, x and y of each window."""
        run = self.log.arrays()
        curves = [
            ("timesteps", run.timesteps, run.returns),
            ("timesteps", run.timesteps, moving_average(run.returns, SMOOTHING_WINDOW)),
            ("episodes", np.arange(1, run.count + 1), moving_average(run.returns, self.episode_window)),
        ]
        return [(label, *bin_means(x, y, MAX_POINTS)) for label, x, y in curves]

    def _draw(self, window: str, title: str, label: str, x: np.ndarray, y: np.ndarray) -> None:
        self._client.line(
            X=x,
            Y=y,
            win=window,
            opts={
                "title": title,
                "xlabel": label,
                "ylabel": "episode return",
                "markers": len(x) < 2,
                "linecolor": np.array([[0, 114, 178]]),
            },
        )


def _connect(port: int) -> Any:
    """visdom's client, asked to be quiet, to use no proxy and to wait no longer than `TIMEOUT_SECONDS`.

    Raises:
        OSError, http.client.HTTPException: without a server that answers.
    """
    from visdom import Visdom

    class Client(Visdom):
        def _handle_post(self, url: str, data: str | None = None) -> str:
            status, text = request(port, "POST", urlsplit(url).path, data or "{}", TIMEOUT_SECONDS)
            if status != 200:
                raise ConnectionError(f"it answers with status {status}")
            return text

    logging.getLogger("visdom").setLevel(logging.ERROR)
    return Client(server=f"http://{HOST}", port=port, use_incoming_socket=False, raise_exceptions=True)
