"""``MobileRobot2TargetGymEnv-v0``: a mobile robot that drives to one target, then to another."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from environments.batched.single import BatchedGymEnv
from environments.batched.world import Rows, SubstepResult
from environments.mobile_robot.config import MobileRobot2TargetConfig
from environments.mobile_robot.mobile_robot_env import MobileRobotWorld

if TYPE_CHECKING:
    from environments.mobile_robot.drawing import MobileRobotCamera


class MobileRobot2TargetWorld(MobileRobotWorld):
    """N mobile robots with two targets each.

    The rules are `MobileRobotWorld`'s for the current target, which is the first one until a robot has been within
    reach of it (a move that still pays for the first one), and the second one from then on. Success is to be within
    reach of the second.

    The first target is yellow, the second one red; once reached, the first one turns grey, so that the pictures tell
    which is the current one.

    Attributes:
        target: ``(N, 2) float64``, the current target, metres.
        targets: ``(N, 2, 2) float64``, the first and the second one.
        current: ``(N,) int64``, 0 or 1.
    """

    config: MobileRobot2TargetConfig
    state_arrays: ClassVar[tuple[str, ...]] = (*MobileRobotWorld.state_arrays, "targets", "current")

    def __init__(self, config: MobileRobot2TargetConfig, num_envs: int) -> None:
        super().__init__(config, num_envs)
        self.targets = np.tile(np.array([config.target, config.second_target]), (num_envs, 1, 1))
        self.current = np.zeros(num_envs, np.int64)

    def _target_draws(self) -> int:
        return 4

    def _begin(self, rows: np.ndarray, draws: np.ndarray) -> None:
        super()._begin(rows, draws)
        self.target[rows] = self.targets[rows, 0]
        self.current[rows] = 0

    def _place_targets(self, rows: np.ndarray, draws: np.ndarray) -> None:
        self.targets[rows] = self._within_margins(draws).reshape(-1, 2, 2)

    def _substep(self, actions: np.ndarray) -> SubstepResult:
        outcome = super()._substep(actions)
        on_second = self.current == 1
        done = np.flatnonzero(outcome.success & ~on_second)
        if done.size:
            self.current[done] = 1
            self.target[done] = self.targets[done, 1]
        return outcome._replace(success=outcome.success & on_second)

    def _draw(self, camera: "MobileRobotCamera", rows: Rows) -> np.ndarray:
        second = np.ones_like(self.current[rows])
        looks = np.stack([2 * self.current[rows], second], axis=1)
        return camera.draw(self.position[rows], self.facing[rows], self.targets[rows], looks)


class MobileRobot2TargetGymEnv(BatchedGymEnv):
    """One mobile robot with two targets; see `MobileRobot2TargetWorld` and `MobileRobot2TargetConfig`.

    Actions: 4 discrete ones (-x, +x, -y, +y by ``step_length``).
    Ground truth: position minus the current target's, ``(2,) float32``, metres.
    """

    config_class = MobileRobot2TargetConfig
    world_class = MobileRobot2TargetWorld
