"""`MovingHandTask`: the hand on its base of six degrees: how an episode starts, and what is observed of it."""

import torch

from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.task import Terms
from environments.mujoco_gym.tasks.hands.hand_task import POSE, HandTask
from environments.mujoco_gym.tasks.hands.moving_config import MovingHandConfig
from srl3.errors import unknown_name

BASE = slice(0, 6)
"""the controls of the base: three slides, three hinges"""
FINGERS = slice(6, None)
"""those of the fingers"""


class MovingHandTask(HandTask):
    """N hands on moving bases. The first six controls are the base's."""

    config: MovingHandConfig

    def place(self, draws: Draws) -> None:
        """At rest, as `first_controls` says."""
        self.set_robot(self.joint_targets(self.first_controls(draws)))

    def first_controls(self, draws: Draws) -> torch.Tensor:
        """``(K, A)``: somewhere over the ground, turned a little, the fingers a little bent."""
        config = self.config
        controls = torch.zeros(self.count, len(self.control_names), device=self.backend.device)
        controls[:, :2] = draws.uniform("place", 2, *config.start_place_range)
        controls[:, 2:3] = draws.uniform("height", 1, *config.start_height_range)
        controls[:, 3:4] = draws.uniform("yaw", 1, *config.start_yaw_range)
        controls[:, FINGERS] = draws.uniform("fingers", controls.shape[1] - 6, *config.start_finger_range)
        controls[:, self.number("thumb_rotation")] = draws.uniform("thumb", 1, *config.start_thumb_range)[:, 0]
        controls[:, self.number("spread")] = 0
        return controls

    def begin(self, draws: Draws) -> None:
        self.target_where_it_is()

    def number(self, control: str) -> int:
        """Of a control, by its name."""
        if control not in self.control_names:
            raise unknown_name("control of the task's hand", control, self.control_names)
        return self.control_names.index(control)

    @property
    def palm_height(self) -> torch.Tensor:
        """``(K,)``: of the palm's root above the ground, m"""
        return self.palm_pos[:, 2]

    @property
    def on_ground(self) -> torch.Tensor:
        """``(K,) bool``"""
        return self.palm_height < self.config.lowest_height

    def hand_observations(self) -> Terms:
        """Terms of both tasks, by name."""
        return {
            "base_pos": self.control_pos[:, BASE],
            "base_vel": self.control_vel[:, BASE],
            "finger_pos": self.control_pos[:, FINGERS],
            "finger_vel": self.control_vel[:, FINGERS],
            "hand_pose": torch.cat([self.palm_pos, self.palm_quat], 1),
            "touch": self.touches.float(),
            "actions": self.actions.newest,
            "base_targets": self.target[:, BASE],
            "finger_targets": self.target[:, FINGERS],
            "tips_palm": self.finger_poses(self._tips, in_palm=True),
            "pads_palm": self.finger_poses(self._pads, in_palm=True),
        }

    def observation_meaning(self, term: str) -> tuple[str, str, tuple[str, ...]]:
        base, fingers = self.control_names[BASE], self.control_names[FINGERS]
        known = {
            "base_pos": ("m, rad", "world", base),
            "base_vel": ("m/s, rad/s", "world", base),
            "finger_pos": ("rad", "", fingers),
            "finger_vel": ("rad/s", "", fingers),
            "hand_pose": ("m", "world", POSE),
            "base_targets": ("m, rad", "world", base),
            "finger_targets": ("rad", "", fingers),
        }
        return known.get(term) or super().observation_meaning(term)
