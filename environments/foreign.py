"""Worlds that are not registered here: the place where ids of Gymnasium's own registry become entries."""

from environments.entries import RegisteredEnv


def foreign_entry(env_id: str) -> RegisteredEnv | None:
    """The entry of a world that `environments.registry` does not hold; None for an unknown id."""
    return None
