"""A checkpoint as the start of another training: what was asked for holds, the rest is the checkpoint's."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from stable_baselines3.common.save_util import recursive_getattr
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.checkpoints.checkpoint import Checkpoint
from rl_baselines.registry import find_algo

_DECIDES = {"ent_coef": ("log_ent_coef", "ent_coef_tensor", "ent_coef_optimizer")}
"""hyperparameters that are the starting value of something learned: what begins anew where another one is asked for"""


def fit_to_request(checkpoint: Checkpoint, env: VecEnv, hyperparams: Mapping[str, Any]) -> tuple[Checkpoint, list[str]]:
    """The checkpoint as a training with these hyperparameters begins with it.

    Weights and the moments of the optimisers are the checkpoint's; what configures an optimiser (``eps``,
    ``weight_decay``, ``betas`` …) is what was asked for. An optimiser of another class begins anew, and so does an
    entropy coefficient for which another value was asked.

    Args:
        checkpoint: what is retrained.
        env: where it is trained on.
        hyperparams: what was asked for.

    Returns:
        the checkpoint, and sentences for the user about what begins anew.
    """
    info = checkpoint.info
    algorithm = find_algo(info.algo).load_class(info.policy)
    asked = algorithm.make_model(env, hyperparams, seed=info.seed, device="cpu", training=False)
    fresh = asked.get_parameters()
    anew = {
        part
        for name, parts in _DECIDES.items()
        if hyperparams.get(name) != info.hyperparams.get(name)
        for part in parts
    }
    notes = []
    parameters: dict[str, Any] = {}
    for name, own in fresh.items():
        saved = checkpoint.parameters.get(name)
        if not name.endswith("optimizer"):
            parameters[name] = saved if saved is not None else own
        elif saved is None or name in anew:
            parameters[name] = own
        elif _another_optimizer(info.hyperparams, hyperparams, saved, own):
            parameters[name] = own
            notes.append(f"the optimiser {name} begins anew: {checkpoint.path} has one of another kind")
        else:
            pairs = zip(own["param_groups"], saved["param_groups"], strict=True)
            groups = [{**group, "params": before["params"]} for group, before in pairs]
            parameters[name] = {"state": saved["state"], "param_groups": groups}
    variables: dict[str, Any] = {}
    for name in asked._get_torch_save_params()[1]:
        saved = checkpoint.variables.get(name)
        own = recursive_getattr(asked, name)
        if own is not None:
            variables[name] = own if saved is None or name in anew else saved
    if anew & (fresh.keys() | variables.keys()):
        notes.append(f"the entropy coefficient begins anew at {hyperparams['ent_coef']}")
    return dataclasses.replace(checkpoint, parameters=parameters, variables=variables), notes


def _another_optimizer(
    before: Mapping[str, Any], now: Mapping[str, Any], saved: Mapping[str, Any], own: Mapping[str, Any]
) -> bool:
    """Whether an optimiser's class changed, or its groups of parameters have other settings."""

    def chosen(hyperparams: Mapping[str, Any]) -> tuple[Any, ...]:
        kwargs = hyperparams.get("policy_kwargs") or {}
        return kwargs.get("optimizer_class"), hyperparams.get("use_rms_prop")

    def settings(state: Mapping[str, Any]) -> list[set[str]]:
        return [set(group) for group in state["param_groups"]]

    return chosen(before) != chosen(now) or settings(saved) != settings(own)
