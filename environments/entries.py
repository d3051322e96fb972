"""What the registry knows of a world: an entry by import paths, so that listing it loads no engine."""

import importlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from srl3.errors import UserError

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
        entry_point: ``module:class`` of the environment.
        config: ``module:class`` of its `EnvConfig`.
        parent: the environment that it varies, or None.
        plotting: how its ground truth is drawn.
        threading: how several of it run at once.
        oracle: ``module:function`` of its scripted policy, which ``environments.oracle`` runs; None without one.
        aliases: short names by which commands take it too.
        oracle_moves_joints: the scripted policy also acts where actions move the joints.
        default_algo: key of the algorithm that trains it from states where none is named; None: the usual one.
    """

    entry_point: str
    config: str
    parent: str | None
    plotting: PlottingType
    threading: ThreadingType
    oracle: str | None = None
    aliases: tuple[str, ...] = ()
    oracle_moves_joints: bool = True
    default_algo: str | None = None

    def load_config(self) -> "type[EnvConfig]":
        """The configuration class (imports no engine).

        Raises:
            UserError: where there is none of this name.
        """
        found = _load(self.config)
        if not hasattr(found, "from_kwargs"):
            raise UserError(f"{self.config}, the configuration of a world, is no EnvConfig; derive it from one.")
        return found

    def load_class(self) -> "type[SRLGymEnv]":
        """The environment class (imports its engine).

        Raises:
            UserError: where there is none of this name.
        """
        found = _load(self.entry_point)
        if self.threading is ThreadingType.BATCHED and not hasattr(found, "world_class"):
            raise UserError(f"{self.entry_point} is registered as batched; derive it from BatchedGymEnv.")
        return found

    def load_oracle(self) -> "Callable[[Any], np.ndarray] | None":
        """The scripted policy, if there is one: from the world itself (a `BatchedWorld`: N robots) to its action."""
        return None if self.oracle is None else _load(self.oracle)


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    if not (module and name):
        raise UserError(f"a world is registered by module:class, not by '{path}'.")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # something that the module imports
        raise UserError(f"a world is registered as {path}, and there is no module {error.name}.") from None
    except AttributeError:
        if hasattr(importlib.import_module(module), name):
            raise
        raise UserError(f"a world is registered as {path}, and {module} has no {name}.") from None
