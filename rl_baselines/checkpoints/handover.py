"""A policy that one algorithm trained and another trains on, such as a student that goes on by rewards."""

import dataclasses
from typing import TYPE_CHECKING, Any

from rl_baselines.registry import find_algo

if TYPE_CHECKING:
    from rl_baselines.checkpoints.archive import Checkpoint

_OF_THE_POLICY = ("policy_kwargs", "normalize", "env_wrapper", "vec_env_wrapper")
"""hyperparameters that say what a policy is and observes, not how it is trained"""


def can_train_on(algo: str, trained_with: str) -> bool:
    """Whether ``algo`` takes checkpoints of ``trained_with``: it is the same, or that one trains its policies."""
    taken = find_algo(trained_with).load_class().policies_of
    return not is_another(algo, trained_with) or (taken is not None and not is_another(algo, taken))


def is_another(algo: str, trained_with: str) -> bool:
    """Whether these are two algorithms, not two names of one."""
    return find_algo(algo).load_class() is not find_algo(trained_with).load_class()


def policy_settings(checkpoint: "Checkpoint") -> dict[str, Any]:
    """The hyperparameters that another algorithm takes over.

    A network of pictures that actions and values shared becomes two, alike at first: nobody taught the values, and what
    corrects them would rewrite in a few updates what the actions depend on.
    """
    saved = checkpoint.info.hyperparams
    settings = {name: saved[name] for name in _OF_THE_POLICY if name in saved}
    if any(name.startswith("vf_features_extractor.") for name in checkpoint.parameters["policy"]):
        settings["policy_kwargs"] = {**(settings.get("policy_kwargs") or {}), "share_features_extractor": False}
    return settings


def handed_over(checkpoint: "Checkpoint", algo: str) -> "Checkpoint":
    """The checkpoint as one of ``algo``: networks and statistics, and nothing of how they were trained."""
    if not is_another(algo, checkpoint.info.algo):
        return checkpoint
    return dataclasses.replace(
        checkpoint,
        info=dataclasses.replace(checkpoint.info, algo=algo, hyperparams=policy_settings(checkpoint)),
        parameters={name: state for name, state in checkpoint.parameters.items() if not name.endswith("optimizer")},
        state={**checkpoint.state, "training": None},
    )
