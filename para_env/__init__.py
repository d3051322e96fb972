"""``import para_env``: the hand's worlds by the names under which a training script of MuJoCo Playground finds them.

It imports the registry of worlds and the front doors; nothing imports it.
"""

from typing import Any

from environments.registry import registered_env
from rl_baselines.front_doors.randomization import randomized

__all__ = ["ALL_ENVS", "get_domain_randomizer"]

ALL_ENVS: tuple[str, ...] = tuple(
    alias for entry in registered_env.values() for alias in entry.aliases if alias.startswith("ParaHand")
)
"""names that ``train_reorient --env_name`` and every other command take"""


def get_domain_randomizer(env_name: str) -> dict[str, Any]:
    """The parameters of a world that ``--domain_randomization`` sets, by dotted name.

    Raises:
        UserError: for an unknown world, or one that is not randomised.
    """
    return randomized(env_name)
