"""The datasets of teachers that a user named: found, opened and checked against one another."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from environments.datasets.dataset import Dataset, open_dataset
from environments.datasets.find import RECORD, datasets_in, no_dataset
from environments.datasets.writer import is_dataset
from srl3.errors import UserError

CROSS_ENTROPY, KL, MSE = "cross_entropy", "kl", "mse"
LOSSES = (KL, MSE, CROSS_ENTROPY)


def open_teachers(folders: Sequence[Path]) -> list[Dataset]:
    """The datasets in these folders, each of which is one, or holds some.

    Raises:
        UserError: where there is none, one is damaged, or two do not go together.
    """
    found = [path for folder in folders for path in _datasets_in(folder)]
    places = [path.resolve() for path in found]
    for path, place in zip(found, places, strict=True):
        if places.count(place) > 1:
            raise UserError(f"{path} is given twice in --teacher-data-folder; name each dataset once.")
    datasets = [open_dataset(path) for path in found]
    first, *others = datasets
    for other in others:
        for what, here, there in (
            ("the environment is", first.info.env_id, other.info.env_id),
            ("actions are", _actions(first), _actions(other)),
            ("frames are", _by(first.info.frame_shape), _by(other.info.frame_shape)),
        ):
            if here != there:
                raise UserError(
                    f"{first.path} and {other.path} can't teach one student: {what} {here} in the one and {there} in "
                    "the other."
                )
    return datasets


def check_labels(datasets: Sequence[Dataset], loss: str) -> None:
    """Raise `UserError` unless all datasets hold what a loss is taken against (one of `LOSSES`)."""
    for dataset in datasets:
        discrete = dataset.info.n_actions is not None
        has_distribution = dataset.action_probabilities is not None if discrete else _is_gaussian(dataset)
        if dataset.teacher_actions is None and not has_distribution:
            raise UserError(
                f"{dataset.path} has no teacher in it (it was recorded by {dataset.info.policy}); record one with "
                "dataset_generator --run-policy custom --log-custom-policy RUN."
            )
        if (loss == KL or (loss == MSE and discrete)) and not has_distribution:
            other = CROSS_ENTROPY if discrete else MSE
            raise UserError(
                f"{dataset.path} holds the actions of {dataset.info.policy}, and no distribution to compare with; "
                f"use --hyperparam loss:{other}, or a teacher that draws its actions, such as ppo2."
            )


def tasks_of(datasets: Sequence[Dataset]) -> tuple[np.ndarray, list[str]]:
    """The task of each step of these datasets, one after the other, ``(n,) int64``, and the tasks' names.

    A dataset with labels has the tasks that they name; one without is a task of its own, called as its folder, and as
    the folders above it too where two are called alike.
    """
    places = {dataset.path: Path(os.path.abspath(dataset.path)) for dataset in datasets}
    own = _names_apart([places[dataset.path] for dataset in datasets if dataset.labels is None])
    names = [
        np.array([own[places[dataset.path]]] * len(dataset)) if dataset.labels is None else dataset.labels
        for dataset in datasets
    ]
    found, numbers = np.unique(np.concatenate(names), return_inverse=True)
    return numbers.astype(np.int64), [str(name) for name in found]


def _datasets_in(folder: Path) -> list[Path]:
    found = [folder] if folder.is_dir() and is_dataset(folder) else datasets_in(folder)
    if not found:
        raise no_dataset(folder, f"{RECORD} --run-policy custom --log-custom-policy RUN")
    return found


def _names_apart(places: Sequence[Path]) -> dict[Path, str]:
    """Of each of these absolute paths its last part, or as many as no other one ends with."""
    names = {}
    for place in places:
        others = [other for other in places if other != place]
        count = 1
        while any(other.parts[-count:] == place.parts[-count:] for other in others):
            count += 1
        names[place] = "/".join(place.parts[-count:])
    return names


def _is_gaussian(dataset: Dataset) -> bool:
    return dataset.action_means is not None and dataset.action_stds is not None


def _actions(dataset: Dataset) -> str:
    if dataset.info.n_actions is None:
        return f"{dataset.actions.shape[1]} continuous"
    return f"{dataset.info.n_actions} discrete"


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
