"""Trained models below a folder, each evaluated in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from environments.flags import make_config
from rl_baselines.checkpoints.archive import read_info
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.runs.run_folder import RunFolder, find_runs
from srl3.errors import UserError
from srl3.formats.json import value_of

LAST_LINE = 300
"""characters of an error that are shown"""


@dataclass(frozen=True)
class Agent:
    """A checkpoint to evaluate."""

    checkpoint: Path
    info: CheckpointInfo

    @property
    def settings(self) -> str:
        """The representation, and what differs from the world's defaults, as ``--env-kwargs`` has it."""
        defaults = make_config(self.info.env_id, {}).as_dict()
        changed = [
            f"{name}:{json.dumps(value)}"
            for name, value in sorted(self.info.env_kwargs.items())
            if name not in ("env_id", "srl_model") and name in defaults and value != defaults[name]
        ]
        stack = [] if self.info.num_stack == 1 else [f"num_stack:{self.info.num_stack}"]
        return " ".join([self.info.srl_model, *changed, *stack])


@dataclass(frozen=True)
class Score:
    """What one checkpoint earned."""

    checkpoint: str
    seed: int
    steps: int
    """trained, environment steps"""
    returns: list[float]
    lengths: list[int]
    success_rate: float | None


def find_agents(folder: Path, *, latest: bool = False) -> list[Agent]:
    """The checkpoint of each run in and below a folder: its best model, or else its latest (or the other way round).

    Raises:
        UserError: when there is none, or one can't be read.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one with runs below it, such as logs.")
    paths = [path for run in find_runs(folder) if (path := _checkpoint(run, latest)) is not None]
    if not paths:
        raise UserError(f"no trained model in or below {folder}; name a folder with runs below it, such as logs.")
    return [Agent(path, read_info(path)) for path in paths]


def _checkpoint(run: RunFolder, latest: bool) -> Path | None:
    choice = (run.latest, run.best_model) if latest else (run.best_model, run.latest)
    return next((path for path in choice if path.is_file()), None)


class EvaluationProcesses:
    """Plays checkpoints with ``enjoy``, each in a process of its own; a context manager that leaves none behind.

    Args:
        flags: of ``enjoy``, besides the checkpoint.
        jobs: processes at once.
        environment: variables of the processes besides this one's.
    """

    def __init__(self, flags: Sequence[str], jobs: int, environment: Mapping[str, str]) -> None:
        self._flags = tuple(flags)
        self._environment = {**os.environ, **environment}
        self._pool = ThreadPoolExecutor(jobs)
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = Lock()
        self._over = False

    def __enter__(self) -> "EvaluationProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over = True
            for process in self._running:
                os.killpg(process.pid, signal.SIGKILL)
        self._pool.shutdown(cancel_futures=True)

    def play(self, agents: Iterable[Agent]) -> Iterator[tuple[Agent, Score | str]]:
        """Each agent with its score, or why it has none, as they end."""
        futures = {self._pool.submit(self._play, agent): agent for agent in agents}
        for future in as_completed(futures):
            yield futures[future], future.result()

    def _play(self, agent: Agent) -> Score | str:
        command = [sys.executable, "-m", "rl_baselines.enjoy", "--json", "--log-dir", str(agent.checkpoint)]
        with self._lock:
            if self._over:
                return "not begun"
            process = subprocess.Popen(
                [*command, *self._flags],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self._environment,
                start_new_session=True,
            )
            self._running.add(process)
        output, errors = process.communicate()
        with self._lock:
            self._running.discard(process)
        try:
            result = value_of(output.strip().splitlines()[-1])
            rate = result["success_rate"]
            info = agent.info
            return Score(
                str(agent.checkpoint), info.seed, info.num_timesteps, result["returns"], result["lengths"], rate
            )
        except (IndexError, KeyError, TypeError, ValueError):
            lines = [line for line in errors.strip().splitlines() if line] or [f"exit status {process.returncode}"]
            return lines[-1].removeprefix("error: ")[:LAST_LINE]
