"""All that a student learns from: recorded steps as it observes them, what teachers say of them, and their split."""

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from environments.datasets.dataset import Dataset
from rl_baselines.distillation.losses import Targets
from rl_baselines.distillation.observations import Observations
from rl_baselines.distillation.steps import Split, in_order, split_steps
from rl_baselines.distillation.teachers import check_labels, tasks_of
from srl3.errors import UserError


def split_of(datasets: Sequence[Dataset], *, size: int | None, validation_share: float, seed: int) -> Split:
    """`split_steps` of datasets, one after the other."""
    starts = np.concatenate([dataset.episode_starts for dataset in datasets])
    return split_steps(starts, tasks_of(datasets)[0], size=size, validation_share=validation_share, seed=seed)


class Lessons:
    """What a student learns from.

    Args:
        datasets: of its teachers.
        env: its environment, with the wrappers that say what it observes.
        loss: what they are to hold.
        size: steps that are used; None: all.
        validation_share: share of each task's episodes that judge.
        seed: of the split and of the order.

    Attributes:
        observations: of all steps.
        targets: of all steps.
        split: which of them are used.
        tasks: ``(n,) int64``, the task of each step.
        task_names: of the tasks.

    Raises:
        UserError: when the datasets do not hold what the student needs.
    """

    def __init__(
        self,
        datasets: Sequence[Dataset],
        env: VecEnv,
        *,
        loss: str,
        size: int | None,
        validation_share: float,
        seed: int,
    ) -> None:
        check_labels(datasets, loss)
        _check_actions(datasets[0], env.action_space)
        self.datasets = list(datasets)
        self.seed = seed
        self.tasks, self.task_names = tasks_of(datasets)
        begins = np.cumsum([0, *map(len, datasets[:-1])])
        self._task_of = self.tasks[begins]
        self.split = split_of(datasets, size=size, validation_share=validation_share, seed=seed)
        self.observations = Observations(env, datasets)
        self.targets = Targets.of(datasets[0])
        for dataset in datasets[1:]:
            self.targets = self.targets.joined(Targets.of(dataset))
        self.epoch_size = len(self.split.training)
        """steps of an epoch: those of the training before the student added to them"""
        self.rounds = 0
        """of DAgger that were added"""
        self._validation_share = validation_share

    def minibatch(self, number: int, begin: int, count: int) -> np.ndarray:
        """Steps to learn from: ``count`` after the first ``begin`` of round ``number``."""
        return in_order(self.split.training, begin, count, (self.seed, number))

    def add_round(self, recorded: Sequence[Dataset]) -> None:
        """Add what the student did in a round of DAgger, a dataset for each of `datasets`, in their order."""
        self.rounds += 1
        begin = len(self.observations)
        starts = np.concatenate([dataset.episode_starts for dataset in recorded])
        tasks = []
        for task, dataset in zip(self._task_of, recorded, strict=True):
            self.observations.add(dataset)
            self.targets = self.targets.joined(Targets.of(dataset))
            tasks.append(np.full(len(dataset), task))
        new = np.concatenate(tasks)
        split = split_steps(
            starts, new, size=None, validation_share=self._validation_share, seed=self.seed + self.rounds
        )
        self.tasks = np.concatenate([self.tasks, new])
        self.split = Split(
            np.concatenate([self.split.training, begin + split.training]),
            np.concatenate([self.split.validation, begin + split.validation]),
        )

    def in_words(self) -> str:
        """What there is, a line for each task."""
        lines = []
        for number, name in enumerate(self.task_names):
            counts = [
                int((self.tasks[steps] == number).sum()) for steps in (self.split.training, self.split.validation)
            ]
            lines.append(f"teacher {name}: {counts[0]:,} steps to learn from, {counts[1]:,} to judge by")
        return "\n".join(lines)


def _check_actions(dataset: Dataset, space: "spaces.Space[object]") -> None:
    n_actions = dataset.info.n_actions
    here = f"{space.n} discrete" if isinstance(space, spaces.Discrete) else f"{(space.shape or (0,))[0]} continuous"
    there = f"{n_actions} discrete" if n_actions is not None else f"{dataset.actions.shape[1]} continuous"
    if here != there:
        raise UserError(
            f"the teacher of {dataset.path} has {there} actions, and the student {here} ones; give the environment's "
            "flags as for the teacher."
        )
