"""Run folders of rl-zoo3, ``<algo>/<env>_<number>/``, and the file names in them."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from srl3.formats.yaml import read_mapping

ALGORITHMS = {"ppo_lstm": "recurrent_ppo"}
"""rl-zoo3's names of algorithms that have another one here"""
NUMBERED = re.compile(r"(?P<env>.+)_(?P<number>\d+)")
"""the name of a run folder"""
STATISTICS = ("vecnormalize.pkl", "vec_normalize.pkl")
"""how ``VecNormalize.save`` is told to call its file: by rl-zoo3, and by Stable-Baselines3's documentation"""
ARGUMENTS = "args.yml"
CONFIGURATION = "config.yml"
BEST = "best_model.zip"
_MODEL_AT = re.compile(r"rl_model_(\d+)_steps\.zip")
_ADVICE = "use a whole run folder of rl-zoo3"


class PlainLoader(yaml.SafeLoader):
    """Reads the ordered dictionaries and tuples that rl-zoo3 writes as plain ones; builds nothing else."""


def _ordered(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> dict[str, Any]:
    (pairs,) = loader.construct_sequence(node, deep=True)
    return dict(pairs)


def _sequence(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> list[Any]:
    return list(loader.construct_sequence(node, deep=True))


_PYTHON = "tag:yaml.org,2002:python/"
PlainLoader.add_constructor(f"{_PYTHON}object/apply:collections.OrderedDict", _ordered)
PlainLoader.add_constructor(f"{_PYTHON}tuple", _sequence)


@dataclass(frozen=True)
class ZooRun:
    """One run of rl-zoo3: models, and in a folder inside that is called like the world what they were trained with.

    Args:
        path: the folder.
        settings: the folder inside.
    """

    path: Path
    settings: Path

    @property
    def algo(self) -> str | None:
        """Key of ``registered_rl``, or what stands there; None where nothing says it."""
        algo = self.arguments().get("algo")
        if algo in (None, "") and NUMBERED.fullmatch(self.path.absolute().name):
            algo = self.path.absolute().parent.name
        return None if algo in (None, "") else ALGORITHMS.get(str(algo), str(algo))

    @property
    def env(self) -> str:
        """Id of the world."""
        return str(self.arguments().get("env") or self.settings.name)

    def arguments(self) -> dict[str, Any]:
        """What ``args.yml`` says; nothing where it is not there.

        Raises:
            UserError: when it is damaged.
        """
        return self._read(self.settings / ARGUMENTS)

    def configuration(self) -> dict[str, Any]:
        """What ``config.yml`` says, the hyperparameters as their file has them; nothing where it is not there.

        Raises:
            UserError: when it is damaged.
        """
        return self._read(self.settings / CONFIGURATION)

    def models(self) -> list[Path]:
        """The best model, the last one, then the numbered ones from the highest on, as far as they are there."""
        last = self.path / f"{self.settings.name}.zip"
        numbered = [(match, path) for path in self.path.iterdir() if (match := _MODEL_AT.fullmatch(path.name))]
        highest_first = sorted(numbered, key=lambda pair: int(pair[0][1]), reverse=True)
        return [path for path in (self.path / BEST, last, *(path for _, path in highest_first)) if path.is_file()]

    def statistics(self, model: Path) -> Path | None:
        """The pickle with the statistics of observations that go with a model: its own, or that of the whole run."""
        match = _MODEL_AT.fullmatch(model.name)
        own = [self.path / f"rl_model_vecnormalize_{match[1]}_steps.pkl"] if match else []
        shared = [self.settings / name for name in STATISTICS]
        return next((path for path in (*own, *shared) if path.is_file()), None)

    def _read(self, path: Path) -> dict[str, Any]:
        return read_mapping(path, _ADVICE, loader=PlainLoader) if path.is_file() else {}


def zoo_run(folder: Path) -> ZooRun | None:
    """The run that ``folder`` is; None where it is none of rl-zoo3's."""
    try:
        inner = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:  # not there, or not for us to read
        return None
    found = next((each for each in inner if any((each / name).is_file() for name in (ARGUMENTS, CONFIGURATION))), None)
    return None if found is None else ZooRun(folder, found)


def find_zoo_runs(folder: Path) -> list[ZooRun]:
    """The runs of rl-zoo3 with a model in and below ``folder``, oldest model first, each once; links are followed."""
    runs = [run for run in _runs(folder, set()) if run.models()]
    return sorted(runs, key=lambda run: (run.models()[0].stat().st_mtime_ns, str(run.path)))


def _runs(folder: Path, seen: set[str]) -> Iterator[ZooRun]:
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    run = zoo_run(folder)
    if run is not None:
        yield run
        return
    try:
        inner = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return
    for each in inner:
        yield from _runs(each, seen)
