"""The tasks of a training: which it learns at once, and in which its policy is evaluated meanwhile."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_baselines.cross_evaluation.tasks import OWN_OF_A_POLICY, Task, check_names, parse_task, task_trained_in
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from srl3.formats.json import read_mapping


@dataclass(frozen=True)
class PlannedTasks:
    """Part of a training's plan; empty of a training in one world without cross evaluations."""

    mixture: tuple[Task, ...] = ()
    """among which the environments are divided; empty: all are the plan's one world"""
    taught: tuple[Task, ...] = ()
    """in which the teachers of a student acted"""
    evaluated: tuple[Task, ...] = ()
    """in which the policy is evaluated now and then"""
    episode_window: int = 0
    """episodes of the training, or passes of a student over its lessons, between two of these evaluations; 0: none"""

    @property
    def learned(self) -> tuple[Task, ...]:
        """The tasks that come of this training; empty where it is the plan's one world."""
        return self.mixture or self.taught

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it; `from_dict` takes it back."""
        return {
            "mixture": [task.as_dict() for task in self.mixture],
            "taught": [task.as_dict() for task in self.taught],
            "evaluated": [task.as_dict() for task in self.evaluated],
            "episode_window": self.episode_window,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "PlannedTasks":
        """What `as_dict` gave; all empty of an empty mapping."""
        return cls(
            tuple(map(Task.from_dict, content.get("mixture", ()))),
            tuple(map(Task.from_dict, content.get("taught", ()))),
            tuple(map(Task.from_dict, content.get("evaluated", ()))),
            int(content.get("episode_window", 0)),
        )


def parse_mixture(texts: Sequence[str], env_id: str, env_kwargs: Mapping[str, Any]) -> tuple[Task, ...]:
    """The tasks of ``--mix-tasks``.

    Args:
        texts: as users write tasks.
        env_id: the world of all of them.
        env_kwargs: parameters that they share, by dotted name.

    Raises:
        UserError: for a mistake in one, another world, fewer than two, or two of one name.
    """
    shared = {name: value for name, value in env_kwargs.items() if name not in OWN_OF_A_POLICY}
    tasks = tuple(parse_task(text, env_id, shared) for text in texts)
    other = next((task for task in tasks if task.env_id != env_id), None)
    if other is not None:
        raise UserError(f"--mix-tasks are tasks of one world, {env_id}; {other.name} is of {other.env_id}.")
    if len(tasks) < 2:
        raise UserError("--mix-tasks mixes two tasks or more; of one, set the world's parameters.")
    check_names(tasks)
    return tasks


def tasks_seen(
    env_id: str, env_kwargs: Mapping[str, Any], learned: Sequence[Task], parent: Path | None, named: Sequence[Task]
) -> tuple[Task, ...]:
    """Every task that a policy has been trained in when its training ends, the first one first, then ``named``.

    Args:
        env_id: of the training's world.
        env_kwargs: its parameters.
        learned: the tasks of the training, where they are others than that world.
        parent: the checkpoint that it goes on from, whose parents are followed as far as they are there.
        named: others to be evaluated in, under their names.
    """
    own = learned or [task_trained_in(env_id, env_kwargs, named)]
    found: dict[str, Task] = {}
    for task in [*(() if parent is None else reversed(list(_before(parent, named)))), *own, *named]:
        known = task_trained_in(task.env_id, task.env_kwargs, list(found.values()))
        if known.name not in found:
            found[task.name] = task
    return tuple(found.values())


def _before(checkpoint: Path, named: Sequence[Task]) -> Iterator[Task]:
    """Tasks of a checkpoint and its parents, the last one first."""
    from rl_baselines.checkpoints.archive import read_info

    while checkpoint.is_file():
        info = read_info(checkpoint)
        learned = _learned_in(checkpoint)
        yield from reversed(learned or (task_trained_in(info.env_id, info.env_kwargs_here, named),))
        if info.parent is None:
            return
        checkpoint = Path(info.parent)


def _learned_in(checkpoint: Path) -> tuple[Task, ...]:
    """The tasks that the run of a checkpoint learned; empty where it is its one world, or is not there."""
    run = run_of(checkpoint)
    if run is None or not run.plan.is_file():
        return ()
    return PlannedTasks.from_dict(read_mapping(run.plan, "use another checkpoint").get("tasks", {})).learned


def run_of(checkpoint: Path) -> RunFolder | None:
    """The run folder that a checkpoint is in; None for a file elsewhere."""
    folders = [folder for folder in (checkpoint.parent, checkpoint.parent.parent) if RunFolder(folder).args.is_file()]
    return RunFolder(folders[0]) if folders else None
