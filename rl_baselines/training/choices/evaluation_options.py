"""When a training's policy is evaluated, and in which worlds, from the choices of a request."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from environments.config import EnvConfig
from environments.flags import make_config
from rl_baselines.cross_evaluation.planned import PlannedTasks, tasks_seen
from rl_baselines.cross_evaluation.tasks import Task, check_names, parse_task
from rl_baselines.training.choices.teachers import tasks_taught
from rl_baselines.training.request import TrainingRequest
from srl3.errors import UserError

if TYPE_CHECKING:
    from environments.datasets.dataset import Dataset
    from rl_baselines.checkpoints.checkpoint import Checkpoint


def eval_freq(request: TrainingRequest, total_timesteps: int) -> int:
    """Steps between evaluations; 0: none.

    Raises:
        UserError: when both ways of saying it are chosen.
    """
    if request.num_evals is None:
        return int(request.value("eval_freq"))
    if request.eval_freq is not None:
        raise UserError("--eval-freq and --num-evals both say when to evaluate; give one of them.")
    return math.ceil(total_timesteps / request.num_evals)


def evaluation_kwargs(request: TrainingRequest, env_id: str, env_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the evaluation's world, which must show and take the same as the training's.

    Raises:
        UserError: for choices that evaluations need, without evaluations, and for what must be the same.
    """
    if not request.value("eval_freq") and request.num_evals is None:
        for name in ("eval_episodes", "n_eval_envs", "eval_env_kwargs"):
            if name == "eval_episodes" and request.perform_cross_evaluation_cc:
                continue
            if getattr(request, name) is not None:
                raise UserError(f"--{name.replace('_', '-')} is for evaluations; add --eval-freq, for example 10_000.")
    kwargs = dict(request.eval_env_kwargs or {})
    make_config(env_id, {**env_kwargs, **kwargs})
    for name in ("srl_model", "is_discrete", "policy_group"):
        if name in kwargs:
            raise UserError(f"--eval-env-kwargs can't change {name}, which decides what the policy observes and does.")
    return kwargs


def planned_tasks(
    request: TrainingRequest,
    config: EnvConfig,
    mixture: tuple[Task, ...],
    parent: "Checkpoint | None",
    teachers: "Sequence[Dataset]",
) -> PlannedTasks:
    """What is learned at once or taught, and where the policy is evaluated meanwhile.

    Args:
        request: the choices.
        config: of the training's world.
        mixture: tasks that it learns at once.
        parent: the model that it goes on from.
        teachers: datasets of a student's teachers.

    Raises:
        UserError: for choices that these evaluations need, without them, and for tasks that can't be.
    """
    if not request.perform_cross_evaluation_cc:
        for name in ("cross_evaluation_tasks", "eval_episode_window"):
            if getattr(request, name) is not None:
                flag = f"--{name.replace('_', '-')}"
                raise UserError(f"{flag} is for evaluations in several tasks; add --perform-cross-evaluation-cc.")
        return PlannedTasks(mixture, tasks_taught(teachers, config, ()))
    named = [parse_task(text, config.env_id, {}) for text in request.cross_evaluation_tasks or ()]
    check_names(named)
    before = None if parent is None else parent.path
    taught = tasks_taught(teachers, config, named)
    if teachers and not taught and not named:
        raise UserError(
            f"{teachers[0].path} does not say in which worlds its teachers acted; name the tasks to evaluate in with "
            "--cross-evaluation-tasks."
        )
    learned = mixture or taught or (named if teachers else ())
    seen = tasks_seen(config.env_id, config.as_dict(), learned, before, named)
    for task in seen:
        task.config_kwargs(config.as_dict())  # what is wrong with it is said now
    window = 1 if teachers and request.eval_episode_window is None else request.value("eval_episode_window")
    return PlannedTasks(mixture, taught, seen, window)
