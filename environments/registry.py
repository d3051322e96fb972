"""The registry of environments: one line to add one."""

import importlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from srl3.errors import UserError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from environments.config import EnvConfig
    from environments.srl_env import SRLGymEnv


class PlottingType(Enum):
    """How many dimensions the ground truth is drawn in."""

    PLOT_2D = "2D"
    PLOT_3D = "3D"


class ThreadingType(Enum):
    """How several environments run at once."""

    PROCESS = "process"
    """one engine each, in worker processes"""
    BATCHED = "batched"
    """one world steps all of them as arrays"""
    NONE = "none"
    """only one at a time"""


@dataclass(frozen=True)
class RegisteredEnv:
    """An environment by import path, so that listing it loads no engine.

    Args:
        entry_point: ``module:class`` of the environment; its module folder holds ``config.py``.
        config: ``module:class`` of its `EnvConfig`.
        parent: the environment that it varies, or None.
        plotting: how its ground truth is drawn.
        threading: how several of it run at once.
        oracle: ``module:function`` of its scripted policy, which ``environments.oracle`` runs; None without one.
    """

    entry_point: str
    config: str
    parent: str | None
    plotting: PlottingType
    threading: ThreadingType
    oracle: str | None = None

    def load_config(self) -> "type[EnvConfig]":
        """The configuration class (imports no engine)."""
        return _load(self.config)

    def load_class(self) -> "type[SRLGymEnv]":
        """The environment class (imports its engine)."""
        return _load(self.entry_point)

    def load_oracle(self) -> "Callable[[Any], np.ndarray] | None":
        """The scripted policy, if there is one: from the world itself (a `BatchedWorld`: N robots) to its action."""
        return None if self.oracle is None else _load(self.oracle)


_INMOOV = "environments.inmoov"
_KUKA = "environments.kuka_gym"
_MOBILE = "environments.mobile_robot"
_MUJOCO = "environments.mujoco_gym.tasks"
_OMNIROBOT = "environments.omnirobot_gym"

registered_env: dict[str, RegisteredEnv] = {
    "KukaButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_button_gym_env:KukaButtonGymEnv",
        f"{_KUKA}.config:KukaButtonConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_KUKA}.oracle:scripted_action",
    ),
    "KukaRandButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_rand_button_gym_env:KukaRandButtonGymEnv",
        f"{_KUKA}.variant_configs:KukaRandButtonConfig",
        "KukaButtonGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_KUKA}.oracle:scripted_action",
    ),
    "Kuka2ButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_2button_gym_env:Kuka2ButtonGymEnv",
        f"{_KUKA}.variant_configs:Kuka2ButtonConfig",
        "KukaButtonGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_KUKA}.oracle:scripted_action",
    ),
    "KukaMovingButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_moving_button_gym_env:KukaMovingButtonGymEnv",
        f"{_KUKA}.variant_configs:KukaMovingButtonConfig",
        "KukaButtonGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_KUKA}.oracle:scripted_action",
    ),
    "InmoovGymEnv-v0": RegisteredEnv(
        f"{_INMOOV}.inmoov_gym_env:InmoovGymEnv",
        f"{_INMOOV}.config:InmoovReachConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_INMOOV}.oracle:reach_action",
    ),
    "InmoovButtonGymEnv-v0": RegisteredEnv(
        f"{_INMOOV}.inmoov_button_gym_env:InmoovButtonGymEnv",
        f"{_INMOOV}.config:InmoovButtonConfig",
        "InmoovGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_INMOOV}.oracle:press_action",
    ),
    "MobileRobotGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_env:MobileRobotGymEnv",
        f"{_MOBILE}.config:MobileRobotConfig",
        None,
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_MOBILE}.oracle:greedy_action",
    ),
    "MobileRobot2TargetGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_2target_env:MobileRobot2TargetGymEnv",
        f"{_MOBILE}.config:MobileRobot2TargetConfig",
        "MobileRobotGymEnv-v0",
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_MOBILE}.oracle:greedy_action",
    ),
    "MobileRobot1DGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_1d_env:MobileRobot1DGymEnv",
        f"{_MOBILE}.config:MobileRobot1DConfig",
        "MobileRobotGymEnv-v0",
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_MOBILE}.oracle:greedy_action",
    ),
    "MobileRobotLineTargetGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_line_target_env:MobileRobotLineTargetGymEnv",
        f"{_MOBILE}.config:MobileRobotLineTargetConfig",
        "MobileRobotGymEnv-v0",
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_MOBILE}.oracle:greedy_action",
    ),
    "OmnirobotEnv-v0": RegisteredEnv(
        f"{_OMNIROBOT}.omnirobot_env:OmnirobotEnv",
        f"{_OMNIROBOT}.config:OmnirobotConfig",
        None,
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_OMNIROBOT}.oracle:scripted_action",
    ),
    "CarRacingGymEnv-v0": RegisteredEnv(
        "environments.car_racing.car_racing_env:CarRacingGymEnv",
        "environments.car_racing.config:CarRacingConfig",
        None,
        PlottingType.PLOT_2D,
        ThreadingType.PROCESS,
        "environments.car_racing.oracle:drive_action",
    ),
    "AntGymEnv-v0": RegisteredEnv(
        f"{_MUJOCO}.locomotion:AntGymEnv",
        f"{_MUJOCO}.locomotion_config:AntConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
    ),
    "HumanoidGymEnv-v0": RegisteredEnv(
        f"{_MUJOCO}.locomotion:HumanoidGymEnv",
        f"{_MUJOCO}.locomotion_config:HumanoidConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
    ),
}

unavailable_env: dict[str, str] = {
    "Baxter-v0": "Baxter-v0 needs ROS and the robot itself, which SRL3 does not drive; use KukaButtonGymEnv-v0.",
    "RoboboGymEnv-v0": "RoboboGymEnv-v0 needs ROS and the robot itself, which SRL3 does not drive; "
    "use MobileRobotGymEnv-v0.",
}
"""Environments of the S-RL Toolbox that can't run here, with the sentence that says why."""


def find_env(env_id: str) -> RegisteredEnv:
    """The entry of ``env_id``.

    Raises:
        UserError: for an unknown id (with close matches) or one that is unavailable (with the reason).
    """
    if env_id in unavailable_env:
        raise UserError(unavailable_env[env_id])
    if env_id not in registered_env:
        raise unknown_name("environment", env_id, registered_env)
    return registered_env[env_id]


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
