"""``VelocityFlatGymEnv-v0`` and ``VelocityRoughGymEnv-v0``: a quadruped that follows commanded velocities.

Rewards, observations and commands are those of mjlab's velocity task for the Go1, paid by the second.
"""

import math
from collections.abc import Sequence

import mujoco
import numpy as np
import torch

from environments.batched.single import BatchedGymEnv
from environments.batched.world import ALL, Rows
from environments.mujoco_gym.config import Range
from environments.mujoco_gym.maths import exp, total, wrapped, yaw_of, yaw_quat
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.robots.quadruped import FOOT_RADIUS, GROUND_GROUP
from environments.mujoco_gym.robots.robot import Robot
from environments.mujoco_gym.rows import put, those
from environments.mujoco_gym.task import Task, Terms
from environments.mujoco_gym.tasks.velocity_config import VelocityFlatConfig, VelocityRoughConfig
from environments.mujoco_gym.terrain import KINDS, HeightMap, Terrain, add_ground
from environments.terms import CommandTerm


class VelocityFlatTask(Task):
    """N quadrupeds on a plane.

    Attributes:
        command: ``(N, 3)``: linear velocity along x and y, m/s, and angular velocity, rad/s, in the body's frame.
        told: ``(3,)``: the command that a person gave to all robots; None: commands are drawn.
        air_time: ``(N, 4)``: seconds that each foot has been off the ground, 0 while it stands.
        landing_height: ``(N, 4)``: how high a foot that has just landed was in its swing, m; -1 for the others.
    """

    config: VelocityFlatConfig
    replayable = True
    rewards_times_dt = True
    task_arrays: tuple[str, ...] = (
        "command",
        "heading",
        "keeps_heading",
        "next_command",
        "air_time",
        "peak",
        "landing_height",
        "age",
    )

    def build_spec(self, robot: Robot) -> mujoco.MjSpec:
        spec = robot.spec()
        self.terrain = self.make_terrain()
        add_ground(spec, self.terrain, GROUND_GROUP)
        return spec

    def make_terrain(self) -> Terrain | None:
        """The map, None for a plane."""
        return None

    def setup(self) -> None:
        count, feet = self.num_envs, len(self.robot.feet)
        device = self.backend.device
        self.heights = HeightMap(self.terrain, device)
        legs = tuple(foot.removesuffix("_foot") for foot in self.robot.feet)
        self._touch = self.sensor_places(tuple(f"{leg}_touch" for leg in legs))
        self._foot_velocity = self.sensor_places(tuple(f"{leg}_velocity" for leg in legs))
        self._feet = self.site_ids(self.robot.feet)
        gait = self.config.gait
        middle, half = (self.joint_high + self.joint_low) / 2, (self.joint_high - self.joint_low) / 2
        self._soft_low, self._soft_high = middle - half * gait.soft_limits, middle + half * gait.soft_limits
        self._pose_std = self.constant(gait.pose_std_moving).repeat(feet)
        self._ranges: tuple[Range, ...] = ()
        self.command = torch.zeros(count, 3, device=device)
        self.told: torch.Tensor | None = None
        self.heading = torch.zeros(count, device=device)
        self.keeps_heading = torch.zeros(count, dtype=torch.bool, device=device)
        self.next_command = torch.zeros(count, dtype=torch.int64, device=device)
        self.age = torch.zeros(count, dtype=torch.int64, device=device)
        self.air_time = torch.zeros(count, feet, device=device)
        self.peak = torch.zeros(count, feet, device=device)
        self.landing_height = torch.zeros(count, feet, device=device)

    # episodes

    def start_places(self, draws: Draws) -> torch.Tensor:
        """``(K, 3)``: the ground under the robots' starts, m."""
        return torch.zeros(self.count, 3, device=self.backend.device)

    def place(self, draws: Draws) -> None:
        """Standing, turned anyhow, near the start."""
        base = torch.zeros(self.count, 7, device=self.backend.device)
        base[:, :3] = self.start_places(draws)
        base[:, :2] += draws.uniform("place", 2, -self.config.place_range, self.config.place_range)
        base[:, 2] += self.robot.height
        base[:, 3:] = yaw_quat(draws.uniform("yaw", 1, -math.pi, math.pi)[:, 0])
        self.set_robot(base=base)

    def begin(self, draws: Draws) -> None:
        self.age.zero_()
        self.air_time.zero_()
        self.peak.zero_()
        self.landing_height.fill_(-1)
        self._draw_commands(torch.arange(self.count, device=self.backend.device), draws)
        self._turn_to_heading()

    def update(self) -> None:
        self.age += 1
        on_ground = self.foot_contact
        self.landing_height.copy_(torch.where(on_ground & (self.air_time > 0), self.peak, -1.0))
        self.peak.copy_(torch.where(on_ground, 0.0, torch.maximum(self.peak, self.foot_height)))
        self.air_time.copy_(torch.where(on_ground, 0.0, self.air_time + self.control_dt))
        due, chosen = those(self.age >= self.next_command)
        if len(due):
            self._draw_commands(due, self.draws(due, self.age[due]), chosen)
        self._turn_to_heading()

    def _draw_commands(self, rows: torch.Tensor, draws: Draws, chosen: torch.Tensor | None = None) -> None:
        config = self.config.command
        ranges = (config.lin_vel_x, config.lin_vel_y, config.ang_vel_z)
        if ranges != self._ranges:  # a curriculum's stage may change them
            self._ranges, self._limits = ranges, torch.tensor(ranges, device=self.backend.device).T
        command = draws.uniform("command", 3, *self._limits)
        forward = draws.chance("forward", config.forward_share)
        ahead = torch.cat([command[:, :1].abs(), torch.zeros_like(command[:, 1:])], 1)
        command = torch.where(forward[:, None], ahead, command)
        standing = draws.chance("standing", config.standing_share)
        command = torch.where(standing[:, None], 0.0, command)
        keeps = draws.chance("keeps_heading", config.heading_share) & ~forward & ~standing
        if self.told is not None:
            command[:] = self.told
            keeps = torch.zeros_like(keeps)
        put(self.command, rows, command, chosen)
        put(self.keeps_heading, rows, keeps, chosen)
        put(self.heading, rows, draws.uniform("heading", 1, -math.pi, math.pi)[:, 0], chosen)
        wait = draws.uniform("wait.command", 1, *config.seconds)[:, 0] / self.control_dt
        put(self.next_command, rows, self.age[rows] + wait.round().long().clamp(min=1), chosen)

    def command_terms(self) -> list[CommandTerm]:
        config = self.config.command
        return [
            CommandTerm("forward", *config.lin_vel_x, "m/s"),
            CommandTerm("to the left", *config.lin_vel_y, "m/s"),
            CommandTerm("turn left", *config.ang_vel_z, "rad/s"),
        ]

    def set_command(self, values: Sequence[float] | None) -> None:
        told = None if values is None else self.constant(values)
        if told is not None and self.told is not None:
            self.told.copy_(told)  # in place: a recorded step goes on
        else:
            self.told = told
        if self.told is not None:
            self.command[:] = self.told
            self.keeps_heading.fill_(False)

    def commands(self, rows: Rows = ALL) -> np.ndarray:
        return self.command[rows].cpu().numpy()

    def _turn_to_heading(self) -> None:
        config = self.config.command
        turn = config.heading_stiffness * wrapped(self.heading - yaw_of(self.base_quat))
        turn = turn.clamp(*config.ang_vel_z)
        self.command[:, 2] = torch.where(self.keeps_heading, turn, self.command[:, 2])

    # what several terms read

    @property
    def foot_forces(self) -> torch.Tensor:
        """``(K, 4)``: normal force on each foot, N"""
        return self._cached("foot_forces", lambda: self.sensors(self._touch))

    @property
    def foot_contact(self) -> torch.Tensor:
        """``(K, 4) bool``: which feet are on the ground"""
        return self._cached("foot_contact", lambda: self.foot_forces > self.config.gait.contact_force)

    @property
    def foot_height(self) -> torch.Tensor:
        """``(K, 4)``: of the feet's undersides above the ground, m"""
        return self._cached("foot_height", self._foot_height)

    def _foot_height(self) -> torch.Tensor:
        places = self.site_pos(self._feet)
        return places[..., 2] - FOOT_RADIUS - self.heights.at(places[..., 0], places[..., 1])

    @property
    def foot_speed_squared(self) -> torch.Tensor:
        """``(K, 4)``: square of the feet's horizontal speed, (m/s)²"""
        velocity = self.sensors(self._foot_velocity).reshape(self.count, -1, 3)
        return velocity[..., 0] ** 2 + velocity[..., 1] ** 2

    @property
    def moves(self) -> torch.Tensor:
        """``(K,)``: 1 where the command is to move, else 0"""
        vx, vy, turn = self.command.unbind(1)
        return (torch.sqrt(vx * vx + vy * vy) + turn.abs() > self.config.gait.moving).float()

    # terms

    def compute_observations(self) -> dict[str, Terms]:
        policy = {
            "base_lin_vel": self.base_lin_vel,
            "base_ang_vel": self.base_ang_vel,
            "projected_gravity": self.projected_gravity,
            "joint_pos": self.joint_pos - self.default_joint_pos,
            "joint_vel": self.joint_vel,
            "actions": self.actions.newest,
            "command": self.command,
        }
        critic = {
            **policy,
            "foot_height": self.foot_height,
            "foot_air_time": self.air_time,
            "foot_contact": self.foot_contact.float(),
            "foot_forces": self.foot_forces,
        }
        return {"policy": policy, "critic": critic}

    def compute_task_rewards(self) -> Terms:
        gait, moves = self.config.gait, self.moves
        vx, vy, vz = self.base_lin_vel.unbind(1)
        wx, wy, wz = self.base_ang_vel.unbind(1)
        gx, gy, _ = self.projected_gravity.unbind(1)
        lin_error = (self.command[:, 0] - vx) ** 2 + (self.command[:, 1] - vy) ** 2 + vz * vz
        ang_error = (self.command[:, 2] - wz) ** 2 + wx * wx + wy * wy
        std = torch.where(moves[:, None] > 0, self._pose_std, torch.full_like(self._pose_std, gait.pose_std_standing))
        pose_error = ((self.joint_pos - self.default_joint_pos) / std) ** 2
        beyond = (self._soft_low - self.joint_pos).clamp(min=0) + (self.joint_pos - self._soft_high).clamp(min=0)
        change = self.actions.newest - self.actions.before
        pose, limits, rate = total(torch.stack([pose_error, beyond, change * change], 2)).unbind(1)
        errors = [
            lin_error / gait.lin_vel_variance,
            ang_error / gait.ang_vel_variance,
            (gx * gx + gy * gy) / gait.upright_variance,
            pose / len(self.robot.joints),
        ]
        lin, ang, upright, posed = exp(-torch.stack(errors)).unbind(0)
        landed, contact, speed = (self.landing_height >= 0).float(), self.foot_contact.float(), self.foot_speed_squared
        feet = [
            (self.foot_height - gait.foot_height).abs() * torch.sqrt(speed),
            landed * (self.landing_height / gait.foot_height - 1) ** 2,
            contact * speed,
            landed * self.foot_forces,
        ]
        clearance, swing, slip, landing = total(torch.stack(feet, 2)).unbind(1)
        return {
            "track_lin_vel": lin,
            "track_ang_vel": ang,
            "upright": upright,
            "pose": posed,
            "joint_limits": limits,
            "action_rate": rate,
            "foot_clearance": moves * clearance,
            "swing_height": moves * swing,
            "foot_slip": moves * slip,
            "soft_landing": landing,
        }

    def compute_terminations(self) -> Terms:
        return {"fallen": self.projected_gravity[:, 2] > -math.cos(self.config.largest_tilt)}

    def observation_meaning(self, term: str) -> tuple[str, str, tuple[str, ...]]:
        axes, feet = ("x", "y", "z"), self.robot.feet
        known = {
            "base_lin_vel": ("m/s", "body", axes),
            "base_ang_vel": ("rad/s", "body", axes),
            "projected_gravity": ("", "body", axes),
            "command": ("m/s, rad/s", "body", ("x", "y", "yaw")),
            "foot_height": ("m", "world", feet),
            "foot_air_time": ("s", "", feet),
            "foot_contact": ("", "", feet),
            "foot_forces": ("N", "", feet),
            "height_scan": ("m", "body", ()),
        }
        return known.get(term) or super().observation_meaning(term)


