"""What a search says while it runs: a line for each trial, and a bar over all of them with the time left."""

import sys
import time
from dataclasses import dataclass
from typing import Protocol

from srl3.runtime.progress import duration_in_words, terminal_bar

SHOWN_STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class TrialEnd:
    """A trial that ended.

    Args:
        number: its number in the study.
        state: name of Optuna's state.
        value: mean return at its end, or where it was pruned.
        reason: why it failed or was cut short.
        seconds: from its beginning to its end.
        finished: how many trials of the study have finished, all workers together.
        best: mean return and number of the study's best trial so far.
    """

    number: int
    state: str
    value: float | None
    reason: str | None
    seconds: float
    finished: int
    best: tuple[float, int] | None


class Listener(Protocol):
    """Who is told how a search goes."""

    def trial_ended(self, end: TrialEnd) -> None: ...

    def trial_goes_on(self, share: float) -> None:
        """``share`` of a trial's training is done."""

    def note(self, text: str) -> None:
        """Something happened that the user wants to know."""


class SearchProgress:
    """A line on stderr for each trial; beneath them a bar, on a terminal.

    Args:
        n_trials: of the whole study.
        n_finished: of them, before this command.
        n_jobs: workers of this command.
        enabled: False shows notes alone.
    """

    def __init__(self, n_trials: int, n_finished: int, n_jobs: int, enabled: bool) -> None:
        self.n_trials = n_trials
        self.n_before = n_finished
        self.n_jobs = n_jobs
        self.enabled = enabled
        self._finished = n_finished
        self._start = time.monotonic()
        layout = "{percentage:3.0f}%|{bar}| {n:.1f}/{total} trials [{elapsed}, {remaining} left{postfix}]"
        self._bar = terminal_bar(n_trials, layout, initial=n_finished) if enabled else None

    def trial_ended(self, end: TrialEnd) -> None:
        self._finished = max(self._finished, end.finished)
        if not self.enabled:
            return
        what = SHOWN_STATES[end.state] + (f": {end.reason}" if end.reason and end.state != "PRUNED" else "")
        earned = "" if end.value is None else f"mean return {end.value:.2f}, "
        best = "" if end.best is None else f"; best {end.best[0]:.2f} (trial {end.best[1]})"
        line = f"trial {end.number}: {earned}{what}, {end.seconds:.1f} s{best}"
        if self._bar is None:
            self._say(f"{line}; {self._finished}/{self.n_trials} trials{self._left()}")
            return
        self._say(line)
        if end.best is not None:
            self._bar.set_postfix_str(f"best {end.best[0]:.2f}", refresh=False)
        self._move(float(self._finished))

    def trial_goes_on(self, share: float) -> None:
        if self._bar is not None and self.n_jobs == 1:
            self._move(min(self._finished + share, self.n_trials))

    def note(self, text: str) -> None:
        self._say(text)

    def close(self) -> None:
        """Leave the line of the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _move(self, done: float) -> None:
        assert self._bar is not None
        self._bar.update(done - self._bar.n)
        self._bar.refresh()

    def _say(self, line: str) -> None:
        if self._bar is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._bar.write(line, file=sys.stderr)

    def _left(self) -> str:
        """Time that the other trials will take, as long as these did."""
        done, waiting = self._finished - self.n_before, self.n_trials - self._finished
        if done < 1 or waiting < 1:
            return ""
        seconds = (time.monotonic() - self._start) / done * waiting
        return f", {duration_in_words(seconds)} left"
