"""`PlainAnt`: one ant in the way that one writes it without a toolbox, ``mj_step`` and NumPy."""

import math

import mujoco
import numpy as np

from environments.mujoco_gym.tasks.locomotion_config import AntConfig

LEGS = (1, 2, 3, 4)
JOINTS = tuple(f"{joint}_{leg}" for leg in LEGS for joint in ("hip", "ankle"))
SENSORS = tuple(f"foot_{leg}_{quantity}" for leg in LEGS for quantity in ("force", "torque"))


class PlainAnt:
    """The rules of ``AntGymEnv-v0`` in one function, for one robot.

    Args:
        model: the ant's.
        config: the ant's.
        start: ``(15,)`` and ``(14,)``: ``qpos`` and ``qvel`` at the start of an episode, without noise.
    """

    def __init__(self, model: mujoco.MjModel, config: AntConfig, start: tuple[np.ndarray, np.ndarray]) -> None:
        self.model, self.config, self.data = model, config, mujoco.MjData(model)
        joints = [model.joint(name) for name in JOINTS]
        self.qpos = np.array([joint.qposadr[0] for joint in joints])
        self.qvel = np.array([joint.dofadr[0] for joint in joints])
        self.low, self.high = np.array([joint.range for joint in joints]).T
        motor_of = {int(model.actuator_trnid[index, 0]): index for index in range(model.nu)}
        self.motors = np.array([motor_of[joint.id] for joint in joints])
        self.forces = np.concatenate([int(model.sensor(name).adr[0]) + np.arange(3) for name in SENSORS])
        self.start = start
        self.rng = np.random.default_rng(0)
        self.dt = config.sim.timestep * config.sim.decimation
        scales = {name: term.scale for name, term in config.observations["policy"].items()}
        self.vel_scale, self.force_scale = scales["joint_vel"], scales["foot_forces"]
        self.place(*start)

    def reset(self) -> np.ndarray:
        """An episode begins, near the start; gives the observation."""
        qpos, qvel = self.start[0].copy(), self.start[1].copy()
        noise, vel_noise = self.config.joint_noise, self.config.joint_vel_noise
        qpos[self.qpos] = np.clip(qpos[self.qpos] + self.rng.uniform(-noise, noise, 8), self.low, self.high)
        qvel[self.qvel] = self.rng.uniform(-vel_noise, vel_noise, 8)
        return self.place(qpos, qvel)

    def place(self, qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
        """An episode begins in this state; gives the observation."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[:], self.data.qvel[:] = qpos, qvel
        mujoco.mj_forward(self.model, self.data)
        self.elapsed = 0
        self.potential = self._potential()
        return self._look(np.zeros(8))[0]

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool]:
        """Observation ``(60,)``, reward, and whether the episode is over, after one control step."""
        config, data = self.config, self.data
        data.ctrl[self.motors] = action
        mujoco.mj_step(self.model, data, nstep=config.sim.decimation)
        self.elapsed += 1
        before, self.potential = self.potential, self._potential()
        observation, up, heading, position = self._look(action)
        weights = config.rewards
        if data.qpos[2] < config.termination_height:
            return observation, weights["death"], True
        reward = (
            weights["progress"] * (self.potential - before)
            + weights["alive"]
            + weights["upright"] * (up > config.upright)
            + weights["heading"] * min(1.0, heading / config.heading_full)
            + weights["action_cost"] * np.square(action).sum()
            + weights["electricity"] * np.abs(action * data.qvel[self.qvel] * self.vel_scale).sum()
            + weights["joint_limits"] * (position > config.limit_margin).sum()
        )
        return observation, float(reward), self.elapsed >= config.max_steps

    def _look(self, action: np.ndarray) -> tuple[np.ndarray, float, float, np.ndarray]:
        data = self.data
        w, x, y, z = data.qpos[3:7].tolist()
        turn = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        to_x, to_y = self.config.target_distance - data.qpos[0], -data.qpos[1]
        yaw, roll = math.atan2(turn[1, 0], turn[0, 0]), math.atan2(turn[2, 1], turn[2, 2])
        angle = (math.atan2(to_y, to_x) - yaw + math.pi) % (2 * math.pi) - math.pi
        up = turn[2, 2]
        heading = (turn[0, 0] * to_x + turn[1, 0] * to_y) / math.hypot(to_x, to_y)
        position = (2 * data.qpos[self.qpos] - self.high - self.low) / (self.high - self.low)
        observation = np.concatenate(
            [
                data.qpos[2:3],
                data.qvel[:3] @ turn,
                data.qvel[3:6],
                [yaw, roll, angle, up, heading],
                position,
                data.qvel[self.qvel] * self.vel_scale,
                data.sensordata[self.forces] * self.force_scale,
                action,
            ]
        ).astype(np.float32)
        return observation, up, heading, position

    def _potential(self) -> float:
        return -math.hypot(self.config.target_distance - self.data.qpos[0], self.data.qpos[1]) / self.dt
