"""When a training's policy is evaluated, and in which world, from the choices of a request."""

import math
from collections.abc import Mapping
from typing import Any

from environments.flags import make_config
from rl_baselines.training.request import TrainingRequest
from srl3.errors import UserError


def eval_freq(request: TrainingRequest, total_timesteps: int) -> int:
    """Steps between evaluations; 0: none.

    Raises:
        UserError: when both ways of saying it are chosen.
    """
    if request.num_evals is None:
        return int(request.value("eval_freq"))
    if request.eval_freq is not None:
        raise UserError("--eval-freq and --num-evals both say when to evaluate; give one of them.")
    return math.ceil(total_timesteps / request.num_evals)


def evaluation_kwargs(request: TrainingRequest, env_id: str, env_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the evaluation's world, which must show and take the same as the training's.

    Raises:
        UserError: for choices that evaluations need, without evaluations, and for what must be the same.
    """
    if not request.value("eval_freq") and request.num_evals is None:
        for name in ("eval_episodes", "n_eval_envs", "eval_env_kwargs"):
            if name == "eval_episodes" and request.perform_cross_evaluation_cc:
                continue
            if getattr(request, name) is not None:
                raise UserError(f"--{name.replace('_', '-')} is for evaluations; add --eval-freq, for example 10_000.")
    kwargs = dict(request.eval_env_kwargs or {})
    make_config(env_id, {**env_kwargs, **kwargs})
    for name in ("srl_model", "is_discrete"):
        if name in kwargs:
            raise UserError(f"--eval-env-kwargs can't change {name}, which decides what the policy observes and does.")
    return kwargs
