"""What each strategy does, as stages that build on one another."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments.flags import make_config
from rl_baselines.continual.flags import DISTILL, FINETUNE, JOINT
from rl_baselines.cross_evaluation.tasks import Task
from rl_baselines.grid.cells import Cell


@dataclass(frozen=True)
class Setup:
    """What all stages share."""

    tasks: tuple[Task, ...]
    budgets: tuple[int, ...]
    """environment steps, by task"""
    env_id: str
    algo: str
    srl_model: str
    """what the policies that are compared observe"""
    teacher_srl_model: str
    flags: tuple[str, ...]
    """of train, for every training from scratch"""
    flags_going_on: tuple[str, ...]
    """of train, for a training that keeps another's hyperparameters"""
    new_lr: float | None
    """learning rate with which a training goes on; None: the one that the task before began with"""
    flags_of_student: tuple[str, ...]
    """of train, for a distillation"""
    representations: Mapping[str, tuple[str, ...]]
    """flags of train that choose a learned representation, by what is observed"""
    training_set_size: int | None
    """recorded steps of all tasks from which the last student learns, those before from as many of each; None: all"""
    env_kwargs: Mapping[str, Any]
    """parameters of the world in all tasks, by dotted name"""
    cross_evaluates: bool

    def parameters(self, task: Task) -> list[str]:
        """``--env-kwargs`` of a task: whatever any task sets is said, so that a retraining inherits none of it."""
        defaults = make_config(self.env_id, {}).flat()
        named = dict.fromkeys(name for other in self.tasks for name in other.env_kwargs)
        values = {name: defaults.get(name) for name in named if name in defaults}
        return spelled({**values, **self.env_kwargs, **task.env_kwargs})

    def evaluations(self, tasks: Iterable[Task]) -> list[str]:
        """Flags of a training that is evaluated in these tasks meanwhile."""
        if not self.cross_evaluates:
            return []
        texts = [f"{task.name}={','.join(spelled(task.env_kwargs))}" for task in tasks]
        return ["--perform-cross-evaluation-cc", "--cross-evaluation-tasks", *texts]


def spelled(values: Mapping[str, Any]) -> list[str]:
    """Parameters as ``--env-kwargs`` takes them."""
    return [f"{name}:{json.dumps(value)}" for name, value in values.items()]


@dataclass(frozen=True)
class Stage:
    """A training, or the recording of a trained teacher."""

    kind: str
    """`TRAIN`, `GO_ON`, `TRAIN_ALL`, `RECORD` or `STUDENT`"""
    seed: int
    number: int
    """of the task, or of the last one"""
    needs: tuple["Stage", ...] = ()
    srl_model: str = ""


TRAIN, GO_ON, TRAIN_ALL, RECORD, STUDENT = "train", "go on", "train all", "record", "student"


@dataclass(frozen=True)
class Outcome:
    """A policy that is compared."""

    strategy: str
    seed: int
    number: int
    """of the last task that it has learned"""
    stage: Stage


def outcomes_of(setup: Setup, strategies: Sequence[str], seeds: Iterable[int]) -> list[Outcome]:
    """The policies to compare: after each task, with each strategy, from each seed."""
    last = len(setup.tasks) - 1
    found = []
    for seed in seeds:
        if FINETUNE in strategies:
            stage = Stage(TRAIN, seed, 0, srl_model=setup.srl_model)
            found.append(Outcome(FINETUNE, seed, 0, stage))
            for number in range(1, last + 1):
                stage = Stage(GO_ON, seed, number, (stage,), setup.srl_model)
                found.append(Outcome(FINETUNE, seed, number, stage))
        if DISTILL in strategies:
            teachers = [Stage(TRAIN, seed, number, srl_model=setup.teacher_srl_model) for number in range(last + 1)]
            records = [Stage(RECORD, seed, number, (teacher,)) for number, teacher in enumerate(teachers)]
            for number in range(last + 1):
                student = Stage(STUDENT, seed, number, tuple(records[: number + 1]), setup.srl_model)
                own = number == 0 and setup.teacher_srl_model == setup.srl_model  # the teacher is the student still
                found.append(Outcome(DISTILL, seed, number, teachers[0] if own else student))
        if JOINT in strategies:
            found.append(Outcome(JOINT, seed, last, Stage(TRAIN_ALL, seed, last, srl_model=setup.srl_model)))
    return found


def all_stages(outcomes: Iterable[Outcome]) -> list[Stage]:
    """Every stage once, each after those that it needs."""
    found: dict[Stage, None] = {}

    def add(stage: Stage) -> None:
        for needed in stage.needs:
            add(needed)
        found[stage] = None

    for outcome in outcomes:
        add(outcome.stage)
    return list(found)


def cell_of(setup: Setup, stage: Stage, checkpoints: Sequence[Path], rate: float | None, data: Sequence[Path]) -> Cell:
    """The training of a stage.

    Args:
        setup: of all stages.
        stage: not a recording.
        checkpoints: what it goes on from, where it does.
        rate: initial learning rate with which it goes on.
        data: recordings of its teachers, where it has some.
    """
    task, budget = setup.tasks[stage.number], str(setup.budgets[stage.number])
    here = ["--env-kwargs", *setup.parameters(task)]
    algo = setup.algo
    if stage.kind == TRAIN:
        flags = [*setup.flags, *here, "--num-timesteps", budget, *setup.evaluations([task])]
        what = f"{task.name} alone"
    elif stage.kind == GO_ON:
        new_lr = [] if rate is None else ["--new-lr", f"{rate:g}"]
        where = ["--load-rl-model-path", str(checkpoints[0]), *new_lr]
        seen = setup.evaluations(setup.tasks[: stage.number + 1])
        flags = [*setup.flags_going_on, *here, "--num-timesteps", budget, *where, *seen]
        what = f"{task.name} after {setup.tasks[stage.number - 1].name}"
    elif stage.kind == TRAIN_ALL:
        mixed = [f"{each.name}={','.join(spelled(each.env_kwargs))}" for each in setup.tasks]
        shared = ["--env-kwargs", *spelled(setup.env_kwargs)] if setup.env_kwargs else []
        total = ["--num-timesteps", str(sum(setup.budgets))]
        flags = [*setup.flags, *shared, *total, "--mix-tasks", *mixed, *setup.evaluations(setup.tasks)]
        what = "all tasks at once"
    else:
        algo, flags = "distillation", [*setup.flags_of_student, "--teacher-data-folder", *map(str, data)]
        if setup.training_set_size is not None:
            steps = setup.training_set_size * len(data) // len(setup.tasks)
            flags += ["--distillation-training-set-size", str(steps)]
        flags += setup.evaluations(setup.tasks[: stage.number + 1])
        what = f"a student of {', '.join(each.name for each in setup.tasks[: stage.number + 1])}"
    if stage.kind != GO_ON:  # which observes as what it goes on from
        flags += setup.representations.get(stage.srl_model, ())
    return Cell(setup.env_id, stage.srl_model, algo, stage.seed, tuple(flags), what)
