"""From a policy's actions to the controls of a robot's actuators."""

import copy
from collections.abc import Mapping

import torch

from environments.mujoco_gym.config import ActionConfig


class Actions:
    """The actions of N robots: delayed, averaged, scaled, offset.

    Args:
        config: how.
        offsets: ``(A,)``, the control of an action of 0.
        scales: ``(A,)``, what an action of 1 adds to it.
        num_envs: N.

    Attributes:
        newest: ``(N, A)``, what the policy chose last.
        before: ``(N, A)``, what it chose the step before.
        earlier: ``(N, A)``, what it chose two steps before.
        applied: ``(N, A)``, after delay and moving average.
    """

    def __init__(self, config: ActionConfig, offsets: torch.Tensor, scales: torch.Tensor, num_envs: int) -> None:
        self.config = config
        self.offsets = offsets
        self.scales = scales
        self.plain = bool((offsets == 0).all() and (scales == 1).all()) and config.scale == 1
        shape = (num_envs, len(offsets))
        self.newest, self.before, self.earlier, self.applied = (
            torch.zeros(shape, device=offsets.device) for _ in range(4)
        )
        self._waiting = torch.zeros(num_envs, config.delay, len(offsets), device=offsets.device)

    def push(self, actions: torch.Tensor) -> torch.Tensor:
        """``(N, A)``: the controls that follow from these actions."""
        config = self.config
        self.earlier.copy_(self.before)
        self.before.copy_(self.newest)
        self.newest.copy_(actions)
        due = actions
        if config.delay:
            due = self._waiting[:, 0].clone()
            self._waiting[:, :-1] = self._waiting[:, 1:].clone()
            self._waiting[:, -1] = actions
        if config.moving_average == 1:
            self.applied.copy_(due)
        else:
            self.applied.mul_(1 - config.moving_average).add_(config.moving_average * due)
        return self.applied if self.plain else self.applied * (self.scales * config.scale) + self.offsets

    def begin(self, rows: torch.Tensor) -> None:
        """An episode of these robots begins: no action was chosen yet."""
        for tensor in (self.newest, self.before, self.earlier, self.applied, self._waiting):
            tensor[rows] = 0

    def of(self, rows: torch.Tensor) -> "Actions":
        """The actions of some robots only: copies, to be read."""
        few = copy.copy(self)
        few.newest, few.before, few.earlier = self.newest[rows], self.before[rows], self.earlier[rows]
        few.applied = self.applied[rows]
        return few

    # snapshots

    def state(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Copies of these robots' rows."""
        return {
            "newest": self.newest[rows],
            "before": self.before[rows],
            "earlier": self.earlier[rows],
            "applied": self.applied[rows],
            "waiting": self._waiting[rows],
        }

    def restore(self, rows: torch.Tensor, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""
        self.newest[rows], self.before[rows], self.earlier[rows] = state["newest"], state["before"], state["earlier"]
        self.applied[rows], self._waiting[rows] = state["applied"], state["waiting"]
