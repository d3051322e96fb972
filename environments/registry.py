"""The registry of environments: one line to add one."""

import importlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from srl3.errors import UserError, unknown_name

if TYPE_CHECKING:
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
    """

    entry_point: str
    config: str
    parent: str | None
    plotting: PlottingType
    threading: ThreadingType

    def load_config(self) -> "type[EnvConfig]":
        """The configuration class (imports no engine)."""
        return _load(self.config)

    def load_class(self) -> "type[SRLGymEnv]":
        """The environment class (imports its engine)."""
        return _load(self.entry_point)


_KUKA = "environments.kuka_gym"
_MOBILE = "environments.mobile_robot"

registered_env: dict[str, RegisteredEnv] = {
    "KukaButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_button_gym_env:KukaButtonGymEnv",
        f"{_KUKA}.config:KukaButtonConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
    ),
    "MobileRobotGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_env:MobileRobotGymEnv",
        f"{_MOBILE}.config:MobileRobotConfig",
        None,
        PlottingType.PLOT_2D,
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


def _load(path: str) -> type:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
