"""Tasks and their budgets, from a YAML file. Imports nothing heavy."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from environments.config import flatten
from environments.flags import make_config
from rl_baselines.cross_evaluation.tasks import Task, check_names, parse_task, task_trained_in
from srl3.errors import UserError, unknown_name
from srl3.flags import positive_number
from srl3.formats.yaml import read_by_hand

FORM = "a list of tasks, each a text as --task takes it or a mapping with name, task, env_kwargs, budget"
KEYS = ("name", "task", "env_kwargs", "budget")


def read_tasks(path: Path, env_id: str, shared: Mapping[str, Any]) -> tuple[list[Task], list[int | None]]:
    """The tasks that a file lists, and the steps of each; None where it says none.

    Args:
        path: of the file.
        env_id: the world of tasks that name none.
        shared: parameters of all tasks, by dotted name.

    Raises:
        UserError: when the file can't be read or holds something else.
    """
    content = read_by_hand(path, f"--task-file takes {FORM}")
    if not isinstance(content, list) or not content:
        raise UserError(f"--task-file {path} must hold {FORM}.")
    tasks, budgets = [], []
    for number, item in enumerate(content, start=1):
        task, budget = _task(f"task {number} in {path}", item, env_id, shared)
        tasks.append(task)
        budgets.append(budget)
    check_names(tasks)
    return tasks, budgets


def _task(where: str, item: Any, env_id: str, shared: Mapping[str, Any]) -> tuple[Task, int | None]:
    if isinstance(item, str):
        return parse_task(item, env_id, shared), None
    if not isinstance(item, dict) or not item:
        raise UserError(f"{where} must be a text as --task takes it, or a mapping with {', '.join(KEYS)}.")
    for key in item:
        if key not in KEYS:
            raise unknown_name(f"key of {where}", str(key), KEYS)
    for key in ("name", "task"):
        if key in item and not (isinstance(item[key], str) and item[key]):
            raise UserError(f"{key} of {where} must be a word, not {item[key]!r}.")
    chosen = item.get("name", "")
    if "=" in chosen or chosen.startswith("-"):
        raise UserError(f"name of {where} must be a word without =, that begins with no -, not {chosen!r}.")
    given = item.get("env_kwargs")
    if not (given is None or (isinstance(given, dict) and all(isinstance(name, str) for name in given))):
        raise UserError(f"env_kwargs of {where} must be parameters, name: value, not {given!r}.")
    if "task" not in item and not given:
        raise UserError(f"{where} says neither task nor env_kwargs; name a task, or give parameters of the world.")
    base = parse_task(item["task"], env_id, shared) if "task" in item else Task("", env_id, shared)
    kwargs = {**base.env_kwargs, **flatten(given or {})}
    make_config(base.env_id, kwargs)
    name = chosen or base.name or task_trained_in(base.env_id, kwargs).name
    return replace(base, name=name, env_kwargs=kwargs), _budget(where, item)


def _budget(where: str, item: Mapping[str, Any]) -> int | None:
    if "budget" not in item:
        return None
    try:
        return positive_number(str(item["budget"]))
    except argparse.ArgumentTypeError as error:
        raise UserError(f"budget of {where}: {error}.") from None
