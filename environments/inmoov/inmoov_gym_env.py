"""`InmoovGymEnv`: the right hand reaches for a fruit on a plant."""

import math
from typing import Any, ClassVar

from environments.bullet import pybullet as p
from environments.inmoov.arm_env import DIRECTIONS, InmoovArmEnv
from environments.inmoov.config import InmoovReachConfig
from environments.inmoov.model.models import PLANT_URDF, load_model
from environments.inmoov.robot import FINGER_LINKS
from environments.inmoov.scene import InmoovScene
from environments.inmoov.scenery import FRUIT_AT

OPEN_HAND = len(DIRECTIONS)
CLOSE_HAND = OPEN_HAND + 1
FRUIT_LINK = 0


class FruitScene(InmoovScene):
    """The humanoid before a potted plant.

    Args:
        config: the world's parameters.
        window: simulate inside PyBullet's window instead of without one.
    """

    def __init__(self, config: InmoovReachConfig, window: bool = False) -> None:
        super().__init__(config, config.open_finger, window)
        self.plant = load_model(PLANT_URDF, self.client)
        self.place_fruit(config.fruit_pos)
        self.settle()

    def place_fruit(self, fruit_pos: tuple[float, float, float]) -> None:
        """Move the plant so that the ripe fruit's centre is here, metres."""
        x, y, z = (there - offset for there, offset in zip(fruit_pos, FRUIT_AT, strict=True))
        p.resetBasePositionAndOrientation(self.plant, (x, y, z), (0, 0, 0, 1), physicsClientId=self.client)

    def finger_contacts(self) -> int:
        """How many finger segments touch the plant, of which only the fruit does not yield."""
        points = p.getContactPoints(self.robot.body, self.plant, physicsClientId=self.client)
        return len({point[3] for point in points if point[4] == FRUIT_LINK} & FINGER_LINKS)


class InmoovGymEnv(InmoovArmEnv):
    """Bring the right hand to the ripe fruit, and hold it there.

    Actions: ``Discrete(8)``: the six directions, open the hand (6), close it (7); or those of `InmoovArmEnv`.

    Reward: minus the distance of hand and fruit, metres, or 0 within ``reach_distance`` (with ``shape_reward`` the
    distance counts there too, so that the hand is drawn on to the fruit's centre); plus the number of finger
    segments that touch the plant (its leaves and stems yield: they touch its fruit). No state ends an
    episode: staying at the fruit is the task. Success is a hand within ``reach_distance`` at the end.
    """

    config_class: ClassVar[type[InmoovReachConfig]] = InmoovReachConfig
    config: InmoovReachConfig
    _scene: FruitScene
    discrete_actions: ClassVar[tuple[str, ...]] = (*InmoovArmEnv.discrete_actions, "open hand", "close hand")

    def _make_scene(self, window: bool) -> FruitScene:
        return FruitScene(self.config, window)

    def _begin_task(self) -> None:
        config = self.config
        x, y, z = config.fruit_pos
        if config.random_target:
            x = float(self.np_random.uniform(*config.random_target_x))
            y = float(self.np_random.uniform(*config.random_target_y))
        self._target = (x, y, z)
        self._scene.restore()
        self._scene.place_fruit(self._target)

    def _move(self, action: Any) -> None:
        if self.config.is_discrete and action >= OPEN_HAND:
            self.robot.move_hand(0.0, 0.0, 0.0)
            self.robot.move_fingers(self.config.open_finger if action == OPEN_HAND else self.config.closed_finger)
        else:
            super()._move(action)

    def _judge(self) -> tuple[float, dict[str, float], bool, bool]:
        distance = math.dist(self._hand, self._target)
        reached = distance < self.config.reach_distance
        free = reached and not self.config.shape_reward
        terms = {"distance": 0.0 if free else -distance, "contacts": float(self._scene.finger_contacts())}
        return sum(terms.values()), terms, False, reached
