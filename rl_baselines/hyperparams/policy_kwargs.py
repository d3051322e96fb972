"""``policy_kwargs`` as plain data: classes are named from fixed tables, nothing is evaluated."""

import importlib
from collections.abc import Collection, Mapping
from typing import Any

from srl3.errors import UserError, unknown_name

CLASSES: dict[str, dict[str, str]] = {
    "activation_fn": {
        name: f"torch.nn:{name}" for name in ("Tanh", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus")
    },
    "features_extractor_class": {
        name: f"stable_baselines3.common.torch_layers:{name}" for name in ("FlattenExtractor", "NatureCNN")
    },
    "optimizer_class": {
        **{name: f"torch.optim:{name}" for name in ("Adam", "AdamW", "RMSprop", "SGD")},
        "RMSpropTFLike": "stable_baselines3.common.sb2_compat.rmsprop_tf_like:RMSpropTFLike",
    },
}
"""For each key that takes a class: the names that may be written, and where the class is."""


def check_policy_kwargs(policy_kwargs: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse keys that the policy does not take and values that name no class or no layers.

    Args:
        policy_kwargs: as YAML holds them.
        known: the keys that the algorithm's policy takes.
        where: what messages say of their origin, e.g. ``"ppo2 in my.yaml, section default"``.

    Raises:
        UserError: with close matches for a misspelt key or class.
    """
    for key, value in policy_kwargs.items():
        if key not in known:
            raise unknown_name(f"key in policy_kwargs of {where}", key, known)
        if key in CLASSES:
            _class_path(key, value, where)
        if key == "net_arch":
            layers = list(value.values()) if isinstance(value, Mapping) else [value]
            if not all(_are_layers(sizes) for sizes in layers):
                raise UserError(
                    f"net_arch of {where} must be layer sizes such as [64, 64], or a mapping of such lists "
                    f"(pi and vf, or pi and qf), not {value!r}."
                )


def build_policy_kwargs(policy_kwargs: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The same with classes in the place of their names, as a policy's constructor takes it."""
    built = {}
    for key, value in policy_kwargs.items():
        if key in CLASSES:
            module, _, name = _class_path(key, value, where).partition(":")
            value = getattr(importlib.import_module(module), name)
        built[key] = value
    return built


def _class_path(key: str, name: Any, where: str) -> str:
    table = CLASSES[key]
    short = name.rpartition(".")[2] if isinstance(name, str) else str(name)
    if short not in table:
        raise unknown_name(f"{key} of {where}", short, table)
    return table[short]


def _are_layers(sizes: Any) -> bool:
    return isinstance(sizes, list | tuple) and all(
        isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes
    )
