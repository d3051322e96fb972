"""Mirrors a training into a tracking service, without making it wait for the service or fail with it."""

import queue
import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter

from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.tracking.trackers import Tracker, start_tracker

MIRROR_SECONDS = 60.0
"""time between two copies of ``best_model.zip``"""
LAST_SECONDS = 120.0
"""longest time that the end of a training waits for the service"""


class Tracking:
    """A tracker in a thread of its own; its first failure is told in one warning, and ends it.

    Args:
        name: of the service, for the warning.
        run: the run folder.
        tracker: a run of the service.
        last_seconds: longest time that `finish` waits.
    """

    def __init__(self, name: str, run: RunFolder, tracker: Tracker, last_seconds: float = LAST_SECONDS) -> None:
        self._name = name
        self._run = run
        self._tracker = tracker
        self._last_seconds = last_seconds
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._failed = False
        self._finished = False
        self._copied: dict[Path, int] = {}
        self._next_mirror = time.monotonic() + MIRROR_SECONDS
        self._thread = threading.Thread(target=self._do, name=f"tracking by {name}", daemon=True)
        self._thread.start()

    @property
    def where(self) -> str:
        """What to do to see it."""
        return self._tracker.where

    def scalars(self, values: Mapping[str, float], timesteps: int) -> None:
        """Note numbers after so many timesteps."""
        self._submit(lambda: self._tracker.scalars(values, timesteps))

    def mirror(self, *, at_end: bool = False) -> None:
        """Copy new numbered checkpoints and films and, once a minute and at the end, ``best_model.zip``.

        At the end also ``latest.zip`` and the learning curve.
        """
        run = self._run
        paths = [*sorted(run.checkpoints.glob("*.zip")), *sorted(run.videos.glob("[!.]*.mp4"))]
        if at_end:
            paths += [run.learning_curve, run.latest]
        if at_end or time.monotonic() >= self._next_mirror:
            self._next_mirror = time.monotonic() + MIRROR_SECONDS
            paths.append(run.best_model)
        for path in paths:
            if path.is_file() and self._copied.get(path) != path.stat().st_mtime_ns:
                self._copied[path] = path.stat().st_mtime_ns
                self._submit(lambda path=path: self._tracker.file(path))  # type: ignore[misc]

    def finish(self, exit_status: int) -> None:
        """Copy what there is at the end and end the run; a second call does nothing."""
        if self._finished:
            return
        self._finished = True
        self.mirror(at_end=True)
        self._submit(lambda: self._tracker.finish(exit_status))
        self._work.put(None)
        self._thread.join(self._last_seconds)
        if self._thread.is_alive() and not self._failed:
            self._give_up(f"it did not answer for {self._last_seconds:.0f} s")

    def _submit(self, work: Callable[[], None]) -> None:
        if not self._failed:
            self._work.put(work)

    def _do(self) -> None:
        while (work := self._work.get()) is not None:
            if self._failed:
                continue
            try:
                work()
            except Exception as error:  # whatever the service's client raises: the training is worth more
                said = str(error).strip()
                self._give_up(said.splitlines()[0] if said else type(error).__name__)

    def _give_up(self, reason: str) -> None:
        self._failed = True
        print(f"warning: tracking by {self._name} ends here ({reason}); the training goes on.", file=sys.stderr)


def start_tracking(name: str, run: RunFolder, config: Mapping[str, Any]) -> Tracking:
    """Begin to track a training; leaves the global random generators as they are.

    Raises:
        UserError: when the service does not let it begin.
    """
    python, numpy = random.getstate(), np.random.get_state()
    try:
        tracking = Tracking(name, run, start_tracker(name, run, config))
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
    print(f"tracked by {name}: {tracking.where}", flush=True)
    return tracking


class TrackingCallback(BaseCallback):
    """Hands the scalars that SB3 logs, and checkpoints, to a `Tracking`.

    Args:
        tracking: where they go.
    """

    def __init__(self, tracking: Tracking) -> None:
        super().__init__()
        self.tracking = tracking

    def _on_training_start(self) -> None:
        self.model.logger.output_formats.append(_Scalars(self.tracking))

    def _on_rollout_start(self) -> None:
        self.tracking.mirror()

    def _on_step(self) -> bool:
        return True


class _Scalars(KVWriter):
    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        numbers = {
            name: float(value)
            for name, value in key_values.items()
            if isinstance(value, int | float | np.number) and not isinstance(value, bool)
        }
        if numbers:
            self.tracking.scalars(numbers, step)
