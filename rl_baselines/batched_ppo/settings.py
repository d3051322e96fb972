"""What must fit together before a training begins."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from srl3.errors import UserError, unknown_name
from srl3.runtime.room import free_memory

CRITIC = "critic"
COPIES = 3
"""of a rollout's numbers that there are at a time: as they were seen, as they are learned from, and in passing"""
"""the group of observations that a critic sees where a world has it"""


def groups_of(
    known: Mapping[str, spaces.Space[Any]], policy_key: str, value_key: str | None, *, with_critic: bool
) -> tuple[str, str]:
    """The groups of observations of the policy and of the critic.

    Args:
        known: the groups of the world.
        policy_key: hyperparameter ``policy_obs_key``.
        value_key: hyperparameter ``value_obs_key``; None: `CRITIC` where the world has it, else the policy's.
        with_critic: False where there is none.

    Raises:
        UserError: for a group that the world lacks, naming those that it has.
    """
    seen = group_of(known, policy_key, "policy_obs_key")
    if not with_critic:
        return seen, seen
    if value_key is None:
        return seen, CRITIC if CRITIC in known else seen
    return seen, group_of(known, value_key, "value_obs_key")


def group_of(groups: Mapping[str, spaces.Space[Any]], name: str, hyperparameter: str) -> str:
    """The group of observations that a hyperparameter names.

    Raises:
        UserError: when the world lacks it, naming those that it has.
    """
    if name not in groups:
        raise unknown_name(f"group of observations for {hyperparameter}", name, groups)
    return name


def check_noise_of_critic(groups: tuple[str, str], noisy: Collection[str], others: Collection[str]) -> None:
    """Refuse a critic that would observe noise which is made for the policy, where the world has better for it.

    Args:
        groups: of the policy and of the critic.
        noisy: groups to which the world adds noise.
        others: all groups of the world.

    Raises:
        UserError: naming a group that the critic may see.
    """
    clean = [group for group in others if group not in noisy]
    if groups[1] in noisy and clean:
        raise UserError(
            f"the critic would observe group {groups[1]}, to which noise is added, and this world has {clean[0]} "
            f"without; set value_obs_key:{clean[0]}, or take the noise out of the world."
        )


def check_minibatches(n_steps: int, n_envs: int, batch_size: int, *, recurrent: bool) -> None:
    """Refuse minibatches that do not divide a rollout evenly; with a memory they hold whole robots.

    Raises:
        UserError: with the nearest number of minibatches that does.
    """
    samples, unit = n_steps * n_envs, n_steps if recurrent else 1
    if samples % batch_size == 0 and batch_size % unit == 0:
        return
    pieces = samples // unit
    what = f"{n_envs} environments" if recurrent else f"{samples} samples (n_steps {n_steps} x {n_envs} environments)"
    raise UserError(
        f"{what} do not divide into minibatches of {_number(batch_size / unit)}; "
        f"the nearest numbers that do: nminibatches {nearest_divisors(pieces, samples / batch_size)}."
    )


def check_number_of_minibatches(n_steps: int, n_envs: int, nminibatches: int, *, recurrent: bool) -> None:
    """The same for a number of minibatches.

    Raises:
        UserError: with the nearest numbers that divide.
    """
    samples = n_envs if recurrent else n_steps * n_envs
    if samples % nminibatches:
        what = (
            f"{n_envs} environments" if recurrent else f"{samples} samples (n_steps {n_steps} x {n_envs} environments)"
        )
        raise UserError(
            f"{what} do not divide into {nminibatches} minibatches; "
            f"the nearest numbers that do: nminibatches {nearest_divisors(samples, nminibatches)}."
        )


def nearest_divisors(total: int, wanted: float) -> str:
    """The divisors of ``total`` next to ``wanted``, in words."""
    divisors = [number for number in range(1, total + 1) if total % number == 0]
    below = [number for number in divisors if number <= wanted]
    above = [number for number in divisors if number > wanted]
    return " or ".join(str(number) for number in [*below[-1:], *above[:1]])


def _number(value: float) -> str:
    return f"{value:g}"


def check_memory(
    steps: int, n_envs: int, observed: Sequence[spaces.Space[Any]], actions: spaces.Space[Any], device: str
) -> None:
    """Refuse rollouts that a device's memory does not hold.

    Args:
        steps: of a rollout.
        n_envs: robots.
        observed: spaces of one robot's observations, whose numbers take 4 bytes, those of pictures 1.
        actions: space of its actions.
        device: where they are.

    Raises:
        UserError: naming how many robots would fit.
    """
    of_a_step = 4 * (3 * spaces.flatdim(actions) + 8)
    of_a_step += sum((1 if space.dtype == np.uint8 else 4) * spaces.flatdim(space) for space in observed)
    free, each = free_memory(device), COPIES * (steps + 1) * of_a_step
    if free is not None and n_envs * each > free:
        raise UserError(
            f"rollouts of {steps} steps of {n_envs:,} robots take about {n_envs * each / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB are free; {free // each:,} fit, or fewer n_steps."
        )
