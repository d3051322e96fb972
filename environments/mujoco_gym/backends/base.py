"""`PhysicsBackend`: N simulations of one model that are stepped together."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    import mujoco


class PhysicsBackend(ABC):
    """N simulations of one compiled model. Arrays are torch tensors on ``device``, float32, unless said otherwise.

    What is to be read after a step is announced by `read` when the world is built: an engine fills only fields that it
    was asked for, and one asked for late would hold zeros until the next step.

    Attributes:
        model: the compiled model that all simulations began with.
        num_envs: N.
        device: where the tensors are.
    """

    model: "mujoco.MjModel"
    num_envs: int
    device: torch.device
    layout: object = None
    """another object where tensors, or what is computed of them, are others than before"""

    @abstractmethod
    def read(self, field: str) -> torch.Tensor:
        """``(N, …) float32``: a field of ``MjData`` by its name; the same tensor is refilled by every call below.

        Fields of the state (``qpos``, ``qvel``, ``ctrl``) are current after `step`; what the engine computes from it
        (``xpos``, ``site_xpos``, ``sensordata``, ``cfrc_ext``) is of the state before the last substep.

        Raises:
            ValueError: when it is asked for the first time after the first `step`, `reset` or `forward`.
        """

    @abstractmethod
    def exact(self, field: str) -> torch.Tensor:
        """``(N, …)``: a field of the state in the engine's own precision, live; for differences of large numbers."""

    @abstractmethod
    def write(self, field: str, values: torch.Tensor, rows: torch.Tensor | None = None) -> None:
        """Set a field of the state (``qpos``, ``qvel``, ``ctrl``, ``xfrc_applied`` …) of all rows, or of these."""

    @abstractmethod
    def step(self, substeps: int) -> None:
        """Advance every simulation by ``substeps`` timesteps."""

    @abstractmethod
    def reset(self, rows: torch.Tensor) -> None:
        """Put these simulations in the model's initial state; call `forward` once they are placed."""

    @abstractmethod
    def forward(self, rows: torch.Tensor) -> None:
        """Compute from the state of these simulations everything that is read, without advancing."""

    @abstractmethod
    def failed(self) -> torch.Tensor:
        """``(N,) bool``: the last `step` met numbers that are not finite, or too large; the state was thrown away."""

    @abstractmethod
    def vary(self, field: str) -> torch.Tensor:
        """``(N, …)``: a field of the model for each simulation, in the engine's own precision; writing changes it.

        ``opt.gravity`` and other options by their dotted name. Call `recompute` after writing.

        Raises:
            UserError: when the engine can't have another value of it in each simulation.
        """

    @abstractmethod
    def recompute(self, rows: torch.Tensor) -> None:
        """Bring what the engine derives from the model's varied fields up to date in these simulations."""

    @abstractmethod
    def snapshot(self, rows: torch.Tensor) -> dict[str, np.ndarray]:
        """Everything of these simulations that the next step depends on, and what was read; copies, K rows each."""

    @abstractmethod
    def restore(self, rows: torch.Tensor, saved: dict[str, np.ndarray]) -> None:
        """Put back what `snapshot` gave, to the last bit."""

    @abstractmethod
    def state_rows(self) -> torch.Tensor:
        """``(N, S)``: the whole state of every simulation, for a dump, as MuJoCo's integration state; a copy."""

    @abstractmethod
    def data(self, row: int) -> "tuple[Any, Any]":
        """The ``MjModel`` and a forwarded ``MjData`` of one simulation, to draw it."""
