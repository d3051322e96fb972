"""A task: a world and what is set in it, under a name. Imports nothing heavy: ``--help`` is quick."""

import argparse
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from environments.config import CURRICULUM, flatten
from environments.flags import CONTINUAL_TASKS, make_config
from environments.registry import canonical_id
from srl3.errors import UserError, unknown_name
from srl3.flags import Parser, parse_pair

OWN_OF_A_POLICY = (
    *("srl_model", "policy_group", "img_shape", "multi_view", "relative_pos"),
    *("is_discrete", "action_joints", "action_repeat"),
)
"""parameters of a world that say how a policy observes and acts, and no part of what it is to do"""
NOT_SET = (*OWN_OF_A_POLICY, "renders", "record_data")
SHORT = {short.lstrip("-"): name for name, (short, _) in CONTINUAL_TASKS.items()}
"""Omnirobot's tasks by the names of their flags: ``sc``, ``cc`` …, and the parameter of each"""
_EXAMPLE = "near=max_steps:100,random_target:true"


@dataclass(frozen=True)
class Task:
    """A world with these parameters; all others have the world's own values."""

    name: str
    env_id: str
    env_kwargs: Mapping[str, Any]
    """by dotted name"""

    def config_kwargs(self, trained_with: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of the task's world for a policy: how it observes and acts is its own, unless the task says that.

        Args:
            trained_with: every parameter of the world that the policy was trained in.

        Raises:
            UserError: when the world can't be like that.
        """
        config_class = type(make_config(self.env_id, {}))
        own = {
            name: trained_with[name]
            for name in OWN_OF_A_POLICY
            if name in trained_with and name not in self.env_kwargs and config_class.has(name)
        }
        return make_config(self.env_id, {**own, **self.env_kwargs}).as_dict()

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it; `from_dict` takes it back."""
        return {"name": self.name, "env": self.env_id, "env_kwargs": dict(self.env_kwargs)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Task":
        """What `as_dict` gave."""
        return cls(str(content["name"]), str(content["env"]), dict(content["env_kwargs"]))


def task_trained_in(env_id: str, env_kwargs: Mapping[str, Any], known: Sequence[Task] = ()) -> Task:
    """The task of a world with these parameters: that of ``known`` which is the same, or a new one.

    Args:
        env_id: of the world.
        env_kwargs: its parameters; those at their defaults may be among them.
        known: named tasks.
    """
    changed = _changed(env_id, env_kwargs)
    for task in known:
        if task.env_id == env_id and _changed(env_id, task.env_kwargs) == changed:
            return task
    continual = [short for short, name in SHORT.items() if changed.get(name)]
    others = {name: value for name, value in changed.items() if name not in SHORT.values()}
    words = [*continual, *(f"{name}:{_in_short(name, value)}" for name, value in others.items())]
    return Task(" ".join(words) or env_id.partition("-v")[0].removesuffix("GymEnv"), env_id, changed)


def _in_short(name: str, value: Any) -> str:
    """A value as JSON; of a curriculum, which is long, its number of stages, and one that tells it from others."""
    text = json.dumps(value)
    return f"{len(value)}-stages-{zlib.crc32(text.encode()):08x}" if name == CURRICULUM else text


def _changed(env_id: str, env_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    defaults = make_config(env_id, {}).flat()
    set_here = make_config(env_id, env_kwargs).flat()
    return {
        name: value
        for name, value in sorted(set_here.items())
        if name.partition(".")[0] not in NOT_SET and (name not in defaults or value != defaults[name])
    }


def parse_task(text: str, env_id: str | None, shared: Mapping[str, Any]) -> Task:
    """A task as users write it.

    ``cc``, one of Omnirobot's tasks by its flag's name; ``max_steps:100,radius:0.5``, parameters of the world;
    ``NAME=…`` gives it a name of its own; ``env:ID`` among the parameters names its world.

    Args:
        text: what the user wrote.
        env_id: the world of tasks that name none.
        shared: parameters of all tasks, by dotted name.

    Raises:
        UserError: for another form, or a world that can't be like that.
    """
    name, equals, body = text.partition("=")
    items = list(_split(body if equals else text))
    if equals and not name:
        raise UserError(f"--task {text} has an empty name; write it as {_EXAMPLE}.")
    kwargs: dict[str, Any] = {}
    for item in items:
        if ":" not in item:
            kwargs[_continual(item)] = True
            continue
        parameter, value = parse_pair(item, f"--task {text}:" if len(items) > 1 else "--task")
        kwargs |= flatten({parameter: value})
    here = kwargs.pop("env", env_id)
    if here is None:
        raise UserError(f"--task {text} is of no environment; add --env, or env:ID to the task.")
    task = Task(name if equals else text, canonical_id(str(here)), {**shared, **kwargs})
    config = make_config(task.env_id, task.env_kwargs)
    if not shared.get(CURRICULUM) or CURRICULUM in kwargs:
        return task
    return replace(task, env_kwargs={**task.env_kwargs, CURRICULUM: config.holding(kwargs).as_dict()[CURRICULUM]})


def _split(text: str) -> Iterator[str]:
    """Parts between commas that are in no brackets."""
    depth, part = 0, ""
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            yield part
            part = ""
        else:
            part += letter
    if part:
        yield part


def _continual(word: str) -> str:
    """The parameter of one of Omnirobot's tasks, by any of its names."""
    for name, flags in CONTINUAL_TASKS.items():
        if word in (name, *(flag.lstrip("-") for flag in flags)):
            return name
    raise unknown_name("task", word, SHORT)


def add_task_flags(parser: Parser, summary: str) -> None:
    """``--task``, and Omnirobot's tasks by their own flags, in the order in which they are given.

    Args:
        parser: with ``conflict_handler="resolve"``: these flags take the place of those that choose one task.
        summary: what the tasks are for.
    """
    group = parser.add_argument_group("tasks")
    group.add_argument(
        "--task",
        dest="tasks",
        nargs="+",
        action="extend",
        metavar="TASK",
        help=f"{summary}: one of Omnirobot's ({', '.join(SHORT)}), or [NAME=]PARAMETER:VALUE,… such as {_EXAMPLE}",
    )
    for name, (short, long) in CONTINUAL_TASKS.items():
        group.add_argument(
            short, long, dest="tasks", action="append_const", const=short.lstrip("-"), help=f"the task {name}"
        )


def tasks_from_flags(arguments: argparse.Namespace, env_ids: Sequence[str], shared: Mapping[str, Any]) -> list[Task]:
    """The tasks that the flags of `add_task_flags` name; without one, each environment as it is.

    Args:
        arguments: with ``tasks``.
        env_ids: environments that the user named.
        shared: parameters of all tasks, by dotted name.

    Raises:
        UserError: for a mistake in one, two of one name, or tasks of several environments.
    """
    if not arguments.tasks:
        tasks = [task_trained_in(env_id, shared) for env_id in map(canonical_id, env_ids)]
    else:
        if len(env_ids) > 1:
            raise UserError("--task is of one environment; give one --env, or env:ID in each task of another.")
        env_id = env_ids[0] if env_ids else None
        if env_id is None and all(":" not in text.partition("=")[2] for text in arguments.tasks):
            words = {word for text in arguments.tasks for word in _split(text.rpartition("=")[2])}
            if words <= set(SHORT):
                env_id = "OmnirobotEnv-v0"
        tasks = [parse_task(text, env_id, shared) for text in arguments.tasks]
    check_names(tasks)
    return tasks


def check_names(tasks: Sequence[Task]) -> None:
    """Raise `UserError` when two tasks have one name."""
    names = [task.name for task in tasks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"two tasks are called {twice}; name them apart: NAME={twice}.")
