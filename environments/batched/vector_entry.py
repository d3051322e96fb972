"""Entry points for ``gymnasium.make_vec``: the attribute named as a batched environment's id makes its `VectorEnv`.

Gymnasium calls a vector entry point without the id and keeps it as a text (a function would make the specification
impossible to write as JSON), so ``environments.batched.vector_entry:MobileRobotGymEnv-v0`` names one for each id.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from environments.batched import make_vector_env
from environments.registry import ThreadingType, registered_env


def __getattr__(name: str) -> Callable[..., Any]:
    if name in registered_env and registered_env[name].threading is ThreadingType.BATCHED:
        return partial(make_vector_env, name)
    raise AttributeError(f"no batched environment is registered as {name}")
