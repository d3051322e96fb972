"""The Kuka iiwa arm with its gripper, as PyBullet's data package has it."""

import os

import numpy as np
import pybullet_data

from environments.bullet import pybullet as p
from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.kinematics import joints_for

BASE_POS = (-0.1, 0.0, -0.15)
"""Centre of mass of the arm's base, metres."""
BASE_FRAME = (0.0, 0.0, -0.22)
"""Frame of the arm's base, metres: `BASE_POS` less the centre of mass (-0.1, 0, 0.07) of its inertial frame."""
ARM_HOME = (0.006418, 0.113184, -0.011401, -1.289317, 0.005379, 1.737684, -0.006539)
GRIPPER_HOME = (0.000048, -0.299912, 0.0, -0.000043, 0.29996, 0.0, -0.0002)
HOME_JOINTS = ARM_HOME + GRIPPER_HOME
"""Positions of the 14 joints at the start of an episode, radians: seven of the arm, seven of the gripper."""
N_JOINTS = len(HOME_JOINTS)
N_ARM_JOINTS = len(ARM_HOME)
JOINT_NAMES = (
    *(f"J{index}" for index in range(N_ARM_JOINTS)),
    "gripper_to_arm",
    "base_left_finger_joint",
    "left_finger_base_joint",
    "left_base_tip_joint",
    "base_right_finger_joint",
    "right_finger_base_joint",
    "right_base_tip_joint",
)
"""The joints' names in the model, in their order."""
GRIPPER_LINK = 8
"""The link whose centre of mass is the arm's position."""


def load_arm(client: int) -> int:
    """Load the arm where it stands; returns its id."""
    path = os.path.join(pybullet_data.getDataPath(), "kuka_iiwa", "kuka_with_gripper2.sdf")
    body: int = p.loadSDF(path, physicsClientId=client)[0]
    p.resetBasePositionAndOrientation(body, BASE_POS, (0, 0, 0, 1), physicsClientId=client)
    return body


class KukaArm:
    """The arm in one physics client: motors that follow goals, and what is known of its pose.

    Args:
        client: the physics client.
        config: motor limits and gains, workspace, start of the hand's goal.
    """

    def __init__(self, client: int, config: KukaButtonConfig) -> None:
        self._client = client
        self._start = config.start_effector_pos
        self._workspace = config.workspace
        self.body = load_arm(client)
        for joint, position in enumerate(HOME_JOINTS):
            p.resetJointState(self.body, joint, position, physicsClientId=client)
            p.setJointMotorControl2(
                self.body,
                joint,
                p.POSITION_CONTROL,
                targetPosition=position,
                targetVelocity=0,
                force=config.max_force,
                maxVelocity=config.max_velocity,
                positionGain=config.position_gain,
                velocityGain=config.velocity_gain,
                physicsClientId=client,
            )
        limits = [p.getJointInfo(self.body, joint, physicsClientId=client)[8:10] for joint in range(N_ARM_JOINTS)]
        self._joint_low, self._joint_high = np.array(limits).T
        self._joints = list(range(N_ARM_JOINTS))
        self._zeros = [0.0] * N_ARM_JOINTS
        self._forces = [config.max_force] * N_ARM_JOINTS
        self._position_gains = [config.position_gain] * N_ARM_JOINTS
        self._velocity_gains = [config.velocity_gain] * N_ARM_JOINTS
        self.go_home()

    def go_home(self) -> None:
        """Take the goals of the start of an episode (the pose itself comes from the scene's snapshot)."""
        self.effector_goal = self._start
        self.joint_goals = np.array(ARM_HOME)
        self._drive(ARM_HOME)

    def move_effector(self, dx: float, dy: float, dz: float) -> None:
        """Move the goal of the hand (metres), within the workspace, and drive the joints towards it."""
        x, y, z = self.effector_goal
        (x_low, x_high), (y_low, y_high), (z_low, z_high) = self._workspace
        x = min(max(x + dx, x_low), x_high)
        y = min(max(y + dy, y_low), y_high)
        z = min(max(z + dz, z_low), z_high)
        self.effector_goal = (x, y, z)
        self._drive(joints_for(x - BASE_FRAME[0], y - BASE_FRAME[1], z - BASE_FRAME[2]))

    def move_joints(self, deltas: np.ndarray) -> None:
        """Move the goals of the seven joints ((7,), radians), within their limits, and drive the joints to them."""
        self.joint_goals = np.clip(self.joint_goals + deltas, self._joint_low, self._joint_high)
        self._drive(self.joint_goals.tolist())

    def gripper_pos(self) -> tuple[float, float, float]:
        """Where the gripper is, world frame, metres."""
        return p.getLinkState(self.body, GRIPPER_LINK, 0, 1, self._client)[0]

    def joint_positions(self) -> np.ndarray:
        """``(14,) float32``, radians."""
        states = p.getJointStates(self.body, range(N_JOINTS), physicsClientId=self._client)
        return np.array([state[0] for state in states], np.float32)

    def _drive(self, goals: list[float] | tuple[float, ...]) -> None:
        # keeps the speed limit that the constructor's setJointMotorControl2 gave to each motor
        p.setJointMotorControlArray(
            self.body,
            self._joints,
            p.POSITION_CONTROL,
            targetPositions=goals,
            targetVelocities=self._zeros,
            forces=self._forces,
            positionGains=self._position_gains,
            velocityGains=self._velocity_gains,
            physicsClientId=self._client,
        )
