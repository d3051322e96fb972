"""`InmoovButtonGymEnv`: the right fist pushes a button on a table."""

import math
from typing import ClassVar

from environments.bullet import pybullet as p
from environments.button_task import ButtonTask
from environments.inmoov.arm_env import InmoovArmEnv
from environments.inmoov.config import InmoovButtonConfig, Point
from environments.inmoov.model.models import BUTTON_URDF, TABLE_URDF, load_model
from environments.inmoov.robot import HAND_LINK
from environments.inmoov.scene import InmoovScene

CAP_LINK = 0


class ButtonScene(InmoovScene):
    """The humanoid at a table with a button.

    Args:
        config: the world's parameters.
        window: simulate inside PyBullet's window instead of without one.
    """

    def __init__(self, config: InmoovButtonConfig, window: bool = False) -> None:
        super().__init__(config, config.closed_finger, window)
        self.table = load_model(TABLE_URDF, self.client)
        p.resetBasePositionAndOrientation(self.table, config.table_pos, (0, 0, 0, 1), physicsClientId=self.client)
        self.button = load_model(BUTTON_URDF, self.client)
        p.setJointMotorControl2(
            self.button,
            CAP_LINK,
            p.POSITION_CONTROL,
            targetPosition=0,
            force=config.button_force,
            physicsClientId=self.client,
        )
        self._tie_button_to_robot()
        self.place_button(config.button_pos)
        self.settle()

    def place_button(self, position: Point) -> None:
        """Put the button's foot here, metres."""
        p.resetBasePositionAndOrientation(self.button, position, (0, 0, 0, 1), physicsClientId=self.client)

    def contacts(self) -> tuple[bool, bool]:
        """Whether the robot touches the button's cap, and whether it touches the table."""
        cap = table = False
        for contact in p.getContactPoints(self.robot.body, physicsClientId=self.client):
            if contact[2] == self.table:
                table = True
            elif contact[2] == self.button and contact[4] == CAP_LINK:
                cap = True
        return cap, table

    def _tie_button_to_robot(self) -> None:
        """Keep robot and button in one simulation island for ever, by a gear that transmits no force.

        Bullet solves constraints island by island, so that otherwise the last bits of every position would depend on
        whether the two came near each other in earlier episodes.
        """
        gear = p.createConstraint(
            self.robot.body,
            HAND_LINK,
            self.button,
            CAP_LINK,
            p.JOINT_GEAR,
            (0, 0, 1),
            (0, 0, 0),
            (0, 0, 0),
            physicsClientId=self.client,
        )
        p.changeConstraint(gear, gearRatio=1, maxForce=0, physicsClientId=self.client)


class InmoovButtonGymEnv(ButtonTask, InmoovArmEnv):
    """Push the button for five steps, without touching the table: the rules of `KukaButtonGymEnv`.

    Actions: ``Discrete(6)`` (-x, +x, -y, +y, -z, +z) or those of `InmoovArmEnv`; the hand is a fist, palm down.

    Sparse reward: +1 for a step in contact with the button; -1 instead when the robot touches the table or the hand is
    outside ``max_distance``; else 0. Dense reward: minus the distance to the target, metres; with continuous actions
    the last step pays ``success_reward`` or ``failure_reward`` instead. An episode ends after ``n_contacts_to_end``
    steps of contact (the greatest sparse return, 5), at a touch of the table, or after ``max_steps_outside``.
    """

    config_class: ClassVar[type[InmoovButtonConfig]] = InmoovButtonConfig
    config: InmoovButtonConfig
    _scene: ButtonScene

    def _make_scene(self, window: bool) -> ButtonScene:
        return ButtonScene(self.config, window)

    def _begin_task(self) -> None:
        config = self.config
        x, y, z = config.button_pos
        if config.random_target:
            x = float(self.np_random.uniform(*config.random_target_x))
            y = float(self.np_random.uniform(*config.random_target_y))
        self._scene.restore()
        self._scene.place_button((x, y, z))
        self._target = (x, y, z + config.button_distance_height)
        self._begin_counting()

    def _move_hand(self, dx: float, dy: float, dz: float) -> None:
        super()._move_hand(dx, dy, -abs(dz) if self.config.force_down else dz)

    def _judge(self) -> tuple[float, dict[str, float], bool, bool]:
        return self._judge_step(*self._scene.contacts(), math.dist(self._hand, self._target))
