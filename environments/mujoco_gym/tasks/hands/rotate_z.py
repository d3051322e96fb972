"""``ParaHandRotateZGymEnv-v0``: keep a cube in the hand turning about the vertical."""

import math

import torch

from environments.batched.single import BatchedGymEnv
from environments.mujoco_gym.maths import turning_of, yaw_quat
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.task import Terms
from environments.mujoco_gym.tasks.hands.in_hand import FOR_CRITIC, InHandTask, turn_between
from environments.mujoco_gym.tasks.hands.in_hand_config import RotateZConfig

POLICY = ("joint_pos", "joint_error", "cube_pos", "cube_faces", "touch", "actions")
SEEN = {"policy": POLICY, "critic": (*POLICY, *FOR_CRITIC)}
"""terms by group"""


class RotateZTask(InHandTask):
    """N hands that turn a cube.

    Attributes:
        last_quat: ``(N, 4)``: how the cube was turned a step ago.
        turning_speed: ``(N,)``: of the cube about the vertical over the last step, from where it was and is, rad/s.
        turned_by: ``(N,)``: how far it has turned about the vertical in this episode, rad.
        seconds: ``(N,)``: of the episode so far.
    """

    config: RotateZConfig
    replayable = True
    task_arrays = (*InHandTask.task_arrays, "last_quat", "turning_speed", "turned_by", "seconds")

    def setup(self) -> None:
        super().setup()
        self.last_quat = torch.zeros(self.num_envs, 4, device=self.backend.device)
        self.turning_speed, self.turned_by, self.seconds = (
            torch.zeros(self.num_envs, device=self.backend.device) for _ in range(3)
        )

    def first_turn(self, draws: Draws) -> torch.Tensor:
        return yaw_quat(draws.uniform("cube.turn", 1, -math.pi, math.pi)[:, 0])

    def begin(self, draws: Draws) -> None:
        super().begin(draws)
        self.last_quat.copy_(self.object_quat)
        self.turning_speed.zero_()
        self.turned_by.zero_()
        self.seconds.zero_()

    def update(self) -> None:
        self.turning_speed.copy_(turning_of(turn_between(self.last_quat, self.object_quat))[:, 2] / self.control_dt)
        self.last_quat.copy_(self.object_quat)
        self.turned_by += self.turning_speed * self.control_dt
        self.seconds += self.control_dt

    def compute_observations(self) -> dict[str, Terms]:
        terms = self.cube_observations()
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

    Actions: 22 joints, [-1, 1] times their speed. Observation: ``(83,) float32``.
    """

    config_class = RotateZConfig
    world_class = RotateZTask
