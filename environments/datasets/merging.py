"""Whether datasets can be merged, and what the merged one says of itself."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from environments.datasets.dataset import Dataset
from environments.datasets.info import UNKNOWN_ENV, DatasetInfo
from environments.flags import make_config
from srl3.errors import UserError


def merged_info(datasets: Sequence[Dataset], labels: Sequence[str] | None) -> DatasetInfo:
    """What a dataset merged from these says of itself.

    Args:
        datasets: at least two.
        labels: the continual-learning task of each, or None.

    Raises:
        UserError: when two of them don't go together; it names both sides.
    """
    first, *others = datasets
    for other in others:
        for what, here, there in _differences(first, other):
            if here != there:
                raise UserError(
                    f"{first.path} and {other.path} can't be merged: {what} {here} in the one and {there} in the other."
                )
        if labels is None and (first.labels is None) != (other.labels is None):
            some, none = (first, other) if other.labels is None else (other, first)
            raise UserError(
                f"{some.path} has continual-learning labels and {none.path} has none; give "
                "--continual-learning-labels, one for each."
            )
    infos = [dataset.info for dataset in datasets]
    agreed = _agreed([info.env_kwargs for info in infos])
    return dataclasses.replace(
        first.info,
        env_kwargs=agreed,
        label_kwargs=_by_label(datasets, labels, agreed),
        n_actions=None if first.info.n_actions is None else max(info.n_actions or 0 for info in infos),
        policy=", ".join(dict.fromkeys(info.policy for info in infos)),
        toward_target=infos[0].toward_target if len({info.toward_target for info in infos}) == 1 else -1.0,
        perturbed=infos[0].perturbed if len({info.perturbed for info in infos}) == 1 else -1.0,
        sources=tuple(dataset.path.name for dataset in datasets),
    )


def worlds_of(info: DatasetInfo) -> list[dict[str, Any]]:
    """The parameters of every world that a dataset was recorded in; none where it was merged from several and has no
    labels that tell them apart."""
    if info.label_kwargs:
        return [{**info.env_kwargs, **own} for own in info.label_kwargs.values()]
    if info.sources and info.env_id != UNKNOWN_ENV:
        every = make_config(info.env_id, {}).as_dict()
        if not set(every) <= set(info.env_kwargs):
            return []
    return [info.env_kwargs]


def _by_label(
    datasets: Sequence[Dataset], labels: Sequence[str] | None, agreed: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What of its world is not ``agreed``, for each label that is of one world."""
    worlds: dict[str, list[dict[str, Any]]] = {}
    for number, dataset in enumerate(datasets):
        info = dataset.info
        if labels is not None and (dataset.labels is None or len(worlds_of(info)) == 1):
            own = {labels[number]: info.env_kwargs}
        elif labels is None and dataset.labels is not None:
            shared = {} if info.label_kwargs else dict.fromkeys(map(str, np.unique(dataset.labels)), info.env_kwargs)
            own = shared | {label: {**info.env_kwargs, **kwargs} for label, kwargs in info.label_kwargs.items()}
        else:
            own = {}
        for label, world in own.items():
            worlds.setdefault(label, []).append({name: value for name, value in world.items() if name not in agreed})
    return {label: found[0] for label, found in worlds.items() if all(each == found[0] for each in found)}


def _differences(first: Dataset, other: Dataset) -> list[tuple[str, Any, Any]]:
    """What must be the same: its name and both sides in words."""
    same_number = first.info.env_id != UNKNOWN_ENV  # else it is only the greatest action that was seen

    def actions(dataset: Dataset) -> str:
        if dataset.info.n_actions is None:
            return f"{dataset.actions.shape[1]} continuous"
        return f"{dataset.info.n_actions} discrete" if same_number else "discrete"

    def positions(dataset: Dataset) -> str:
        return "relative to the target" if dataset.info.relative_pos else "in the world frame"

    return [
        ("the environment is", first.info.env_id, other.info.env_id),
        ("frames are", _by(first.info.frame_shape), _by(other.info.frame_shape)),
        ("actions are", actions(first), actions(other)),
        ("positions are", positions(first), positions(other)),
        ("numbers of ground truth are", first.ground_truth.shape[1], other.ground_truth.shape[1]),
        ("coordinates of the target are", first.targets.shape[1], other.targets.shape[1]),
    ]


def _agreed(kwargs: list[dict[str, Any]]) -> dict[str, Any]:
    """The parameters that all have, with the same value."""
    first, *others = kwargs
    return {
        name: value for name, value in first.items() if all(name in other and other[name] == value for other in others)
    }


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
