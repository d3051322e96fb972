"""Films of a training, made by a process of its own from checkpoints, so that the training does not wait for them."""

import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.checkpoints.checkpoint import CheckpointInfo, save_checkpoint
from rl_baselines.runs.run_folder import RunFolder

LAST_SECONDS = 600.0
"""longest time that the end of a training waits for a film"""


@dataclass(frozen=True)
class _Order:
    checkpoint: Path
    target: Path
    seed: int
    passing: bool
    """the checkpoint was written for this film alone, and goes with it"""


class Films:
    """One film after the other, each by a process. A context manager: at its end a film in the making is given up.

    Args:
        run: whose ``videos/`` they go to.
        length: steps of each.
        seed: of the worlds.
    """

    def __init__(self, run: RunFolder, length: int, seed: int) -> None:
        self._run = run
        self._length = length
        self._seed = seed
        self._waiting: deque[_Order] = deque()
        self._order: _Order | None = None
        self._process: subprocess.Popen[str] | None = None
        self._failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        for order in [*([self._order] if self._order else []), *self._waiting]:
            _clear(order)

    def film_model(self, model: BaseAlgorithm, info: CheckpointInfo) -> None:
        """Film a model as it is now, after the film in the making; one that still waited gives its place up."""
        self._run.videos.mkdir(exist_ok=True)
        while self._waiting:
            _clear(self._waiting.popleft())
        snapshot = self._run.videos / f".step_{model.num_timesteps}.zip"
        save_checkpoint(snapshot, model, info)
        target = self._run.videos / f"step_{model.num_timesteps}.mp4"
        self._waiting.append(_Order(snapshot, target, self._seed, passing=True))
        self.look()

    def film_last(self, count: int) -> None:
        """Film the run's ``latest.zip`` so many times, each from another start, and wait for all films."""
        if count:
            self._run.videos.mkdir(exist_ok=True)
        for number in range(1, count + 1):
            target = self._run.videos / f"final_{number}.mp4"
            self._waiting.append(_Order(self._run.latest, target, self._seed + number, passing=False))
        self.look()
        while self._process is not None:
            try:
                self._process.wait(LAST_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self.look()

    def look(self) -> None:
        """Begin the next film where the one before is done."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            _, said = self._process.communicate()
            if self._process.returncode and not self._failed:
                self._failed = True
                reason = said.strip().splitlines()[-1] if said.strip() else f"exit status {self._process.returncode}"
                print(f"warning: no film ({reason.removeprefix('error: ')})", file=sys.stderr, flush=True)
            assert self._order is not None
            _clear(self._order)
            self._process = self._order = None
        if self._waiting:
            self._order = order = self._waiting.popleft()
            command = [sys.executable, "-m", "rl_baselines.acting.film", str(order.checkpoint), str(order.target)]
            command += ["--length", str(self._length), "--seed", str(order.seed)]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for the training
            )


class FilmCallback(BaseCallback):
    """Has a film made every so many steps, between rollouts.

    Args:
        films: makes them.
        info: of the checkpoints.
        interval: training steps between two films; 0 makes none.
    """

    def __init__(self, films: Films, info: CheckpointInfo, interval: int) -> None:
        super().__init__()
        self._films = films
        self._info = info
        self._interval = interval
        self._next = 0

    def _on_training_start(self) -> None:
        self._next = (self.model.num_timesteps // self._interval + 1) * self._interval if self._interval else 0

    def _on_rollout_start(self) -> None:
        self._films.look()
        if self._interval and self.model.num_timesteps >= self._next:
            self._next = (self.model.num_timesteps // self._interval + 1) * self._interval
            self._films.film_model(self.model, self._info)

    def _on_step(self) -> bool:
        return True


def _clear(order: _Order) -> None:
    if order.passing:
        order.checkpoint.unlink(missing_ok=True)
