"""The progress bar of a training."""

import sys
import time
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.runs.episodes import EpisodeLog
from srl3.runtime.progress import LINE_SECONDS, LINE_SHARE, duration_in_words, terminal_bar

BAR_SECONDS = 0.2
"""time between two updates of the bar"""
_LINE_SECONDS_APART = 1.0


class ProgressCallback(BaseCallback):
    """Steps, steps/s, time left and the mean return of the last 100 episodes, on stderr.

    A bar on a terminal; elsewhere a line every 10 % or 30 s, so that a log file stays readable.

    Args:
        log: the run's episodes.
        total_timesteps: steps of the whole training, those before a resumption included.
        enabled: False shows nothing.
    """

    def __init__(self, log: EpisodeLog, total_timesteps: int, enabled: bool = True) -> None:
        super().__init__()
        self.log = log
        self.total_timesteps = total_timesteps
        self.enabled = enabled
        self._bar: Any = None
        self._running = False
        self._next_update = 0.0
        self._start_time = 0.0
        self._start_step = 0
        self._line_time = 0.0
        self._line_step = 0

    def _on_training_start(self) -> None:
        if not self.enabled:
            return
        now = time.monotonic()
        self._running = True
        self._start_time = self._line_time = now
        self._start_step = self._line_step = self.num_timesteps
        self._next_update = now
        layout = "{percentage:3.0f}%|{bar}| {n:,}/{total:,} [{rate_fmt}, {remaining} left{postfix}]"
        self._bar = terminal_bar(self.total_timesteps, layout, initial=self._start_step, unit=" steps")

    def _on_step(self) -> bool:
        if self._running:
            now = time.monotonic()
            if now >= self._next_update:
                self._next_update = now + BAR_SECONDS
                self._show(now)
        return True

    def _on_training_end(self) -> None:
        self.close()

    def close(self) -> None:
        """Show where the training ended and leave the line; a second call does nothing."""
        if not self._running:
            return
        self._running = False
        if self._bar is not None:
            self._show(time.monotonic())
            self._bar.close()
            self._bar = None
        elif self.num_timesteps > self._line_step:
            self._print_line(time.monotonic())

    def _show(self, now: float) -> None:
        if self._bar is not None:
            self._bar.total = max(self.total_timesteps, self.num_timesteps)
            mean = self.log.mean_return()
            if mean is not None:
                self._bar.set_postfix_str(f"mean return {mean:.2f}", refresh=False)
            self._bar.update(self.num_timesteps - self._bar.n)
            return
        waited = now - self._line_time
        share = LINE_SHARE * self.total_timesteps
        passed_a_tenth = self.num_timesteps // share > self._line_step // share
        if waited >= LINE_SECONDS or (passed_a_tenth and waited >= _LINE_SECONDS_APART):
            self._print_line(now)

    def _print_line(self, now: float) -> None:
        self._line_time, self._line_step = now, self.num_timesteps
        rate = (self.num_timesteps - self._start_step) / max(now - self._start_time, 1e-9)
        total = max(self.total_timesteps, self.num_timesteps)
        parts = [
            f"{self.num_timesteps:,}/{total:,} steps ({100 * self.num_timesteps / total:.0f} %)",
            f"{rate:,.0f} steps/s",
        ]
        if total > self.num_timesteps and rate > 0:
            parts.append(f"{duration_in_words((total - self.num_timesteps) / rate)} left")
        mean = self.log.mean_return()
        if mean is not None:
            parts.append(f"mean return {mean:.2f} (last {min(self.log.count, 100)} episodes)")
        print(", ".join(parts), file=sys.stderr, flush=True)
