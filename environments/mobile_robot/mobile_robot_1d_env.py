"""``MobileRobot1DGymEnv-v0``: a mobile robot that moves along one line, to a target on it."""

from environments.batched.single import BatchedGymEnv
from environments.mobile_robot.config import MobileRobot1DConfig
from environments.mobile_robot.mobile_robot_env import MobileRobotWorld


class MobileRobot1DWorld(MobileRobotWorld):
    """N mobile robots that move along x; the rules are `MobileRobotWorld`'s."""

    config: MobileRobot1DConfig
    axes = 1


class MobileRobot1DGymEnv(BatchedGymEnv):
    """One mobile robot on a line; see `MobileRobot1DWorld` and `MobileRobot1DConfig`.

    Actions: 2 discrete ones (-x, +x by ``step_length``).
    Ground truth: x minus the target's, ``(1,) float32``, metres.
    """

    config_class = MobileRobot1DConfig
    world_class = MobileRobot1DWorld
