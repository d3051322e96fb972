"""From a checkpoint to the algorithm that goes on learning, in a live environment.

For acting there is `rl_baselines.acting.actor.Actor`, which needs no environment.
"""

from collections.abc import Mapping
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.save_util import recursive_getattr
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.checkpoints.archive import Checkpoint, is_optimiser
from rl_baselines.checkpoints.spaces import check_spaces
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import find_normalize
from rl_baselines.vec_envs.normalizer import restore_normalize_state
from srl3.errors import UserError


def load_model(
    checkpoint: Checkpoint,
    env: VecEnv,
    *,
    hyperparams: dict[str, Any] | None = None,
    seed: int | None = None,
    device: str = "auto",
    tensorboard_log: str | None = None,
    training: bool = False,
) -> BaseAlgorithm:
    """The algorithm of a checkpoint on ``env``: weights, optimiser and observation statistics in place.

    Args:
        checkpoint: from `load_checkpoint`.
        env: where it learns; it is seeded, and its `VecNormalize` takes over the saved statistics.
        hyperparams: others than the saved ones, e.g. a new learning rate.
        seed: seeds the algorithm, the environment and the global generators; None takes the saved one.
        device: torch device.
        tensorboard_log: folder, or None.
        training: prepare buffers for learning, not only for acting.

    Raises:
        UserError: when ``env`` has other spaces than the checkpoint, normalises where the checkpoint does not (or the
            other way round), or its tensors do not fit.
    """
    info = checkpoint.info
    check_spaces(info, env)
    _check_normalisation(checkpoint, env)
    algorithm = find_algo(info.algo).load_class(info.policy)
    model = algorithm.make_model(
        env,
        info.hyperparams if hyperparams is None else hyperparams,
        seed=info.seed if seed is None else seed,
        device=device,
        tensorboard_log=tensorboard_log,
        training=training,
    )
    put_parameters(checkpoint, model)
    normalize = find_normalize(env)
    if normalize is not None:
        restore_normalize_state(normalize, checkpoint.state["normalize"])
    return model


def put_parameters(checkpoint: Checkpoint, model: BaseAlgorithm) -> None:
    """Copy the checkpoint's tensors into the networks and optimisers of ``model``.

    Optimisers stay as they are where the checkpoint was read without them.

    Raises:
        UserError: when they do not fit.
    """
    try:
        kept = model.get_parameters().items() if checkpoint.only_to_act else ()
        optimisers: dict[str, Any] = {name: state for name, state in kept if is_optimiser(name)}
        model.set_parameters({**optimisers, **checkpoint.parameters}, exact_match=True, device=model.device)
        for name, value in checkpoint.variables.items():
            if value is not None:
                recursive_getattr(model, name).data = value.data.to(model.device)
        if checkpoint.state.get("policy") is not None:
            model.load_policy_state(checkpoint.state["policy"])  # type: ignore[attr-defined]
    except (RuntimeError, ValueError, KeyError, AttributeError) as error:
        reason = _first_misfit(checkpoint.parameters, model.get_parameters()) or str(error).splitlines()[0].rstrip(".:")
        raise UserError(
            f"{checkpoint.path} does not fit the network that its settings describe: {reason}; "
            "leave out what makes another network, such as policy_kwargs, or train anew."
        ) from None


def _first_misfit(saved: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """The first tensor that has another shape in the checkpoint than here, or is missing on one side; None if none."""
    for part, own in here.items():
        theirs = saved.get(part)
        if theirs is None or is_optimiser(part) or not isinstance(own, Mapping):
            continue
        for name in dict.fromkeys([*theirs, *own]):
            shapes = [_shape(state[name]) if name in state else "not there" for state in (theirs, own)]
            if shapes[0] != shapes[1]:
                return f"its {part}.{name} is {shapes[0]}, and here it is {shapes[1]}"
    return None


def _shape(value: Any) -> str:
    return "x".join(map(str, getattr(value, "shape", ()))) or "a single number"


def _check_normalisation(checkpoint: Checkpoint, env: VecEnv) -> None:
    saved, here = checkpoint.state["normalize"] is not None, find_normalize(env) is not None
    if saved and not here:
        raise UserError(
            f"{checkpoint.path} was trained on normalised observations, and can't go on without; "
            "leave out normalize:false, or train anew."
        )
    if here and not saved:
        raise UserError(
            f"{checkpoint.path} was trained on observations that were not normalised, and can't go on with others; "
            "leave out normalize:true, or train anew."
        )
