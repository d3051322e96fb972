"""Which files of a run another machine may have: what is needed to watch it, and nothing else."""

import re

from rl_baselines.runs.folder import RunFolder

_SETTINGS = ("args.yaml", "plan.json", "env_kwargs.yaml", "train_config.yaml", "versions.yaml")
_CHECKPOINTS = re.compile(r"latest\.zip|best_model\.zip|checkpoints/model_\d{1,18}_steps\.zip")
_MONITOR = re.compile(r"\d{1,9}\.monitor\.csv")


def shared_files(run: RunFolder) -> list[str]:
    """Names of the files that are there, relative to the run, what is wanted first before the others."""
    settings = (run.args, run.plan, run.env_kwargs, run.train_config, run.versions)
    checkpoints = (run.latest, run.best_model, *reversed(run.numbered()))
    there = [path for path in (*settings, *checkpoints[:2], *run.monitors(), *checkpoints[2:]) if path.is_file()]
    return [name for path in there if may_be_shared(name := path.relative_to(run.path).as_posix())]


def may_be_shared(name: str) -> bool:
    """Whether a name, with ``/`` between its parts, is that of a file that `shared_files` can give."""
    return name in _SETTINGS or bool(_CHECKPOINTS.fullmatch(name)) or grows(name)


def grows(name: str) -> bool:
    """Whether the file of this name is written at its end, so that what was read of it stays as it is."""
    return bool(_MONITOR.fullmatch(name))
