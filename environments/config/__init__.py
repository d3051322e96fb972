"""What a world can be told, as plain data that imports no engine.

Every world has a frozen dataclass derived from `EnvConfig` (or, in the manner of the S-RL Toolbox, from `SRLConfig`).
Its fields are the keyword arguments that the world takes (``gymnasium.make(id, **env_kwargs)``), its constants
included; parts of a world are dataclasses of their own, whose fields have dotted names (``sim.timestep``).
"""

from environments.config.base import CURRICULUM, GROUND_TRUTH, JOINTS, JOINTS_POSITION, PIXELS, EnvConfig
from environments.config.convert import parse_img_shape
from environments.config.names import flatten, nest
from environments.config.srl import Modes, SRLConfig, check_img_shape
from environments.config.yaml_file import read_env_config

__all__ = [
    "CURRICULUM",
    "GROUND_TRUTH",
    "JOINTS",
    "JOINTS_POSITION",
    "PIXELS",
    "EnvConfig",
    "Modes",
    "SRLConfig",
    "check_img_shape",
    "flatten",
    "nest",
    "parse_img_shape",
    "read_env_config",
]