class VelocityRoughTask(VelocityFlatTask):
    """N quadrupeds on slopes, stairs and rubble.

    A robot that has left its tile's half side behind when its episode ends goes up a level, one that has walked less
    than half of what its commands asked for goes down; one that has mastered the hardest goes to any.

    Attributes:
        level: ``(N,) int64``: how hard each robot's ground is, from 0 on.
    """

    config: VelocityRoughConfig
    replayable = True
    task_arrays = (*VelocityFlatTask.task_arrays, "level", "seen", "start", "last_place", "asked")

    def make_terrain(self) -> Terrain:
        return Terrain(self.config.terrain)

    def episode_figures(self, rows: torch.Tensor) -> Terms:
        return {**super().episode_figures(rows), "terrain_level": self.level[rows].float()}

    def setup(self) -> None:
        super().setup()
        config, device = self.config, self.backend.device
        assert self.terrain is not None
        self._origins = torch.from_numpy(self.terrain.origins()).to(device)
        self.level = torch.zeros(self.num_envs, dtype=torch.int64, device=device)
        self.seen = torch.zeros(self.num_envs, dtype=torch.bool, device=device)
        self.start = torch.zeros(self.num_envs, 2, device=device)
        self.last_place = torch.zeros(self.num_envs, 2, device=device)
        self.asked = torch.zeros(self.num_envs, device=device)
        ahead = np.arange(round(config.scan_length / config.scan_step) + 1) * config.scan_step - config.scan_length / 2
        aside = np.arange(round(config.scan_width / config.scan_step) + 1) * config.scan_step - config.scan_width / 2
        size = self.terrain.config.cell * (np.array(self.terrain.heights.shape[::-1]) - 1)
        self._map_low, self._map_high = self.constant(self.terrain.low + 1), self.constant(self.terrain.low + size - 1)
        self._scan = self.constant(np.stack(np.meshgrid(ahead, aside, indexing="ij"), -1).reshape(-1, 2))

    def start_places(self, draws: Draws) -> torch.Tensor:
        terrain = self.config.terrain
        levels = terrain.levels
        anywhere = draws.integers("level", 1, 0, levels)[:, 0]
        first = draws.integers("first_level", 1, 0, min(terrain.first_levels, levels))[:, 0]
        if terrain.curriculum:
            travelled = self.last_place - self.start
            distance = torch.sqrt(travelled[:, 0] ** 2 + travelled[:, 1] ** 2)
            up = distance > terrain.tile / 2
            down = ~up & (distance < self.asked / 2)
            level = (self.level + up.long() - down.long()).clamp(min=0)
            level = torch.where(level >= levels, anywhere, level)
            self.level.copy_(torch.where(self.seen, level, first))
        else:
            self.level.copy_(anywhere)
        self.seen.fill_(True)
        kind = draws.integers("kind", 1, 0, len(KINDS))[:, 0]
        return self._origins[self.level, kind]

    def begin(self, draws: Draws) -> None:
        super().begin(draws)
        self.start.copy_(self.base_pos[:, :2])
        self.last_place.copy_(self.start)
        self.asked.zero_()

    def update(self) -> None:
        super().update()
        self.last_place.copy_(self.base_pos[:, :2])
        vx, vy, _ = self.command.unbind(1)
        self.asked += torch.sqrt(vx * vx + vy * vy) * self.control_dt

    def compute_observations(self) -> dict[str, Terms]:
        groups = super().compute_observations()
        scan = self.height_scan()
        return {name: {**terms, "height_scan": scan} for name, terms in groups.items()}

    def height_scan(self) -> torch.Tensor:
        """``(K, points)``: height of the base above the points of a grid that turns with it, m"""
        w, x, y, z = self.base_quat.unbind(1)
        ahead, aside = 1 - 2 * (y * y + z * z), 2 * (x * y + w * z)
        length = torch.sqrt(ahead * ahead + aside * aside).clamp(min=1e-6)
        cos, sin = (ahead / length)[:, None], (aside / length)[:, None]
        east = self.base_pos[:, :1] + cos * self._scan[:, 0] - sin * self._scan[:, 1]
        north = self.base_pos[:, 1:2] + sin * self._scan[:, 0] + cos * self._scan[:, 1]
        return self.base_pos[:, 2:3] - self.heights.at(east, north)

    def compute_terminations(self) -> Terms:
        places = self.base_pos[:, :2]
        outside = (places < self._map_low) | (places > self._map_high)
        return {**super().compute_terminations(), "off_map": outside.any(1)}


class VelocityFlatGymEnv(BatchedGymEnv):
    """One quadruped on a plane; see `VelocityFlatTask` for its rules and `VelocityFlatConfig` for its parameters.

    Actions: offsets of 12 joint targets from the default pose, 0.3 rad each. Observation: ``(48,) float32``.
    """

    config_class = VelocityFlatConfig
    world_class = VelocityFlatTask


class VelocityRoughGymEnv(BatchedGymEnv):
    """One quadruped on rough ground; see `VelocityRoughTask` and `VelocityRoughConfig`.

    Actions as on the plane. Observation: ``(235,) float32``.
    """

    config_class = VelocityRoughConfig
    world_class = VelocityRoughTask
