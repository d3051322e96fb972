"""``MobileRobotLineTargetGymEnv-v0``: a mobile robot that drives to a line across its arena."""

from typing import TYPE_CHECKING

import numpy as np

from environments.batched.single import BatchedGymEnv
from environments.mobile_robot.config import MobileRobotLineTargetConfig
from environments.mobile_robot.mobile_robot_env import MobileRobotWorld

if TYPE_CHECKING:
    from environments.mobile_robot.drawing import MobileRobotCamera


class MobileRobotLineTargetWorld(MobileRobotWorld):
    """N mobile robots, each with a band on the floor, across its arena, as its target.

    The rules are `MobileRobotWorld`'s with the distance, along x, to the place in front of the band. A random band lies
    where a robot can stand in front of it. (In the S-RL Toolbox some lay too near the left wall to be reached.)

    Attributes:
        target: ``(N, 2) float64``, the middle of the band, metres.
    """

    config: MobileRobotLineTargetConfig

    def _target_draws(self) -> int:
        return 1

    def _place_targets(self, rows: np.ndarray, draws: np.ndarray) -> None:
        low, high = self.config.line_range
        self.target[rows, 0] = low + (high - low) * draws[:, 0]

    def _distance(self) -> np.ndarray:
        return np.abs(self.position[:, 0] - (self.target[:, 0] - self.config.line_offset))

    def _make_camera(self) -> "MobileRobotCamera":
        from environments.mobile_robot.line_drawing import LineTargetCamera

        return LineTargetCamera(self.config)


class MobileRobotLineTargetGymEnv(BatchedGymEnv):
    """One mobile robot and a line; see `MobileRobotLineTargetWorld` and `MobileRobotLineTargetConfig`.

    Actions: 4 discrete ones (-x, +x, -y, +y by ``step_length``), or two numbers in [-1, 1] times it.
    Ground truth: position minus the middle of the band, ``(2,) float32``, metres. (The S-RL Toolbox took the band's x
    from both coordinates.)
    """

    config_class = MobileRobotLineTargetConfig
    world_class = MobileRobotLineTargetWorld
