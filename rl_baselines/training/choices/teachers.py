"""What a request for a supervised algorithm takes from the datasets of its teachers."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from environments.config import EnvConfig, flatten
from environments.flags import CONTINUAL_TASKS, overridden
from rl_baselines.cross_evaluation.tasks import Task, task_trained_in
from rl_baselines.registry import find_algo, registered_rl
from rl_baselines.training.request import TrainingRequest
from srl3.errors import UserError

if TYPE_CHECKING:
    from environments.datasets.dataset import Dataset

OWN = ("teacher_data_folder", "epochs_distillation", "distillation_training_set_size", "dagger_rounds", "batch_size")
"""choices that are for supervised algorithms alone"""
NOT_INHERITED = ("srl_model", "relative_pos", "record_data", "renders")
"""parameters of the teachers' world that say what was observed and shown"""


def with_teachers(request: TrainingRequest) -> "tuple[TrainingRequest, list[Dataset]]":
    """The request with the world of its teachers where the user said no other, and their datasets.

    Raises:
        UserError: for a supervised algorithm without teachers, or teachers for another algorithm.
    """
    algo = request.value("algo")
    if not find_algo(algo).load_class().supervised:
        for name in OWN:
            if getattr(request, name) is not None:
                able = ", ".join(other for other, entry in registered_rl.items() if entry.load_class().supervised)
                raise UserError(f"--{name.replace('_', '-')} is for --algo {able}; {algo} learns from rewards.")
        return request, []
    if not request.teacher_data_folder:
        other = find_algo(algo).load_class().policies_of
        by_rewards = request.load_rl_model_path is not None and other is not None
        raise UserError(
            f"{algo} learns from recorded teachers; give --teacher-data-folder with a dataset of dataset_generator "
            f"--run-policy custom{f', or --algo {other} to train it on by rewards' if by_rewards else ''}."
        )
    if request.mix_tasks is not None:
        raise UserError(f"the tasks of {algo} are those of its datasets; leave out --mix-tasks.")
    if request.num_timesteps is not None or request.iterations is not None:
        raise UserError(f"how long {algo} learns is --epochs-distillation; leave out --num-timesteps.")

    from rl_baselines.distillation.teachers import open_teachers

    datasets = open_teachers(request.teacher_data_folder)
    info = datasets[0].info
    inherited = {name: value for name, value in info.env_kwargs.items() if name not in NOT_INHERITED}
    if request.env is None:
        request = dataclasses.replace(request, env=info.env_id)
    elif request.env != info.env_id:
        raise UserError(
            f"{datasets[0].path} was recorded on {info.env_id}, and can't teach a student of {request.env}; leave out "
            "--env."
        )
    return dataclasses.replace(request, env_kwargs=overridden(inherited, request.env_kwargs or {})), datasets


def tasks_taught(datasets: "Sequence[Dataset]", config: EnvConfig, named: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks in which the teachers acted, each once, the first one's first.

    What a student's world has other than its first teacher's, such as longer episodes, the tasks have too. A merged
    dataset that does not say of which worlds it is has none.

    Args:
        datasets: of the teachers.
        config: of the student's world.
        named: tasks with names.
    """
    if not datasets:
        return ()
    from environments.datasets.merging import worlds_of

    ours, first = config.flat(), flatten(datasets[0].info.env_kwargs)
    changed = {
        name: value
        for name, value in ours.items()
        if name in first and first[name] != value and name not in (*NOT_INHERITED, *CONTINUAL_TASKS)
    }
    found: dict[str, Task] = {}
    for dataset in datasets:
        for kwargs in worlds_of(dataset.info):
            here = {name: value for name, value in kwargs.items() if name not in NOT_INHERITED}
            task = task_trained_in(dataset.info.env_id, {**here, **changed}, [*named, *found.values()])
            found[task.name] = task
    return tuple(found.values())


def teachers_flags(request: TrainingRequest) -> dict[str, Any]:
    """Hyperparameters that are set by flags of their own, by name; None: not given."""
    size = request.distillation_training_set_size
    if size is not None and size != -1 and size < 1:
        raise UserError(f"--distillation-training-set-size is at least 1, or -1 for all, not {size}.")
    return {
        "n_epochs": request.epochs_distillation,
        "training_set_size": None if size == -1 else size,
        "dagger_rounds": request.dagger_rounds,
        "batch_size": request.batch_size,
    }


def steps_from_teachers(
    request: TrainingRequest, datasets: "list[Dataset]", hyperparams: Mapping[str, Any], seed: int
) -> int:
    """How many steps a supervised training learns from."""
    algorithm = find_algo(request.value("algo")).load_class(request.value("policy"))
    return algorithm.training_steps(datasets, hyperparams, seed)
