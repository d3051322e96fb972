"""Numbers that are not finite: the error that ends a training, by the names of the world's terms."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from rl_baselines.vec_envs.tensors import BatchedTensors, TensorVecEnv
from srl3.errors import UserError

Observations = Mapping[str, torch.Tensor]
"""by group, ``(…, N, …)`` with the numbers of one robot behind N"""


class NotFiniteError(UserError):
    """Losses, gradients or actions that are not finite."""


@contextmanager
def naming(world: TensorVecEnv, observations: Observations, rewards: torch.Tensor) -> Iterator[None]:
    """Let an error of updates that are not finite name what was not finite in the rollout.

    Args:
        world: whose it is.
        observations: ``(T, N, …)`` each.
        rewards: ``(T, N)``
    """
    try:
        yield
    except NotFiniteError as error:
        names = _of_observations(world, observations, rewards.dim()) + _of_rewards(world, rewards)
        if not names:
            raise
        raise NotFiniteError(f"{error} Not finite in the last rollout: {', '.join(names)}.") from None


@contextmanager
def naming_observations(world: TensorVecEnv, observations: Observations, actions: torch.Tensor) -> Iterator[None]:
    """Let the refusal of actions that are not finite name the observations, ``(N, …)`` each, of which they come."""
    try:
        yield
    except ValueError:
        if bool(actions.isfinite().all()):
            raise
        names = _of_observations(world, observations, 1)
        raise NotFiniteError(
            "the policy's actions are not finite"
            + (f", because these are not: {', '.join(names)}" if names else "")
            + "; what was saved is sound."
        ) from None


def _of_observations(world: TensorVecEnv, observations: Observations, robots: int) -> list[str]:
    """Names of the terms; ``robots``: how many of the first dimensions count robots and steps."""
    found = []
    for group, values in observations.items():
        finite = values.isfinite().flatten(0, robots - 1)
        wrong = ~finite.flatten(1).all(0)
        if bool(wrong.any()):
            known = world.world.observation_terms() if isinstance(world, BatchedTensors) else []
            terms = [term for term in known if term.group == group and bool(wrong[term.start : term.stop].any())]
            found += [f"{term.name} ({group})" for term in terms] or [f"a number of the observations ({group})"]
    return found


def _of_rewards(world: TensorVecEnv, rewards: torch.Tensor) -> list[str]:
    if bool(rewards.isfinite().all()):
        return []
    if not isinstance(world, BatchedTensors):
        return ["a reward"]
    sums = zip(world.world.term_names(), torch.as_tensor(world.world.episode_terms), strict=True)
    return [f"the reward's term {name}" for name, values in sums if not bool(values.isfinite().all())] or ["a reward"]
