"""Kuka's scene in bare PyBullet, as one would write it by hand: what the Kuka worlds are measured against."""

import math
import os
from collections.abc import Sequence

import numpy as np
import pybullet as p
import pybullet_data

from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.robot import BASE_POS, GRIPPER_LINK, HOME_JOINTS, N_ARM_JOINTS
from environments.kuka_gym.scene import BUTTON_URDF

FLOOR_POS, TABLE_POS = (0, 0, -1), (0.5, 0, -0.82)
END_EFFECTOR = 6
CAMERA_TARGET, CAMERA_DISTANCE, CAMERA_YAW, CAMERA_PITCH = (0.316, -0.2, -0.1), 1.1, 145, -36
FIELD_OF_VIEW, NEAR, FAR = 60.0, 0.1, 100.0
DOWN = p.getQuaternionFromEuler((0, -math.pi, 0))
Goal = tuple[Sequence[float], Sequence[float]]
"""Where the hand is to go (metres, for the inverse kinematics), and the joint targets (radians)."""


class BareKuka:
    """Floor, table, arm and button in a client of their own, with the world's physics."""

    def __init__(self, config: KukaButtonConfig) -> None:
        self.config = config
        self.client: int = p.connect(p.DIRECT)
        client, data = self.client, pybullet_data.getDataPath()
        p.setPhysicsEngineParameter(numSolverIterations=config.solver_iterations, physicsClientId=client)
        p.setTimeStep(config.timestep, physicsClientId=client)
        p.setGravity(0, 0, config.gravity, physicsClientId=client)
        p.loadURDF(os.path.join(data, "plane.urdf"), FLOOR_POS, physicsClientId=client)
        p.loadURDF(os.path.join(data, "table", "table.urdf"), TABLE_POS, physicsClientId=client)
        p.loadURDF(str(BUTTON_URDF), config.button_pos, useFixedBase=True, physicsClientId=client)
        path = os.path.join(data, "kuka_iiwa", "kuka_with_gripper2.sdf")
        self.arm: int = p.loadSDF(path, physicsClientId=client)[0]
        p.resetBasePositionAndOrientation(self.arm, BASE_POS, (0, 0, 0, 1), physicsClientId=client)
        for joint, position in enumerate(HOME_JOINTS):
            p.resetJointState(self.arm, joint, position, physicsClientId=client)
            self._drive(joint, position)
        self.settle()
        self._start: int = p.saveState(physicsClientId=client)

    def settle(self) -> None:
        """500 physics steps, with which the S-RL Toolbox began every episode."""
        for _ in range(500):
            p.stepSimulation(self.client)

    def reset(self) -> None:
        """Back to the start."""
        p.restoreState(self._start, physicsClientId=self.client)

    def step(self, goal: Goal) -> None:
        """Inverse kinematics, seven motors, one physics step, the hand's state, contacts."""
        hand, targets = goal
        p.calculateInverseKinematics(self.arm, END_EFFECTOR, hand, DOWN, physicsClientId=self.client)
        for joint in range(N_ARM_JOINTS):
            self._drive(joint, targets[joint])
        p.stepSimulation(self.client)
        p.getLinkState(self.arm, GRIPPER_LINK, physicsClientId=self.client)
        p.getContactPoints(self.arm, physicsClientId=self.client)

    def image(self, height: int, width: int) -> np.ndarray:
        """``(H, W, 3) uint8``: the whole scene by TinyRenderer."""
        view = p.computeViewMatrixFromYawPitchRoll(
            CAMERA_TARGET, CAMERA_DISTANCE, CAMERA_YAW, CAMERA_PITCH, 0, 2, physicsClientId=self.client
        )
        projection = p.computeProjectionMatrixFOV(FIELD_OF_VIEW, width / height, NEAR, FAR)
        pixels = p.getCameraImage(
            width, height, view, projection, renderer=p.ER_TINY_RENDERER, physicsClientId=self.client
        )[2]
        return np.asarray(pixels, np.uint8).reshape(height, width, 4)[..., :3]

    def _drive(self, joint: int, target: float) -> None:
        config = self.config
        p.setJointMotorControl2(
            self.arm,
            joint,
            p.POSITION_CONTROL,
            targetPosition=target,
            targetVelocity=0,
            force=config.max_force,
            maxVelocity=config.max_velocity,
            positionGain=config.position_gain,
            velocityGain=config.velocity_gain,
            physicsClientId=self.client,
        )
