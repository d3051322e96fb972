"""A training in this process, or in several that this one starts or is one of."""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rl_baselines.runs.folder import RunFolder
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError
from srl3.runtime.ranks import LostRank, Place, check_same, joined, place

if TYPE_CHECKING:
    from rl_baselines.training.plan import TrainingPlan
    from rl_baselines.training.run import OnBegin

    Begin = Callable[[RunFolder, TrainingPlan], None]


def run_request(request: TrainingRequest, module: str, argv: Sequence[str], on_begin: "Begin | None" = None) -> int:
    """Train as was asked for; the exit status.

    Args:
        request: the training.
        module: the command, which further processes run too.
        argv: its flags.
        on_begin: told the run folder, as soon as there is one, and the plan; of several processes in the first alone.

    Raises:
        UserError: before anything is left behind; of several processes in the first alone.
    """
    where = place()
    if where.size > 1:
        return _run_as_one_of_many(request, where, on_begin)
    plan = resolve(request)
    if plan.num_processes > 1:
        from srl3.runtime.launch import run_processes

        return run_processes([sys.executable, "-m", module, *argv], plan.num_processes)

    from rl_baselines.training.run import run_training

    return run_training(plan, _told(plan, on_begin)).status


def _told(plan: "TrainingPlan", on_begin: "Begin | None") -> "OnBegin | None":
    return None if on_begin is None else lambda run: on_begin(run, plan)


def _run_as_one_of_many(request: TrainingRequest, where: Place, on_begin: "Begin | None") -> int:
    with contextlib.ExitStack() as closing:
        if where.rank > 0:
            closing.enter_context(contextlib.redirect_stdout(closing.enter_context(open(os.devnull, "w"))))
        try:
            gpus = _on_gpus(request.value("device"), where)
            ranks = closing.enter_context(joined(where, gpus=gpus))
            check_same(ranks, request.chosen())
            plan = ranks.all_or_none(lambda: resolve(request))
            seed = int(ranks.trees(plan.seed)[0])  # one that was drawn is drawn once
            device = f"cuda:{where.local_rank}" if gpus else "cpu"

            from rl_baselines.training.run import run_training

            plan = dataclasses.replace(plan, seed=seed, device=device)
            told = _told(plan, on_begin) if where.rank == 0 else None
            return run_training(plan, told, ranks=ranks).status
        except UserError:
            if where.rank == 0:
                raise
            return 2
        except LostRank as error:
            if where.rank == 0:
                print(f"error: another process of the training ended before it began ({error}).", file=sys.stderr)
            return 1


def _on_gpus(device: str, where: Place) -> bool:
    """Whether each rank trains on a GPU of its own."""
    if device != "auto":
        return device.startswith("cuda")
    import torch

    return torch.cuda.device_count() >= where.local_size
