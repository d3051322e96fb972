"""The registry of representations: one line to add one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from srl3.errors import UserError, unknown_name


class SRLType(Enum):
    """Where the observation comes from."""

    ENVIRONMENT = "environment"
    """the world itself gives it"""
    SRL = "learned"
    """a learned model makes it from the camera's image"""


REST = 0
"""In `RegisteredSRL.dims`: what the other parts leave of the state."""


@dataclass(frozen=True)
class RegisteredSRL:
    """A kind of observation.

    Args:
        srl_type: where it comes from.
        environments: the environments (and their variants) that it is limited to; None for all.
        losses: what it is learned with, names of `state_representation.store.loss_terms`; empty when the world
            gives it.
        dims: the part of the state that each loss sees, in numbers: `REST`, or -1 for the part of the loss before;
            empty when each sees all of it.
    """

    srl_type: SRLType
    environments: tuple[str, ...] | None = None
    losses: tuple[str, ...] = ()
    dims: tuple[int, ...] = ()

    def allows(self, lineage: Sequence[str]) -> bool:
        """Whether an environment may use it.

        Args:
            lineage: the environment's id, followed by those of the environments it is a variant of.
        """
        return self.environments is None or any(env_id in self.environments for env_id in lineage)


def _world(*environments: str) -> RegisteredSRL:
    return RegisteredSRL(SRLType.ENVIRONMENT, environments or None)


def _learned(*losses: str, dims: tuple[int, ...] = ()) -> RegisteredSRL:
    return RegisteredSRL(SRLType.SRL, None, losses, dims)


_ARMS = ("KukaButtonGymEnv-v0", "InmoovGymEnv-v0")

registered_srl: dict[str, RegisteredSRL] = {
    "raw_pixels": _world(),
    "ground_truth": _world(),
    "joints": _world(*_ARMS),
    "joints_position": _world(*_ARMS),
    "robotic_priors": _learned("priors"),
    "inverse": _learned("inverse"),
    "forward": _learned("forward"),
    "reward": _learned("reward"),
    "reward_inverse": _learned("reward", "inverse"),
    "autoencoder": _learned("autoencoder"),
    "autoencoder_forward": _learned("autoencoder", "forward"),
    "autoencoder_inverse": _learned("autoencoder", "inverse"),
    "autoencoder_reward": _learned("autoencoder", "reward"),
    "vae": _learned("vae"),
    "dae": _learned("dae"),
    "pca": _learned("pca"),
    "random": _learned("random"),
    "random_inverse": _learned("random", "inverse"),
    "supervised": _learned("supervised"),
    "multi_view_srl": _learned("triplet"),
    "srl_combination": _learned("autoencoder", "reward", "inverse"),
    "srl_splits": _learned("autoencoder", "reward", "inverse", dims=(REST, -1, 2)),
    "srl_split_forward": _learned("autoencoder", "reward", "forward", dims=(REST, -1, 2)),
    "srl_3_splits": _learned("autoencoder", "inverse", "forward", dims=(REST, 10, 10)),
}


def find_srl(name: str, lineage: Sequence[str] = ()) -> RegisteredSRL:
    """The entry of ``name``, checked against an environment if there is one.

    Args:
        name: key of `registered_srl`.
        lineage: the environment's id, followed by those of the environments it is a variant of; empty for no check.

    Raises:
        UserError: for an unknown name (with close matches), or one that the environment can't use.
    """
    if name not in registered_srl:
        raise unknown_name("representation", name, registered_srl)
    entry = registered_srl[name]
    if lineage and not entry.allows(lineage):
        assert entry.environments is not None
        allowed = ", ".join(entry.environments)
        raise UserError(f"{name} exists only for {allowed} and its variants, not for {lineage[0]}; use ground_truth.")
    return entry
