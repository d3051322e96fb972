"""Trained models below a folder, each evaluated in a process of its own."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from environments.config import flatten
from environments.flags import make_config
from rl_baselines.checkpoints.archive import read_info
from rl_baselines.checkpoints.foreign.opened import open_checkpoint
from rl_baselines.checkpoints.foreign.said import NOTHING_SAID, Said
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.runs.run_folder import RunFolder, find_runs
from rl_baselines.runs.zoo import BEST, ZooRun, find_zoo_runs
from srl3.errors import UserError
from srl3.formats.json import value_of
from srl3.runtime.processes.children import Children


@dataclass(frozen=True)
class Agent:
    """A checkpoint to evaluate."""

    checkpoint: Path
    info: CheckpointInfo

    @property
    def settings(self) -> str:
        """The representation, and what differs from the world's defaults, as ``--env-kwargs`` has it."""
        defaults = make_config(self.info.env_id, {}).flat()
        changed = [
            f"{name}:{json.dumps(value)}"
            for name, value in sorted(flatten(self.info.env_kwargs).items())
            if name not in ("env_id", "srl_model") and value != defaults.get(name)
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


def find_agents(folder: Path, *, latest: bool = False, said: Said = NOTHING_SAID) -> list[Agent]:
    """The checkpoint of each run in and below a folder: its best model, or else its latest (or the other way round).

    Args:
        folder: above runs of SRL3 or rl-zoo3.
        latest: take the latest model first.
        said: by the user, of the runs of rl-zoo3.

    Raises:
        UserError: when there is none, or one can't be read.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one with runs below it, such as logs.")
    paths = [path for run in find_runs(folder) if (path := _checkpoint(run, latest)) is not None]
    foreign = [path for run in find_zoo_runs(folder) if (path := _foreign_model(run, latest)) is not None]
    if not paths and not foreign:
        raise UserError(f"no trained model in or below {folder}; name a folder with runs below it, such as logs.")
    return [
        *(Agent(path, read_info(path)) for path in paths),
        *(Agent(path, open_checkpoint(path, said).info) for path in foreign),
    ]


def _foreign_model(run: ZooRun, latest: bool) -> Path | None:
    models = run.models()
    last = [path for path in models if path.name != BEST]
    return next(iter(last if latest and last else models), None)


def _checkpoint(run: RunFolder, latest: bool) -> Path | None:
    choice = (run.latest, run.best_model) if latest else (run.best_model, run.latest)
    return next((path for path in choice if path.is_file()), None)


def play_each(agents: Iterable[Agent], flags: Sequence[str], children: Children) -> Iterator[tuple[Agent, Score | str]]:
    """Play checkpoints with ``enjoy``, each in a process of its own.

    Args:
        agents: the checkpoints.
        flags: of ``enjoy``, besides the checkpoint.
        children: the processes.

    Yields:
        Each agent with its score, or why it has none, as they end.
    """
    futures = {children.submit(partial(_play, agent, flags, children)): agent for agent in agents}
    for future in as_completed(futures):
        yield futures[future], future.result()


def _play(agent: Agent, flags: Sequence[str], children: Children) -> Score | str:
    command = [sys.executable, "-m", "rl_baselines.enjoy", "--json", "--log-dir", str(agent.checkpoint)]
    printed = children.run([*command, *flags])
    if printed is None:
        return "not begun"
    try:
        result = value_of(printed.output.strip().splitlines()[-1])
        rate = result["success_rate"]
        info = agent.info
        return Score(str(agent.checkpoint), info.seed, info.num_timesteps, result["returns"], result["lengths"], rate)
    except (IndexError, KeyError, TypeError, ValueError):
        return printed.why
