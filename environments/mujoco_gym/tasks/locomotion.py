"""``AntGymEnv-v0`` and ``HumanoidGymEnv-v0``: run along +x, with the observations and rewards of IsaacGymEnvs."""

import torch

from environments.batched.single import BatchedGymEnv
from environments.mujoco_gym.maths import ROLL, YAW, atan2, entries, total, wrapped
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.task import Task, Terms
from environments.mujoco_gym.tasks.locomotion_config import AntConfig, HumanoidConfig, LocomotionConfig


class LocomotionTask(Task):
    """What Ant and Humanoid share.

    The potential is minus the distance to the target, in the plane, per control step's seconds; progress is its
    difference. A robot that falls gets ``death`` alone in that step. The reward of an episode ends at ``max_steps``.
    """

    config: LocomotionConfig
    task_arrays = ("potential", "progress")

    def setup(self) -> None:
        """Potentials in float64: they are large, and their difference is what counts."""
        device = self.backend.device
        self.potential = torch.zeros(self.num_envs, dtype=torch.float64, device=device)
        self.progress = torch.zeros(self.num_envs, device=device)
        self._foot_forces = self.sensor_places(
            tuple(f"{foot}_{quantity}" for foot in self.robot.feet for quantity in ("force", "torque"))
        )
        self._joint_range = self.joint_high - self.joint_low
        self.effort = self.gears / self.gears.max()
        """``(J,)``: strength of each motor against the strongest"""

    def place(self, draws: Draws) -> None:
        """Near the default pose, nearly at rest, at the origin."""
        config, count = self.config, len(self.robot.joints)
        offset = draws.uniform("joint_pos", count, -config.joint_noise, config.joint_noise)
        position = (self.default_joint_pos + offset).clamp(self.joint_low, self.joint_high)
        velocity = draws.uniform("joint_vel", count, -config.joint_vel_noise, config.joint_vel_noise)
        self.set_robot(position, velocity)

    def begin(self, draws: Draws) -> None:
        self.potential.copy_(self._potential())
        self.progress.zero_()

    def update(self) -> None:
        potential = self._potential()
        self.progress.copy_(potential - self.potential)
        self.potential.copy_(potential)

    def _potential(self) -> torch.Tensor:
        """``(K,) float64``"""
        position = self.exact("qpos")[:, self._base[0] : self._base[0] + 2].double()
        x = self.config.target_distance - position[:, 0]
        y = position[:, 1]
        return torch.sqrt(x * x + y * y) / -self.control_dt

    # what several terms read

    @property
    def joint_pos_scaled(self) -> torch.Tensor:
        """``(K, J)``: positions of the joints in their ranges, -1 at the lower limit and 1 at the upper."""
        return self._cached(
            "joint_pos_scaled", lambda: (2 * self.joint_pos - self.joint_high - self.joint_low) / self._joint_range
        )

    @property
    def up(self) -> torch.Tensor:
        """``(K,)``: cosine of the base's tilt"""
        return self._sides_of_angles[4]  # the roll's x side: of the base's z axis, what is vertical

    @property
    def heading(self) -> torch.Tensor:
        """``(K,)``: cosine of the angle, in the plane, between the base's x axis and the way to the target"""
        return self._cached("heading", self._heading)

    def _heading(self) -> torch.Tensor:
        forward_y, _, y, forward_x, _, x = self._sides_of_angles.unbind(0)
        return (forward_x * x + forward_y * y) / torch.sqrt(x * x + y * y)

    @property
    def _sides_of_angles(self) -> torch.Tensor:
        """``(6, K)``: y sides, then x sides, of three angles: the yaw of the base, its roll, the way to the target"""
        return self._cached("sides_of_angles", self._find_sides)

    def _find_sides(self) -> torch.Tensor:
        yaw_y, yaw_x, roll_y, roll_x = entries(self.base_quat, YAW + ROLL).unbind(1)
        position = self.base_pos
        target_x, target_y = self.config.target_distance - position[:, 0], -position[:, 1]
        return torch.stack([yaw_y, roll_y, target_y, yaw_x, roll_x, target_x])

    @property
    def fallen(self) -> torch.Tensor:
        """``(K,) bool``"""
        return self._cached("fallen", lambda: self.base_pos[:, 2] < self.config.termination_height)

    # terms

    def compute_observations(self) -> dict[str, Terms]:
        sides = self._sides_of_angles
        yaw, roll, to_target = atan2(sides[:3], sides[3:]).unbind(0)
        terms = {
            "height": self.base_pos[:, 2:3],
            "base_lin_vel": self.base_lin_vel,
            "base_ang_vel": self.base_ang_vel,
            "yaw": yaw[:, None],
            "roll": roll[:, None],
            "angle_to_target": wrapped(to_target - yaw)[:, None],
            "up": self.up[:, None],
            "heading": self.heading[:, None],
            "joint_pos": self.joint_pos_scaled,
            "joint_vel": self.joint_vel,
            "foot_forces": self.sensors(self._foot_forces),
            "actions": self.actions.newest,
        }
        return {"policy": terms}

    def compute_task_rewards(self) -> Terms:
        actions = self.actions.newest
        running = (~self.fallen).float()
        heading = (self.heading / self.config.heading_full).clamp(max=1.0)
        terms = {
            "progress": self.progress,
            "alive": torch.ones_like(running),
            "upright": (self.up > self.config.upright).float(),
            "heading": heading,
        }
        by_joint = {
            "action_cost": actions * actions,
            "electricity": self.electricity(actions),
            "joint_limits": self.joint_limits(),
        }
        sums = total(torch.stack(list(by_joint.values()), 2))
        paid = torch.cat([torch.stack(list(terms.values()), 1), sums], 1) * running[:, None]
        return dict(zip((*terms, *by_joint), paid.unbind(1), strict=True)) | {"death": 1.0 - running}

    def electricity(self, actions: torch.Tensor) -> torch.Tensor:
        """``(K, J)``: power of the motors, of actions and joint velocities as they are observed."""
        scale = self.config.observations["policy"]["joint_vel"].scale
        return (actions * (self.joint_vel * scale)).abs()

    def joint_limits(self) -> torch.Tensor:
        """``(K, J)``: 1 for a joint at its upper limit."""
        return (self.joint_pos_scaled > self.config.limit_margin).float()

    def compute_terminations(self) -> Terms:
        return {"fallen": self.fallen}

    def observation_meaning(self, term: str) -> tuple[str, str, tuple[str, ...]]:
        axes = ("x", "y", "z")
        known = {
            "height": ("m", "world", ()),
            "base_lin_vel": ("m/s", "body", axes),
            "base_ang_vel": ("rad/s", "body", axes),
            "yaw": ("rad", "world", ()),
            "roll": ("rad", "world", ()),
            "angle_to_target": ("rad", "body", ()),
            "joint_pos": ("", "", self.robot.joints),
            "joint_torques": ("N m", "", self.robot.joints),
            "foot_forces": (
                "N, N m",
                "body",
                tuple(f"{foot}_{part}{axis}" for foot in self.robot.feet for part in "ft" for axis in axes),
            ),
        }
        return known.get(term) or super().observation_meaning(term)


