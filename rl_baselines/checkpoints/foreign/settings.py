"""Hyperparameters of a model that Stable-Baselines3 saved, by SRL3's names."""

from collections.abc import Iterable, Mapping
from typing import Any

from rl_baselines.base_classes import BaseRLObject
from rl_baselines.checkpoints.foreign.data import NotReadable, PlainData
from rl_baselines.hyperparams.classes import check_classes, to_classes
from rl_baselines.hyperparams.zoo import ZooPreset, zoo_preset
from rl_baselines.runs.zoo import CONFIGURATION, ZooRun
from srl3.errors import UserError

_APART = (
    *("n_envs", "normalize", "policy_kwargs", "nminibatches", "noise_type", "noise_std", "use_rms_prop"),
    *("callback", "replay_buffer_class"),
)
_OTHER_NAMES = {"stats_window_size": "_stats_window_size"}
"""parameters that the model keeps under another name"""
_NOT_FOR_ACTING = ("callback", "monitor_kwargs", "replay_buffer_class", "replay_buffer_kwargs")
"""keys of rl-zoo3 that change how a policy is trained, and not what it observes and does"""
_WRAPPERS = ("env_wrapper", "vec_env_wrapper")
LIBRARIES = ("stable_baselines3", "sb3_contrib")


def is_of_library(algorithm: type[BaseRLObject]) -> bool:
    """Whether files of Stable-Baselines3 or sb3-contrib can hold a model of this algorithm: theirs, by its name."""
    model_class = algorithm.model_class()
    theirs = [base for base in model_class.__mro__ if base.__module__.partition(".")[0] in LIBRARIES]
    return any(base.__name__ == model_class.__name__ for base in theirs)


def configured(run: ZooRun | None) -> ZooPreset | None:
    """What ``config.yml`` says, in SRL3's terms; None where there is none.

    Raises:
        UserError: when the policy was trained behind wrappers that are not installed here, without which it sees
            another world.
    """
    content = {} if run is None else run.configuration()
    if run is None or not content:
        return None
    file = run.settings / CONFIGURATION
    for key in _WRAPPERS:
        if content.get(key):
            try:
                check_classes({key: to_classes(content[key])})
            except (UserError, ValueError) as error:
                raise UserError(
                    f"{run.path} was trained with {key} {content[key]!r} ({file}), without which its policy would see "
                    f"and do something else: {error}"
                ) from None
    kept = {key: value for key, value in content.items() if key not in _NOT_FOR_ACTING}
    return zoo_preset({run.env: kept}, str(file), run.env)


def hyperparams_of(
    data: PlainData, algorithm: type[BaseRLObject], config: Mapping[str, Any], optimizers: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """What the model was made with, as far as it says so, and the names of what only its pickles say.

    Args:
        data: of the zip.
        algorithm: of the model.
        config: hyperparameters of `configured`, for what the zip does not say.
        optimizers: their state dicts, the last word on the learning rate.

    Raises:
        UserError: when the shape of the network is in a pickle that is not trusted, or is none that SRL3 builds.
    """
    found: dict[str, Any] = {}
    unread: list[str] = []
    parameters = algorithm.parameters()
    for name, parameter in parameters.items():
        own = _OTHER_NAMES.get(name, name)
        if name in _APART or (own not in data and name not in config):
            continue
        try:
            found[name] = parameter.convert(data.value(own) if own in data else config[name])
        except (NotReadable, ValueError):
            if name in config:
                found[name] = parameter.convert(config[name])
            elif name == "learning_rate" and (rate := _rate(optimizers)) is not None:
                found[name] = rate
            else:
                unread.append(name)
    if "noise_type" in parameters and "action_noise" in data:
        try:
            found |= data.value("action_noise") or {}
        except NotReadable:
            unread.append("action_noise")
    policy_kwargs = _policy_kwargs(data)
    if policy_kwargs:
        found["policy_kwargs"] = policy_kwargs
    if "use_rms_prop" in parameters:  # it makes an optimizer_class of it
        found["use_rms_prop"] = "optimizer_class" in policy_kwargs
    found["n_envs"] = data.number("n_envs") or 1
    return found, unread


def _policy_kwargs(data: PlainData) -> dict[str, Any]:
    module = data.text("policy_class", "__module__")
    if isinstance(module, str) and module.partition(".")[0] not in LIBRARIES:
        raise UserError(f"{data.path} has a policy of a class of its own (in {module}), which SRL3 does not build.")
    kwargs = data.needed("policy_kwargs") if "policy_kwargs" in data else None
    if not isinstance(kwargs, Mapping):
        return {}
    kwargs = {name: value for name, value in kwargs.items() if name != "use_sde"}  # a parameter of the algorithm's
    layers = kwargs.get("net_arch")
    if isinstance(layers, list) and len(layers) == 1 and isinstance(layers[0], Mapping):
        return {**kwargs, "net_arch": dict(layers[0])}  # as it was written before Stable-Baselines3 1.8
    return kwargs


def _rate(optimizers: Iterable[Mapping[str, Any]]) -> float | None:
    rates = [group.get("lr") for state in optimizers for group in state.get("param_groups", ())]
    return next((float(rate) for rate in rates if isinstance(rate, int | float) and rate > 0), None)
