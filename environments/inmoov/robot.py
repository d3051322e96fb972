"""The humanoid in a physics client: its model, motors that follow goals, and what is known of its pose."""

import numpy as np

from environments.bullet import pybullet as p
from environments.inmoov.config import InmoovConfig
from environments.inmoov.model.body import body, finger_closing_signs
from environments.inmoov.model.kinematics import ARM_PARTS, N_SOLVED, ArmKinematics
from environments.inmoov.model.models import ROBOT_URDF, load_model
from srl3.errors import UserError

RIGHT_ARM = tuple(f"right_{part}" for part in ARM_PARTS)
LEFT_ARM = tuple(f"left_{part}" for part in ARM_PARTS)
HEAD = ("head_updown", "head_leftright", "eyes_updown")
CONTROL_JOINTS = HEAD + RIGHT_ARM + LEFT_ARM
"""What joint actions move, in their order."""
RIGHT_FINGERS = finger_closing_signs("right")
LEFT_FINGERS = finger_closing_signs("left")
JOINTS = {joint.name: joint for joint in body()[1]}
N_JOINTS = len(JOINTS)
FINGER_LINKS = frozenset(index for index, name in enumerate(JOINTS) if name in RIGHT_FINGERS or name in LEFT_FINGERS)
HAND_LINK = list(JOINTS).index("right_hand")
EYES_LINK = list(JOINTS).index("eyes_updown")


def start_angles(config: InmoovConfig, finger_bend: float) -> dict[str, float]:
    """Every joint's angle at the start of an episode, radians."""
    angles = dict.fromkeys(JOINTS, 0.0)
    angles.update(zip(HEAD, config.start_head, strict=True))
    angles.update(zip(RIGHT_ARM, config.start_right_arm, strict=True))
    angles.update(zip(LEFT_ARM, config.start_left_arm, strict=True))
    angles.update({name: sign * finger_bend for name, sign in RIGHT_FINGERS.items()})
    angles.update({name: sign * config.open_finger for name, sign in LEFT_FINGERS.items()})
    for name, angle in angles.items():
        if not JOINTS[name].low <= angle <= JOINTS[name].high:
            raise UserError(
                f"{config.env_id} starts with {name} at {angle:g}, outside its limits "
                f"{JOINTS[name].low:g} to {JOINTS[name].high:g}."
            )
    return angles


