"""The spaces of an environment as checkpoints describe them, and whether two fit."""

from typing import Any

from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.checkpoints.upgrade import OUTERMOST
from rl_baselines.vec_envs.images import raw_observation_space, transposed_images
from srl3.errors import UserError
from srl3.spaces import Description, describe, in_words, same


def described_spaces(env: VecEnv) -> tuple[Description, Description]:
    """The observation and action space of ``env`` for `CheckpointInfo`.

    Images are those that the policy gets channels first; they are described channels last, as the world gives them.
    """
    return describe(raw_observation_space(env), transposed_images(env)), describe(env.action_space)


def check_spaces(info: CheckpointInfo, env: VecEnv) -> None:
    """Raise `UserError` naming both sides unless ``env`` has the checkpoint's spaces, and images only where it has."""
    check_fit(info, raw_observation_space(env), env.action_space)
    if transposed_images(env) > info.images:
        raise UserError(
            "the checkpoint is of an earlier version, which took the first side of its images "
            f"({in_words(info.observation_space)}) for their channels; they come last now, so its network does not "
            "fit: enjoy still shows it as it was trained, and to train further, train anew."
        )


def check_fit(
    info: CheckpointInfo,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    name: str = "the checkpoint",
) -> None:
    """Raise `UserError` naming both sides unless these are the spaces of the checkpoint, which ``name`` names, images
    channels last."""
    for what, saved, now in (
        ("observation", info.observation_space, observation_space),
        ("action", info.action_space, action_space),
    ):
        here = describe(now)
        if not _fits(saved, here):
            raise UserError(
                f"{name} was trained on {info.env_id} with {what} space {in_words(saved)}, "
                f"but this environment has {in_words(here)}; use the environment and flags that it was trained with."
            )


def _fits(saved: Description, here: Description) -> bool:
    """Of a Box of format 1 only the outermost bounds are known."""
    if not saved.get(OUTERMOST) or here["type"] != "Box":
        return same(saved, here)
    outermost = {**here, OUTERMOST: True, "low": _extreme(here["low"], min), "high": _extreme(here["high"], max)}
    return same(saved, outermost)


def _extreme(bound: Any, choose: Any) -> Any:
    return choose(bound, key=float) if isinstance(bound, list) else bound
