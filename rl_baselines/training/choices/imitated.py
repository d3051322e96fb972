"""``--imitate``: the policies to which a training is drawn at first."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from environments.config import GROUND_TRUTH
from rl_baselines.registry import find_algo, registered_rl
from rl_baselines.runs.run_folder import find_checkpoint
from rl_baselines.training.plan import TrainingPlan
from rl_baselines.training.request import TrainingRequest
from srl3.errors import UserError

if TYPE_CHECKING:
    from rl_baselines.hyperparams.resolve import Setting

COEF, WEIGHT = "imitation_coef", 10.0
"""the hyperparameter, and what it is where nobody said"""


def with_imitated(
    request: TrainingRequest, env_id: str, srl_model: str, settings: "Mapping[str, Setting]"
) -> "tuple[tuple[Path, ...], dict[str, Setting]]":
    """The checkpoints of ``--imitate``, and the hyperparameters, of which one says how strongly they draw.

    Args:
        request: with its algorithm.
        env_id: of the world.
        srl_model: what the policy observes of it.
        settings: the hyperparameters so far.

    Raises:
        UserError: for an algorithm that imitates nobody, or policies of another world or with a memory.
    """
    from rl_baselines.checkpoints.archive import read_info

    if not request.imitate:
        return (), dict(settings)
    from rl_baselines.hyperparams.resolve import OVERRIDE, Setting

    algo = request.value("algo")
    if COEF not in settings:
        able = ", ".join(name for name, entry in registered_rl.items() if COEF in entry.load_class().parameters())
        raise UserError(f"--imitate is for --algo {able}; {algo} imitates nobody.")
    if settings[COEF].source == OVERRIDE and not settings[COEF].value:
        raise UserError(f"{COEF}:0 imitates nobody, and --imitate says whom; leave one of them out.")
    if request.mix_tasks is not None:
        raise UserError("--imitate is for a training on one task; leave it out, or --mix-tasks.")
    if srl_model != GROUND_TRUTH:
        raise UserError(f"--imitate is for policies that observe {GROUND_TRUTH}, not {srl_model}.")
    files = []
    for spec in request.imitate:
        file = find_checkpoint(spec, request.value("log_dir"))
        info = read_info(file)
        if info.env_id != env_id:
            raise UserError(f"{file} was trained on {info.env_id}, and can't be imitated on {env_id}.")
        if info.srl_model != GROUND_TRUTH:
            raise UserError(f"{file} observes {info.srl_model}; --imitate is for policies that observe {GROUND_TRUTH}.")
        if info.num_stack > 1 or info.policy != "feedforward" or info.hyperparams.get("rnn_type"):
            raise UserError(f"{file} remembers earlier steps; --imitate is for policies that do not.")
        find_algo(info.algo)
        files.append(file)
    if not settings[COEF].value:
        settings = {**settings, COEF: Setting(WEIGHT, "--imitate")}
    return tuple(files), dict(settings)


def check_still_there(plan: TrainingPlan) -> None:
    """Raise `UserError` where a run that goes on would ask a policy that is gone."""
    for file in plan.imitate:
        if plan.still_imitates and not file.is_file():
            raise UserError(
                f"the run imitates {file}, which is gone; put it back, or go on by rewards alone: --load-rl-model-path."
            )
