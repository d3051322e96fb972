"""Runs of other tools: folders with monitor files of Stable-Baselines3, or of rl-zoo3's layout."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rl_baselines.runs.monitors import Episodes, OnDamage, monitor_files, read_run
from rl_baselines.runs.zoo import ARGUMENTS, NUMBERED, PlainLoader
from srl3.formats.damage import DamagedFile
from srl3.formats.json import value_of
from srl3.formats.npz import read_arrays
from srl3.formats.yaml import read_mapping

EVALUATIONS = "evaluations.npz"
"""what SB3's ``EvalCallback`` writes"""
_ADVICE = "move it away to plot the run without it"


@dataclass(frozen=True)
class ForeignRun:
    """A folder with episodes that SRL3 did not write."""

    path: Path

    def arguments(self) -> dict[str, Any]:
        """``env``, ``algo``, ``srl_model`` (empty) and ``seed``, as far as files, heads and names of folders tell.

        Without a file that names the algorithm it is what the folder above is called in rl-zoo3's layout, else the
        folder's own name.

        Raises:
            UserError: for a damaged ``args.yml``.
        """
        numbered = NUMBERED.fullmatch(self.path.name)
        name, above = self.path.absolute().name, self.path.absolute().parent.name
        found: dict[str, Any] = {
            "env": numbered["env"] if numbered else self._env_of_head() or "unknown environment",
            "algo": above if numbered and above else name,
            "seed": int(numbered["number"]) if numbered else 0,
        }
        if (said := self._env_of_head()) is not None:
            found["env"] = said
        if (file := self._args_file()) is not None:
            given = read_mapping(file, _ADVICE, loader=PlainLoader)
            found |= {name: given[name] for name in ("env", "algo", "seed") if given.get(name) not in (None, "")}
        if not isinstance(found["seed"], int) or found["seed"] < 0:
            found["seed"] = 0
        return {**found, "env": str(found["env"]), "algo": str(found["algo"]), "srl_model": ""}

    def episodes(self, on_damage: OnDamage) -> Episodes:
        """Those of its monitor files; where there are none, those of its evaluations, at the steps of each.

        Raises:
            UserError: as `rl_baselines.runs.monitors.read_run`, and for damaged evaluations.
        """
        if monitor_files(self.path):
            return read_run(self.path, on_damage)
        path = self.path / EVALUATIONS
        arrays = read_arrays(path, _ADVICE, needs=("timesteps", "results", "ep_lengths"))
        returns, lengths = arrays["results"], arrays["ep_lengths"]
        if returns.ndim != 2 or returns.shape != lengths.shape or len(returns) != len(arrays["timesteps"]):
            raise DamagedFile(path, "its arrays have different lengths", _ADVICE)
        count = returns.shape[1]
        successes = arrays.get("successes")
        fits = successes is not None and successes.shape == returns.shape
        return Episodes(
            timesteps=np.repeat(arrays["timesteps"].astype(np.int64), count),
            returns=returns.astype(np.float64).ravel(),
            lengths=lengths.astype(np.int64).ravel(),
            successes=successes.astype(np.float64).ravel()
            if fits and successes is not None
            else np.full(returns.size, np.nan),
            times=np.zeros(returns.size),
        )

    def _args_file(self) -> Path | None:
        """rl-zoo3 keeps it in a folder inside, named like the environment."""
        return next(iter(sorted([*self.path.glob(ARGUMENTS), *self.path.glob(f"*/{ARGUMENTS}")])), None)

    def _env_of_head(self) -> str | None:
        for path in monitor_files(self.path):
            try:
                with path.open(encoding="utf-8") as file:
                    said = value_of(file.readline().removeprefix("#")).get("env_id")
            except (OSError, ValueError, AttributeError):
                continue  # its reader says what is wrong
            if said not in (None, "None"):
                return str(said)
        return None


def find_foreign_runs(folder: Path) -> list[ForeignRun]:
    """The runs of other tools in and below ``folder``, by path; links to folders are followed, each folder once."""
    return [ForeignRun(path) for path in _folders(folder, set())]


def _folders(folder: Path, seen: set[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(folder.iterdir())
    except OSError:  # not for us to read
        return
    names = {entry.name for entry in entries}
    if "args.yaml" in names:  # one of ours
        return
    if monitor_files(folder) or EVALUATIONS in names:
        yield folder
    for entry in entries:
        if entry.is_dir():
            yield from _folders(entry, seen)
