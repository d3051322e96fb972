"""What a viewer asks of a MuJoCo world: its scene, and a push."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import mujoco
import numpy as np
import torch

from environments.batched.world import ALL, BatchedWorld, Rows
from environments.mujoco_gym.task_parts.named_state import NamedState

if TYPE_CHECKING:
    from environments.mujoco_gym.scene_parts import ModelParts
    from environments.scenes.parts import ScenePart


class Watched(NamedState, BatchedWorld):
    """The part of a task that is there for viewers; nothing of it is paid while nobody looks."""

    _model_parts: "ModelParts | None" = None

    def scene_parts(self) -> "list[ScenePart]":
        return self._parts().parts

    def scene_poses(self, rows: Rows = ALL) -> np.ndarray:
        chosen = self._all_rows[rows]
        state = [self.backend.exact(field)[chosen].cpu().numpy() for field in ("qpos", "mocap_pos", "mocap_quat")]
        return self._parts().poses(*state)

    def simulation(self, row: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """One robot's model, and its present state, forwarded: what a viewer of MuJoCo's own shows."""
        return self.backend.data(row)

    @property
    def can_be_pushed(self) -> bool:
        return bool(self.robot.base)

    def push(self, rows: Rows, velocity: Sequence[float]) -> None:
        if not self.can_be_pushed:
            super().push(rows, velocity)
        start, chosen = self._base[1], self._all_rows[rows]
        qvel = self.backend.exact("qvel")[chosen].clone()
        qvel[:, start : start + 3] += torch.tensor(velocity, dtype=qvel.dtype, device=qvel.device)
        self.backend.write("qvel", qvel, chosen)
        self.state_changed()

    def _parts(self) -> "ModelParts":
        if self._model_parts is None:
            from environments.mujoco_gym.scene_parts import ModelParts

            self._model_parts = ModelParts(self.backend.model)
        return self._model_parts
