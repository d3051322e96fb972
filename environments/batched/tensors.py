"""The tensor adapter of a batched world: observations, rewards and endings as torch tensors, without copies."""

from typing import Any, NamedTuple, Protocol

import torch
from gymnasium import spaces
from torch import Tensor

from environments.batched.autoreset import step_and_reset
from environments.batched.episodes import EpisodeStatistics
from environments.batched.world import BatchedWorld

__all__ = ["EpisodeStatistics", "TensorEnv", "TensorStep", "WorldTensors"]


class TensorStep(NamedTuple):
    """A step of N robots; those whose episodes ended, K of them, have begun new ones."""

    observations: dict[str, Tensor]
    """by group, ``(N, ...)``, after the resets: float32, or uint8 for pixels"""
    reward: Tensor
    """``(N,) float32``"""
    terminated: Tensor
    """``(N,) bool``"""
    truncated: Tensor
    """``(N,) bool``: out of time, and not terminated"""
    final_rows: Tensor
    """``(K,) int64``: the robots whose episodes ended"""
    final_observations: dict[str, Tensor]
    """by group, ``(K, ...)``: the last ones of those episodes"""
    episodes: EpisodeStatistics
    """of those episodes, on the CPU"""


class TensorEnv(Protocol):
    """N environments whose data are tensors on one device, with autoreset in the same step."""

    num_envs: int
    device: torch.device
    observation_spaces: dict[str, spaces.Space[Any]]
    """of one robot, by group; ``policy`` is always there"""
    action_space: spaces.Space[Any]
    """of one robot"""
    reports_success: bool

    def reset(self) -> dict[str, Tensor]:
        """Begin an episode for all; the observations by group, ``(N, ...)``."""

    def observe(self) -> dict[str, Tensor]:
        """The observations now, by group, ``(N, ...)``."""

    def step(self, actions: Tensor) -> TensorStep:
        """One step, ``actions (N, A) float32`` or ``(N,) int64``.

        Raises:
            ValueError: for an action outside the action space.
        """

    def seed(self, seed: int) -> None:
        """Seed robot i with ``seed + i``; holds from the next reset on."""

    def resume_state(self) -> dict[str, Any]:
        """All that `restore_state` needs to go on to the last bit: plain values and NumPy arrays."""

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go to the point at which `resume_state` was called."""

    def close(self) -> None:
        """Free what the environments hold."""


class WorldTensors:
    """`TensorEnv` of a batched world. Arrays of a NumPy world and the tensors share their memory.

    Args:
        world: the robots.
    """

    def __init__(self, world: BatchedWorld) -> None:
        self.world = world
        self.num_envs = world.num_envs
        self.device = torch.device(world.device)
        self.observation_spaces: dict[str, spaces.Space[Any]] = dict(world.observation_spaces)
        self.action_space = world.action_space
        self.reports_success = world.reports_success
        self._numpy = world.array_kind == "numpy"
        self._running = False

    def reset(self) -> dict[str, Tensor]:
        self.world.reset()
        self._running = True
        return self.observe()

    def observe(self) -> dict[str, Tensor]:
        return {group: self._tensor(self.world.observe(group=group)) for group in self.observation_spaces}

    def step(self, actions: Tensor) -> TensorStep:
        if not self._running:
            raise RuntimeError(f"{self.world.config.env_id}: call reset() before step()")
        given = actions.detach().cpu().numpy() if self._numpy else actions.detach()
        transition = step_and_reset(self.world, given, tuple(self.observation_spaces))
        step = transition.step
        return TensorStep(
            {group: self._tensor(values) for group, values in transition.observations.items()},
            self._tensor(step.reward).float(),
            self._tensor(step.terminated),
            self._tensor(step.truncated),
            self._tensor(transition.rows),
            {group: self._tensor(values) for group, values in transition.final_observations.items()},
            transition.episodes,
        )

    def seed(self, seed: int) -> None:
        self.world.seed([seed + row for row in range(self.num_envs)])

    def resume_state(self) -> dict[str, Any]:
        return {"world": self.world.resume_state(), "running": self._running}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go to the point at which `resume_state` was called, on as many robots of the same configuration.

        Raises:
            UserError: when the state is of another number of robots.
        """
        self.world.restore_state(state["world"])
        self._running = state["running"]

    def close(self) -> None:
        self.world.close()

    def _tensor(self, values: Any) -> Tensor:
        return torch.from_numpy(values) if self._numpy else values
