"""How repositories and the files in them are called: as rl-zoo3 calls them, and a run's files by their own names."""

import re

from environments.foreign import escaped_id
from srl3.errors import UserError

DEFAULT_ORGANIZATION = "sb3"
"""whose models `load_from_hub` fetches where nobody is named: those of rl-zoo3"""
CARD, FILM, METRICS, RESULTS, POLICY = (
    "README.md",
    "replay.mp4",
    "train_eval_metrics.zip",
    "results.json",
    "policy.onnx",
)
CURVE = "learning_curve.png"
RUN_FILES = ("args.yaml", "env_kwargs.yaml", "train_config.yaml", "versions.yaml")
"""of a run of SRL3"""
ZOO_FILES = {
    "args.yml": "args.yml",
    "config.yml": "config.yml",
    "env_kwargs.yml": "env_kwargs.yml",
    "vec_normalize.pkl": "vecnormalize.pkl",
}
"""of a run of rl-zoo3: what the hub calls them, and what the run folder does"""
_NAME = re.compile(r"[\w-](?:[\w.-]{0,94}[\w-])?")


def model_name(algo: str, env_id: str) -> str:
    """Name of a repository, and of the checkpoint in it but for the ``.zip``: ``ppo-CartPole-v1``."""
    return f"{algo}-{escaped_id(env_id)}"


def repository_id(organization: str, name: str) -> str:
    """``<organization>/<name>``.

    Raises:
        UserError: for a name that the hub does not take.
    """
    for flag, part in (("--organization", organization), ("--repo-name", name)):
        if not _NAME.fullmatch(part) or "--" in part or ".." in part:
            raise UserError(
                f"{flag} '{part}' is no name on the hub: letters, digits, -, _ and . are, up to 96, without -- and .. "
                "and not at either end a point."
            )
    return f"{organization}/{name}"
