"""Run folders and what finds them, under one documented name: ``from rl_baselines.run_folder import …``."""

from rl_baselines.runs.find import find_checkpoint, find_run, find_runs
from rl_baselines.runs.folder import (
    DEFAULT_LOG_DIR,
    RunFolder,
    check_writable,
    link_latest,
    nearest_existing,
    remove_run,
)
from rl_baselines.runs.layouts import new_run_folder

__all__ = [
    "DEFAULT_LOG_DIR",
    "RunFolder",
    "check_writable",
    "find_checkpoint",
    "find_run",
    "find_runs",
    "link_latest",
    "nearest_existing",
    "new_run_folder",
    "remove_run",
]
