"""``ParaHandRotateZGymEnv-v0``: keep a cube in the hand turning about the vertical."""

import math

import torch

from environments.batched.single import BatchedGymEnv
from environments.mujoco_gym.maths import last_rows, yaw_quat
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.task import Terms
from environments.mujoco_gym.tasks.hands.in_hand import FOR_CRITIC, InHandTask
from environments.mujoco_gym.tasks.hands.in_hand_config import RotateZConfig

POLICY = ("joint_pos", "joint_error", "cube_pos", "cube_turn", "touch", "actions")
SEEN = {"policy": POLICY, "critic": (*POLICY, *FOR_CRITIC)}
"""terms by group"""


class RotateZTask(InHandTask):
    """N hands that turn a cube.

    Attributes:
        turned_by: ``(N,)``: how far the cube has turned about the vertical in this episode, rad.
        seconds: ``(N,)``: of the episode so far.
    """

    config: RotateZConfig
    task_arrays = (*InHandTask.task_arrays, "turned_by", "seconds")

    def setup(self) -> None:
        super().setup()
        self.turned_by = torch.zeros(self.num_envs, device=self.backend.device)
        self.seconds = torch.zeros(self.num_envs, device=self.backend.device)

    def first_turn(self, draws: Draws) -> torch.Tensor:
        return yaw_quat(draws.uniform("cube.turn", 1, -math.pi, math.pi)[:, 0])

    def begin(self, draws: Draws) -> None:
        super().begin(draws)
        self.turned_by.zero_()
        self.seconds.zero_()

    def update(self) -> None:
        self.turned_by += self.turning_speed * self.control_dt
        self.seconds += self.control_dt

    @property
    def turning_speed(self) -> torch.Tensor:
        """``(K,)``: of the cube about the vertical, rad/s"""
        return self.object_ang_vel_world[:, 2]

    def compute_observations(self) -> dict[str, Terms]:
        terms = {**self.cube_observations(), "cube_turn": last_rows(self.object_quat)}
        return {group: {name: terms[name] for name in names} for group, names in SEEN.items()}

    def compute_task_rewards(self) -> Terms:
        return {
            **super().compute_task_rewards(),
            "turning": self.turning_speed.clamp(*self.config.paid_speed_range),
        }

    def compute_success(self) -> torch.Tensor:
        return (self.turned_by >= self.config.success_speed * self.seconds) & ~self.dropped


class RotateZGymEnv(BatchedGymEnv):
    """One hand that turns a cube; see `RotateZTask` for its rules and `RotateZConfig` for its parameters.

    Actions: 22 joints, [-1, 1] times their speed. Observation: ``(80,) float32``.
    """

    config_class = RotateZConfig
    world_class = RotateZTask
