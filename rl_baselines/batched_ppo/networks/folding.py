"""A policy as plain Stable-Baselines3 has it: the normaliser inside the first layers, the standard deviation as its
logarithm."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticCnnPolicy, ActorCriticPolicy
from stable_baselines3.common.preprocessing import is_image_space
from torch import Tensor

from rl_baselines.batched_ppo.networks.normaliser import ObservationNormaliser
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy

_NORMALISERS = ("pi_normaliser.", "vf_normaliser.")
PLAIN_KWARGS = tuple(
    name
    for name in inspect.signature(ActorCriticPolicy).parameters
    if name not in ("observation_space", "action_space", "lr_schedule")
)
"""keyword arguments of plain policies"""


def why_not_plain(policy: BatchedPolicy) -> str | None:
    """What of ``policy`` plain Stable-Baselines3 does not have; None where it can hold it."""
    if policy.is_recurrent:
        return "a memory"
    if policy.critic_space is not None:
        return "a critic with observations of its own"
    if policy.std_type == "state":
        return "a standard deviation that depends on the observation"
    return None if policy.with_critic else "no critic"


def plain_class(policy: BatchedPolicy) -> type[ActorCriticPolicy]:
    """The class of the plain policy."""
    image = is_image_space(policy.observation_space, check_channels=False)
    return ActorCriticCnnPolicy if image else ActorCriticPolicy


def to_plain(policy: BatchedPolicy) -> dict[str, Tensor]:
    """The state of the plain policy that acts and values as ``policy`` does, but for the clipping of inputs."""
    state = {name: tensor.clone() for name, tensor in policy.state_dict().items() if not name.startswith(_NORMALISERS)}
    if "std" in state:
        state = {("log_std" if name == "std" else name): tensor for name, tensor in state.items()}
        state["log_std"] = state["log_std"].clamp_min(1e-4).log()
    normaliser = policy.pi_normaliser
    if isinstance(normaliser, ObservationNormaliser):
        shift, scale = normaliser.shift.double(), normaliser.scale.double()
        for layer in _first_layers(state):
            weight, bias = state[f"{layer}.weight"].double() * scale, state[f"{layer}.bias"].double()
            state[f"{layer}.bias"] = (bias - weight @ shift).float()
            state[f"{layer}.weight"] = weight.float()
    return state


def changed_by_folding(policy: BatchedPolicy) -> dict[str, Tensor]:
    """The tensors of ``policy`` that `to_plain` leaves out or alters."""
    plain = to_plain(policy)
    return {
        name: tensor
        for name, tensor in policy.state_dict().items()
        if name not in plain or not torch.equal(tensor, plain[name])
    }


def from_plain(policy: BatchedPolicy, state: Mapping[str, Tensor]) -> dict[str, Any]:
    """``state``, plain or of a `BatchedPolicy`, as ``policy`` takes it; a plain one comes with a normaliser that does
    nothing yet. The critic is left out where ``policy`` has none."""
    wanted = policy.state_dict()
    given = dict(state)
    if "std" in wanted and "log_std" in given:
        given["std"] = given.pop("log_std").exp()
    if not any(name.startswith(_NORMALISERS) for name in given):
        for name, tensor in wanted.items():
            if name.startswith(_NORMALISERS):
                given[name] = torch.ones_like(tensor) if name.endswith("var") else torch.zeros_like(tensor)
    return given if policy.with_critic else {name: tensor for name, tensor in given.items() if name in wanted}


def _first_layers(state: Mapping[str, Tensor]) -> list[str]:
    heads = {"mlp_extractor.policy_net.0": "action_net", "mlp_extractor.value_net.0": "value_net"}
    return [layer if f"{layer}.weight" in state else head for layer, head in heads.items()]