class AntTask(LocomotionTask):
    """N ants."""

    config: AntConfig
    replayable = True


class HumanoidTask(LocomotionTask):
    """N humanoids. Power and limits count by the strength of the motors; the torques are observed too."""

    config: HumanoidConfig
    replayable = True

    def compute_observations(self) -> dict[str, Terms]:
        terms = super().compute_observations()
        terms["policy"]["joint_torques"] = self.actions.newest * self.gears
        return terms

    def electricity(self, actions: torch.Tensor) -> torch.Tensor:
        return super().electricity(actions) * self.effort

    def joint_limits(self) -> torch.Tensor:
        """``(K, J)``: how near a joint is to its limit, 1 at the limit, times its strength."""
        margin = self.config.limit_margin
        position = self.joint_pos_scaled.abs()
        return (position > margin) * ((position - margin) / (1 - margin)) * self.effort


class AntGymEnv(BatchedGymEnv):
    """One ant; see `LocomotionTask` for its rules and `AntConfig` for its parameters.

    Actions: 8 motors in [-1, 1]. Observation: ``(60,) float32``.
    """

    config_class = AntConfig
    world_class = AntTask


class HumanoidGymEnv(BatchedGymEnv):
    """One humanoid; see `LocomotionTask` for its rules and `HumanoidConfig` for its parameters.

    Actions: 21 motors in [-1, 1]. Observation: ``(108,) float32``.
    """

    config_class = HumanoidConfig
    world_class = HumanoidTask
