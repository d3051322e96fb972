"""How many processes train together, and which share of the environments each has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rl_baselines.registry import find_algo
from srl3.errors import UserError
from srl3.runtime.ranks import place
from srl3.runtime.threads import cores

if TYPE_CHECKING:
    from rl_baselines.hyperparams.resolve import Setting

AUTO = "auto"
FEWEST_ENVS = 128
"""environments that ``auto`` leaves to each process, at least: fewer are not worth one"""


def processes_of(asked: int | str | None, usual: int, algo: str, policy: str, settings: "Mapping[str, Setting]") -> int:
    """How many processes train together.

    Args:
        asked: by ``--num-processes``: a number, ``auto``, or None.
        usual: how many where nothing was asked.
        algo: the algorithm.
        policy: its kind of network.
        settings: its hyperparameters.

    Raises:
        UserError: for several where the algorithm takes one, or the environments do not divide among them, or torchrun
            started another number.
    """
    started = place().size
    if started > 1 and asked not in (None, AUTO, started):
        raise UserError(f"torchrun started {started} processes, and --num-processes says {asked}; leave that out.")
    values = {name: setting.value for name, setting in settings.items()}
    several = find_algo(algo).load_class(policy).several_processes
    if started > 1:
        count = started
    elif asked == AUTO:
        return _as_cores_allow(values["n_envs"]) if several else 1
    else:
        count = usual if asked is None else int(asked)
    if count > 1 and not several:
        raise UserError(f"{algo} trains in one process; use batched_ppo, or leave out --num-processes.")
    share_of(values, count)
    return count


def share_of(values: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The hyperparameters of each of ``count`` processes: its share of the environments and of the minibatches.

    Raises:
        UserError: where they do not divide, with the nearest numbers that do.
    """
    share = dict(values)
    for name, flag in (("n_envs", "--num-envs"), ("batch_size", "--hyperparam batch_size")):
        total = values.get(name)
        if total is None:
            continue
        if total % count:
            near = sorted({max(count, total // count * count), (total // count + 1) * count})
            what = "environments" if name == "n_envs" else "samples of a minibatch"
            raise UserError(
                f"{total} {what} do not divide among {count} processes; "
                f"the nearest numbers that do: {flag} {' or '.join(map(str, near))}."
            )
        share[name] = total // count
    return share


def _as_cores_allow(n_envs: int) -> int:
    fitting = (count for count in range(cores(), 0, -1) if n_envs % count == 0)
    return next((count for count in fitting if count == 1 or n_envs // count >= FEWEST_ENVS), 1)
