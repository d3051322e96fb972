"""What a task computes, held once against what it must be, so that a mistake is said by name."""

from collections.abc import Mapping
from typing import Any

import torch

from srl3.errors import UserError


def check_terms(env_id: str, method: str, terms: Any, count: int, dtype: torch.dtype, *, columns: bool = False) -> None:
    """Hold terms by name against their shape and type.

    Args:
        env_id: of the world, for the message.
        method: of the task, which computed them.
        terms: what it returned.
        count: K, robots.
        dtype: of each term.
        columns: ``(K, k)`` each, and not ``(K,)``.

    Raises:
        UserError: naming the term.
    """
    if not isinstance(terms, Mapping):
        raise UserError(f"{method} of {env_id} must return tensors by name, not {_described(terms)}.")
    for name, value in terms.items():
        if not isinstance(name, str):
            raise UserError(f"{method} of {env_id} must return tensors by name, not by {name!r}.")
        fits = isinstance(value, torch.Tensor) and value.dtype == dtype and value.shape[:1] == (count,)
        if not fits or value.ndim != (2 if columns else 1):
            shape = f"({count}, k)" if columns else f"({count},)"
            kind = str(dtype).removeprefix("torch.")
            raise UserError(
                f"the term {name} that {method} of {env_id} returns must be a {kind} tensor of shape {shape}, "
                f"a row for each robot, not {_described(value)}."
            )


def check_groups(env_id: str, groups: Any, count: int) -> None:
    """The same of observations, by group and by name."""
    if not isinstance(groups, Mapping) or not all(isinstance(terms, Mapping) for terms in groups.values()):
        raise UserError(
            f"compute_observations of {env_id} must return terms by group and name: {{'policy': {{'joint_pos': …}}}}."
        )
    for terms in groups.values():
        check_terms(env_id, "compute_observations", terms, count, torch.float32, columns=True)


def _described(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    return type(value).__name__
