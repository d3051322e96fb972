"""``--domain_randomization``: a world's own mode, else what MuJoCo Playground's in-hand tasks draw for each world."""

from typing import Any

from environments.registry import find_env
from srl3.errors import UserError

RANDOMIZATION: dict[str, dict[str, Any]] = {
    "friction": {"operation": "scale", "range": [0.5, 1.0]},
    "mass": {"operation": "scale", "range": [0.9, 1.1]},
    "com": {"operation": "add", "range": [-0.005, 0.005]},
    "gains": {"operation": "scale", "range": [0.8, 1.2]},
    "damping": {"operation": "scale", "range": [0.8, 1.2]},
    "armature": {"operation": "scale", "range": [1.0, 1.05]},
    "friction_loss": {"operation": "scale", "range": [0.5, 2.0]},
}
"""the ranges of its LeapCubeReorient, drawn once for each world; masses change together with inertias"""

OWN = "domain_randomization"
"""the mode of worlds that have ranges of their own"""


def randomized(env_id: str) -> dict[str, Any]:
    """The parameters that randomise this world.

    Raises:
        UserError: for an unknown world, or one whose models are not randomised.
    """
    config = find_env(env_id).load_config()
    if config.has(OWN):
        return {OWN: True}
    if not config.has("randomize"):
        raise UserError(f"{env_id} has no domain randomization; only MuJoCo worlds have, such as AntGymEnv-v0.")
    return {f"randomize.{name}.{key}": value for name, how in RANDOMIZATION.items() for key, value in how.items()}