class InmoovRobot:
    """The humanoid, standing at the origin and facing x.

    Args:
        client: the physics client.
        config: gains, limits, start pose.
        finger_bend: how far the right hand's fingers are bent at the start, radians.
    """

    def __init__(self, client: int, config: InmoovConfig, finger_bend: float) -> None:
        self._client = client
        self._config = config
        self._start = start_angles(config, finger_bend)
        moving = set(CONTROL_JOINTS if config.action_joints else RIGHT_ARM)
        if config.moves_fingers:
            moving.update(RIGHT_FINGERS)
        idle = {name: angle for name, angle in self._start.items() if name not in moving}
        self.body = load_model(ROBOT_URDF, client, idle if config.lock_idle_joints else None)
        self._simulated = [index for index, name in enumerate(JOINTS) if name in moving or not config.lock_idle_joints]
        self._indices = {name: index for index, name in enumerate(JOINTS)}
        for index in self._simulated:
            name = list(JOINTS)[index]
            p.resetJointState(self.body, index, self._start[name], physicsClientId=client)
            p.setJointMotorControl2(
                self.body,
                index,
                p.POSITION_CONTROL,
                targetPosition=self._start[name],
                targetVelocity=0,
                force=self._force(name),
                maxVelocity=JOINTS[name].velocity,
                positionGain=config.position_gain,
                velocityGain=config.velocity_gain,
                physicsClientId=client,
            )
        self._driven = CONTROL_JOINTS if config.action_joints else RIGHT_ARM
        self._limits = np.array([(JOINTS[name].low, JOINTS[name].high) for name in self._driven]).T
        seconds = config.timestep * config.physics_steps_per_action
        speeds = np.array([JOINTS[name].velocity for name in self._driven])
        self.joint_steps = np.minimum(config.delta_v_joints, speeds * seconds)
        """How far one action of 1 moves each driven joint's goal, radians."""
        self._reaches = [JOINTS[name].velocity * seconds for name in RIGHT_ARM[:N_SOLVED]]
        self._arm_limits = [(JOINTS[name].low, JOINTS[name].high) for name in RIGHT_ARM[:N_SOLVED]]
        self._kinematics = ArmKinematics("right", config.ik_damping, config.ik_null_gain)
        self._fingers = tuple(RIGHT_FINGERS)
        self._motors: dict[tuple[str, ...], dict[str, list[float]]] = {
            names: {
                "targetVelocities": [0.0] * len(names),
                "forces": [self._force(name) for name in names],
                "positionGains": [config.position_gain] * len(names),
                "velocityGains": [config.velocity_gain] * len(names),
            }
            for names in (self._driven, self._fingers)
        }
        self._all_angles = np.array(list(self._start.values()), np.float32)
        self.go_home()

    def go_home(self) -> None:
        """Take the goals of the start of an episode (the pose itself comes from the scene's snapshot)."""
        self.joint_goals = np.array([self._start[name] for name in self._driven])
        self.hand_goal = self._kinematics.hand_pos(self._config.start_right_arm)
        self._drive(self._driven, self.joint_goals.tolist())
        if self._config.moves_fingers:
            self._drive(self._fingers, [self._start[name] for name in self._fingers])

    def move_hand(self, dx: float, dy: float, dz: float) -> None:
        """Move the right hand's goal (metres), within the workspace and near the hand, and drive the arm towards it."""
        config = self._config
        hand = self.hand_pos()
        goal = [old + move for old, move in zip(self.hand_goal, (dx, dy, dz), strict=True)]
        lead = sum((there - here) ** 2 for there, here in zip(goal, hand, strict=True)) ** 0.5
        if lead > config.max_lead:
            share = config.max_lead / lead
            goal = [here + share * (there - here) for there, here in zip(goal, hand, strict=True)]
        x, y, z = (min(max(to, low), high) for to, (low, high) in zip(goal, config.workspace, strict=True))
        self.hand_goal = (x, y, z)
        angles = self.joint_goals.tolist()
        bounds = [
            (max(low, angle - reach), min(high, angle + reach))
            for angle, reach, (low, high) in zip(angles, self._reaches, self._arm_limits, strict=False)
        ]
        angles = self._kinematics.step_towards(
            angles, self.hand_goal, config.start_right_arm, bounds, config.ik_iterations
        )
        self.joint_goals = np.array(angles)
        self._drive(self._driven, angles)

    def move_joints(self, actions: np.ndarray) -> None:
        """Move the goals of the control joints ((13,) in [-1, 1]) by shares of `joint_steps`, within their limits."""
        low, high = self._limits
        self.joint_goals = np.clip(self.joint_goals + self.joint_steps * actions, low, high)
        self._drive(self._driven, self.joint_goals.tolist())

    def move_fingers(self, bend: float) -> None:
        """Drive the right hand's fingers to be bent this far, radians: small opens the hand, large closes it."""
        self._drive(self._fingers, [RIGHT_FINGERS[name] * bend for name in self._fingers])

    def hand_pos(self) -> tuple[float, float, float]:
        """Where the right hand's grasp point is, world frame, metres."""
        return p.getLinkState(self.body, HAND_LINK, 0, 1, self._client)[0]

    def eyes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Place of the camera between the eyes, its direction and its up, world frame."""
        state = p.getLinkState(self.body, EYES_LINK, 0, 1, self._client)
        axes = np.array(p.getMatrixFromQuaternion(state[5])).reshape(3, 3)
        return np.array(state[4]), axes[:, 0], axes[:, 2]

    def joint_positions(self) -> np.ndarray:
        """``(53,) float32``, radians, in the model's order."""
        states = p.getJointStates(self.body, self._simulated, physicsClientId=self._client)
        angles = self._all_angles.copy()
        angles[self._simulated] = [state[0] for state in states]
        return angles

    def _force(self, name: str) -> float:
        finger = name in RIGHT_FINGERS or name in LEFT_FINGERS
        return self._config.finger_force if finger else self._config.max_force

    def _drive(self, names: tuple[str, ...], goals: list[float]) -> None:
        # keeps the speed limit that the constructor's setJointMotorControl2 gave to each motor
        p.setJointMotorControlArray(
            self.body,
            [self._indices[name] for name in names],
            p.POSITION_CONTROL,
            targetPositions=goals,
            physicsClientId=self._client,
            **self._motors[names],
        )
