"""``--load-rl-model-path``: the model that a training goes on from, and what of its run holds for the new one."""

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

from environments.config import CURRICULUM, flatten
from environments.flags import CONTINUAL_TASKS, make_config
from environments.registry import canonical_id
from rl_baselines.checkpoints.foreign.said import Said
from rl_baselines.checkpoints.handover import can_train_on
from rl_baselines.runs.run_folder import find_checkpoint
from rl_baselines.training.request import TrainingRequest
from srl3.errors import UserError

if TYPE_CHECKING:
    from rl_baselines.checkpoints.checkpoint import Checkpoint


def load_parent(request: TrainingRequest) -> "Checkpoint | None":
    """The checkpoint that was asked for, also of another system; None where a training begins anew."""
    if request.load_rl_model_path is None:
        return None
    path = find_checkpoint(request.load_rl_model_path, request.value("log_dir"))

    from rl_baselines.checkpoints.foreign.opened import open_checkpoint

    observed = {} if request.srl_model is None else {"srl_model": request.srl_model}
    env_kwargs = {**observed, **(request.env_kwargs or {})}
    said = Said(request.algo, request.env, env_kwargs, bool(request.trust_pickle))
    return open_checkpoint(path, said, note=lambda sentence: print(f"note: {sentence}", file=sys.stderr))


def check_kept(request: TrainingRequest, parent: "Checkpoint") -> None:
    """Refuse another algorithm, network, observation or stack than the parent's."""
    info, path = parent.info, parent.path
    if request.algo is not None and not can_train_on(request.algo, info.algo):
        raise UserError(f"{path} was trained with {info.algo}, and can't be retrained with {request.algo}.")
    if request.policy not in (None, info.policy):
        raise UserError(f"{path} has a {info.policy} policy, and can't be retrained as {request.policy}.")
    if request.srl_model not in (None, info.srl_model):
        raise UserError(f"{path} was trained from {info.srl_model}, and can't be retrained from {request.srl_model}.")
    if request.num_stack not in (None, info.num_stack):
        raise UserError(
            f"{path} was trained on {info.num_stack} stacked frame(s), and can't be retrained on {request.num_stack}."
        )


def inherit(request: TrainingRequest, parent: "Checkpoint") -> TrainingRequest:
    """What the user did not say is the parent's; in another environment, its parameters are that one's own."""
    info = parent.info
    env_id = info.env_id if request.env is None else canonical_id(request.env)
    same_env = env_id == info.env_id
    theirs: dict[str, Any] = info.env_kwargs_further if same_env else {}
    asked = flatten(request.env_kwargs or {})
    if theirs.get(CURRICULUM):
        theirs = make_config(env_id, theirs).holding(asked).as_dict()
    inherited = {name: value for name, value in theirs.items() if name != "srl_model"}
    if request.mix_tasks is not None or any((request.env_kwargs or {}).get(name) for name in CONTINUAL_TASKS):
        inherited = {name: value for name, value in inherited.items() if name not in CONTINUAL_TASKS}
    return dataclasses.replace(
        request,
        algo=request.algo or info.algo,
        env=env_id,
        policy=info.policy,
        srl_model=info.srl_model,
        num_stack=info.num_stack,
        env_kwargs={**inherited, **(request.env_kwargs or {})},
    )
