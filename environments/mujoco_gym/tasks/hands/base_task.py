"""``DexHandBaseGymEnv-v0``: the base task of DexHand: raise the hand to a height and keep it there, smoothly."""

import torch

from environments.batched.single import BatchedGymEnv
from environments.mujoco_gym.maths import exp, total
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.task import Terms
from environments.mujoco_gym.tasks.hands.moving_config import BASE_SEEN, DexHandBaseConfig
from environments.mujoco_gym.tasks.hands.moving_hand import FINGERS, MovingHandTask


class DexHandBaseTask(MovingHandTask):
    """N hands.

    Attributes:
        last_vel: ``(N, A)``: velocities of the controls a step ago.
        accel: ``(N, A)``: their accelerations over the last step.
        last_touches: ``(N, F) bool``: which fingertips touched something a step ago.
        same_touches: ``(N, F) bool``: which do as they did then.
        held: ``(N,) int64``: steps that the hand has been near its height.
        succeeded: ``(N,) bool``: long enough, in this episode.
        succeeds: ``(N,) bool``: since this step.
    """

    config: DexHandBaseConfig
    replayable = True
    task_arrays = (
        *MovingHandTask.task_arrays,
        *("last_vel", "accel", "last_touches", "same_touches", "held", "succeeded", "succeeds"),
    )

    def setup(self) -> None:
        super().setup()
        count, device = self.num_envs, self.backend.device
        self.last_vel, self.accel = (torch.zeros(count, len(self.control_names), device=device) for _ in range(2))
        fingers = len(self.finger_names)
        self.last_touches, self.same_touches = (
            torch.zeros(count, fingers, dtype=torch.bool, device=device) for _ in range(2)
        )
        self.held = torch.zeros(count, dtype=torch.int64, device=device)
        self.succeeded, self.succeeds = (torch.zeros(count, dtype=torch.bool, device=device) for _ in range(2))
        middle, half = (self.joint_high + self.joint_low) / 2, (self.joint_high - self.joint_low) / 2
        self._soft_low, self._soft_high = (middle + sign * half * self.config.soft_limits for sign in (-1, 1))

    def begin(self, draws: Draws) -> None:
        super().begin(draws)
        self.last_vel.copy_(self.control_vel)
        self.accel.zero_()
        self.last_touches.copy_(self.touches)
        self.same_touches.fill_(True)
        self.held.zero_()
        self.succeeded.zero_()
        self.succeeds.zero_()

    def update(self) -> None:
        self.accel.copy_((self.control_vel - self.last_vel) / self.control_dt)
        self.last_vel.copy_(self.control_vel)
        self.same_touches.copy_(self.touches == self.last_touches)
        self.last_touches.copy_(self.touches)
        near = (self.palm_height - self.config.target_height).abs() < self.config.height_tolerance
        self.held.copy_(torch.where(near, self.held + 1, torch.zeros_like(self.held)))
        long_enough = self.held >= round(self.config.hold_seconds / self.control_dt)
        self.succeeds.copy_(long_enough & ~self.succeeded)
        self.succeeded |= long_enough

    # terms

    def compute_observations(self) -> dict[str, Terms]:
        terms = {
            **self.hand_observations(),
            "tips_world": self.finger_poses(self._tips, in_palm=False),
            "pads_world": self.finger_poses(self._pads, in_palm=False),
        }
        return {"policy": {name: terms[name] for name in BASE_SEEN}}

    def compute_task_rewards(self) -> Terms:
        config, velocity, accel = self.config, self.control_vel, self.accel
        lowest = self.fingertip_positions[..., 2].amin(1)
        beyond = (self._soft_low - self.joint_pos).clamp(min=0) + (self.joint_pos - self._soft_high).clamp(min=0)

        def small(values: torch.Tensor, scale: float) -> torch.Tensor:
            """1 where all is 0, 1/e where the length of ``values (K, n)`` is the scale."""
            return exp(-total(values * values) / scale**2)

        fingers = velocity[:, FINGERS].shape[1] ** 0.5
        return {
            "height": exp(-(self.palm_height - config.target_height).abs() / config.height_scale),
            "alive": torch.ones(self.count, device=self.backend.device),
            "height_safety": exp(-(config.safe_height - lowest).clamp(min=0) / config.safety_scale),
            "finger_velocity": small(velocity[:, FINGERS] / fingers, config.finger_vel_scale),
            "hand_velocity": small(velocity[:, :3], config.hand_vel_scale),
            "hand_angular_velocity": small(velocity[:, 3:6], config.hand_ang_vel_scale),
            "joint_limit": exp(-total(beyond) / config.limit_scale),
            "finger_acceleration": small(accel[:, FINGERS] / fingers, config.finger_accel_scale),
            "hand_acceleration": small(accel[:, :3], config.hand_accel_scale),
            "hand_angular_acceleration": small(accel[:, 3:6], config.hand_ang_accel_scale),
            "contact_stability": total(self.same_touches.float()) / self.same_touches.shape[1],
            "success": self.succeeds.float(),
            "failure": self.on_ground.float(),
        }

    def compute_terminations(self) -> Terms:
        return {"on_ground": self.on_ground}

    def compute_success(self) -> torch.Tensor:
        return self.succeeded & ~self.on_ground


class DexHandBaseGymEnv(BatchedGymEnv):
    """One hand; see `DexHandBaseTask` for its rules and `DexHandBaseConfig` for its parameters.

    Actions: 6 controls of the base and 12 of the fingers, in [-1, 1]. Observation: ``(224,) float32``.
    """

    config_class = DexHandBaseConfig
    world_class = DexHandBaseTask
