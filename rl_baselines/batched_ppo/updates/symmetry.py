"""Symmetry of a world in the update: mirror images as more samples, or as a loss (Mittal et al. 2024,
arXiv:2403.04359)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor

from environments.mirror import Mirror, Reflection
from srl3.errors import UserError

SYMMETRIES = ("off", "augment", "loss", "both")
"""What an update does with mirror images: nothing; takes them for more samples; asks the policy to act in the mirror
image as its mirror image would; both."""


@dataclass(frozen=True)
class TensorReflection:
    """A `Reflection` as tensors."""

    order: Tensor
    signs: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, reflection: Reflection, device: torch.device) -> "TensorReflection":
        count = len(reflection.order)
        return cls(
            torch.tensor(reflection.order, device=device),
            torch.tensor(reflection.signs or (1.0,) * count, device=device),
            torch.tensor(reflection.offsets or (0.0,) * count, device=device),
        )

    def numbers(self, values: Tensor) -> Tensor:
        """``(..., size)`` mirrored."""
        return values[..., self.order] * self.signs + self.offsets

    def choices(self, actions: Tensor) -> Tensor:
        """Discrete actions mirrored."""
        return self.order[actions]

    def probabilities(self, values: Tensor) -> Tensor:
        """``(..., K)``: the probabilities of mirrored discrete actions."""
        return values.index_select(-1, self.order.argsort())


@dataclass(frozen=True)
class Symmetry:
    """The mirrors of a world for the groups that a policy and its critic see."""

    policy: TensorReflection
    critic: TensorReflection
    actions: TensorReflection
    discrete: bool

    def mirrored_actions(self, actions: Tensor) -> Tensor:
        """Actions of the mirror image."""
        return self.actions.choices(actions) if self.discrete else self.actions.numbers(actions)

    def mirrored_centre(self, centre: Tensor) -> Tensor:
        """Means, or probabilities, of the mirror image."""
        return self.actions.probabilities(centre) if self.discrete else self.actions.numbers(centre)


def symmetries_of(
    mirrors: Sequence[Mirror],
    groups: tuple[str, str],
    observation_spaces: Mapping[str, spaces.Space[Any]],
    action_space: spaces.Space[Any],
    device: torch.device,
) -> list[Symmetry]:
    """The mirrors of a world, for the groups of the policy and of the critic.

    Raises:
        UserError: when there is none.
        ValueError: for a mirror that does not fit the world's own spaces.
    """
    if not mirrors:
        raise UserError("symmetry needs a world that says how it mirrors, which this one does not; set symmetry:off.")
    numbers = int(action_space.n) if isinstance(action_space, spaces.Discrete) else spaces.flatdim(action_space)
    found = []
    for mirror in mirrors:
        for group in groups:
            if len(mirror.observations[group].order) != spaces.flatdim(observation_spaces[group]):
                raise ValueError(f"the mirror of group {group} does not fit {observation_spaces[group]}")
        if len(mirror.actions.order) != numbers:
            raise ValueError(f"the mirror of the actions does not fit {action_space}")
        policy, critic = (TensorReflection.of(mirror.observations[group], device) for group in groups)
        actions = TensorReflection.of(mirror.actions, device)
        found.append(Symmetry(policy, critic, actions, isinstance(action_space, spaces.Discrete)))
    return found
