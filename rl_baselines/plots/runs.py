"""The runs below some folders, ours and those of other tools: their flags and their episodes."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_baselines.plots.foreign import ForeignRun, find_foreign_runs
from rl_baselines.runs.monitors import Episodes, OnDamage, read_run, refuse
from rl_baselines.runs.run_folder import RunFolder, find_runs
from srl3.errors import UserError
from srl3.runtime.progress import Progress

_SHOWN = 3
"""paths in a sentence that names several"""


@dataclass(frozen=True)
class Run:
    """A run with at least one episode."""

    path: Path
    arguments: dict[str, Any]
    """every flag as used"""
    episodes: Episodes

    @property
    def env(self) -> str:
        """Key of ``registered_env``."""
        return str(self.arguments["env"])

    @property
    def seed(self) -> int:
        """Seed of the training."""
        return int(self.arguments["seed"])

    @property
    def steps(self) -> int:
        """Environment steps done when the last episode ended."""
        return int(self.episodes.timesteps[-1])

    def reached(self, timestep: int) -> bool:
        """Whether the run has come so far, or is in the episodes that lead there: they show when they end."""
        if self.steps >= timestep:
            return True
        config = RunFolder(self.path).train_config
        settings = RunFolder(self.path).read_yaml(config) if config.is_file() else {}
        n_envs = int(settings.get("n_envs", {}).get("value", 1))
        return self.steps + n_envs * int(self.episodes.lengths.max()) >= timestep


def note(sentence: str) -> None:
    """Say on stderr what a figure or table leaves out."""
    print(f"note: {sentence}", file=sys.stderr)


def load_runs(
    folders: Sequence[Path],
    *,
    min_timestep: int = 0,
    on_damage: OnDamage = refuse,
    say: Callable[[str], None] = note,
) -> list[Run]:
    """The runs in and below ``folders``, oldest first; those without an episode are named and left out.

    Args:
        folders: run folders, or folders above them; of SRL3, or with monitor files of Stable-Baselines3 or rl-zoo3.
        min_timestep: runs with fewer steps are named and left out too.
        on_damage: what becomes of a damaged line, see `rl_baselines.runs.monitors.read_monitor`.
        say: takes the sentences that name them.

    Raises:
        UserError: for a folder that is not there, and where no run is left.
    """
    found: dict[Path, RunFolder | ForeignRun] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"there is no folder {folder}; name a run folder, or one above runs.")
        found |= {run.path.resolve(): run for run in find_runs(folder)}
        found |= {run.path.resolve(): run for run in find_foreign_runs(folder) if run.path.resolve() not in found}
    where = ", ".join(map(str, folders))
    if not found:
        raise UserError(f"there is no run in {where}; train one with python -m rl_baselines.train.")
    runs = [_load(run, on_damage) for run in _with_bar(list(found.values()))]
    empty = [run.path for run in runs if not run.episodes.count]
    if len(empty) == len(runs):
        raise UserError(f"no run in {where} has an episode yet ({_named(empty)}); wait for the first one to end.")
    if empty:
        say(f"{_named(empty)} has no episode yet, and is left out.")
    runs = [run for run in runs if run.episodes.count]
    short = [run.path for run in runs if run.steps < min_timestep]
    if len(short) == len(runs):
        most = max(run.steps for run in runs)
        raise UserError(
            f"no run in {where} has {min_timestep:,} steps, the longest has {most:,}; lower --min-timestep."
        )
    if short:
        say(f"{_named(short)} has fewer than {min_timestep:,} steps, and is left out.")
    return [run for run in runs if run.steps >= min_timestep]


def _load(run: RunFolder | ForeignRun, on_damage: OnDamage) -> Run:
    if isinstance(run, ForeignRun):
        return Run(run.path, run.arguments(), run.episodes(on_damage))
    arguments = run.read_yaml(run.args).get("arguments")
    if not isinstance(arguments, dict) or not {"env", "algo", "srl_model", "seed"} <= arguments.keys():
        raise UserError(f"{run.args} does not say with which flags it was trained; is {run.path} a run of SRL3?")
    return Run(run.path, arguments, read_run(run.path, on_damage))


def _with_bar(runs: Sequence[RunFolder | ForeignRun]) -> Iterator[RunFolder | ForeignRun]:
    with Progress(len(runs), "runs read", len(runs) >= 20 and sys.stderr.isatty(), leave=False) as bar:
        for run in runs:
            yield run
            bar.advance()


def _named(paths: Sequence[Path]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join(map(str, paths[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
