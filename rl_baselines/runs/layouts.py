"""How run folders are called, and which other names their checkpoints have, in SRL3 and in other systems."""

import dataclasses
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from environments.foreign import escaped_id
from rl_baselines.runs.folder import RunFolder, make_run_folder
from srl3.errors import unknown_name

OWN = "srl3"


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where a run's folder lies and which links it has.

    Args:
        stamp: the time in its name, as `time.strftime` writes it.
        name: of the folder, with ``{name}`` (of the experiment), ``{time}`` and ``{suffix}``.
        nested: below ``<log-dir>/<env>/<srl-model>/<algo>/`` instead of ``<log-dir>/``.
        joint: between time and suffix.
        latest: link to ``latest.zip``.
        best: link to ``best_model.zip``.
        numbered: link to a numbered checkpoint, with ``{iteration}``: rollouts trained so far.
    """

    stamp: str
    name: str
    nested: bool = False
    joint: str = "-"
    latest: str | None = None
    best: str | None = None
    numbered: str | None = None


_NN = Layout(
    "%Y-%m-%d_%H-%M-%S",
    "{name}_{time}",
    latest="nn/latest.pth",
    best="nn/checkpoint_best.pth",
    numbered="nn/checkpoint_{iteration}.pth",
)

LAYOUTS: dict[str, Layout] = {
    OWN: Layout("%y-%m-%d_%Hh%M_%S", "{time}{suffix}", nested=True),
    "experiment": Layout("%Y-%m-%d_%H-%M-%S", "{name}_{time}"),
    "playground": Layout("%Y%m%d-%H%M%S", "{name}-{time}{suffix}"),
    "dexhand": dataclasses.replace(_NN, stamp="%Y%m%d_%H%M%S"),
    "isaacgymenvs": _NN,
    "mjlab": Layout("%Y-%m-%d_%H-%M-%S", "{time}{suffix}", joint="_", numbered="model_{iteration}.pt"),
}
"""SRL3's own, that of ``--experiment-name``, and those of MuJoCo Playground, DexHand, IsaacGymEnvs and mjlab."""


def find_layout(name: str) -> Layout:
    """The layout of this name.

    Raises:
        UserError: for an unknown one.
    """
    if name not in LAYOUTS:
        raise unknown_name("layout of run folders", name, LAYOUTS)
    return LAYOUTS[name]


def new_run_folder(
    log_dir: Path,
    env_id: str,
    srl_model: str,
    algo: str,
    suffix: str | None,
    experiment_name: str | None = None,
    layout: str | None = None,
) -> RunFolder:
    """Make the folder of a new run; an existing one is never taken. Where it can't be made, nothing is left.

    Args:
        log_dir: parent of run folders.
        env_id: of the world.
        srl_model: what is observed.
        algo: the algorithm.
        suffix: appended to the folder's name.
        experiment_name: what the folder is called, in layouts that have a name for it.
        layout: key of `LAYOUTS`; None: ``experiment`` where there is such a name, else SRL3's own.
    """
    found = find_layout(layout or (OWN if experiment_name is None else "experiment"))
    parent = log_dir / escaped_id(env_id) / srl_model / algo if found.nested else log_dir
    ending = f"{found.joint}{suffix}" if suffix else ""
    name = found.name.format(name=experiment_name, time=time.strftime(found.stamp), suffix=ending)
    return make_run_folder(parent / name)


def log_folder(run: RunFolder, env_id: str, srl_model: str, algo: str) -> Path:
    """The log folder in which a run lies: above ``<env>/<srl-model>/<algo>/`` where those are its parents' names."""
    path = run.path.absolute()
    nested = path.parts[-4:-1] == (escaped_id(env_id), srl_model, algo)
    return path.parents[3] if nested else path.parent


def links_to(layout: str, run: RunFolder, checkpoint: Path, iteration: int) -> list[Path]:
    """The other names, in this layout, of a checkpoint that was written after so many rollouts."""
    found = find_layout(layout)
    names: Mapping[Path, str | None] = {run.latest: found.latest, run.best_model: found.best}
    name = names.get(checkpoint, found.numbered if checkpoint.parent == run.checkpoints else None)
    return [] if name is None else [run.path / name.format(iteration=iteration)]


def link(layout: str, run: RunFolder, checkpoint: Path, iteration: int) -> None:
    """Make the links of `links_to`; nothing happens where the file system has no links."""
    for name in links_to(layout, run, checkpoint, iteration):
        temporary = name.with_name(f".{name.name}.{os.getpid()}.tmp")
        with suppress(OSError):
            name.parent.mkdir(exist_ok=True)
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(os.path.relpath(checkpoint, name.parent))
            temporary.replace(name)


def linked_iterations(layout: str, run: RunFolder) -> dict[int, Path]:
    """The numbered checkpoints of a run that have names of this layout, by iteration, lowest first."""
    pattern = find_layout(layout).numbered
    if pattern is None:
        return {}
    before, _, after = pattern.partition("{iteration}")
    folder = run.path / before.rpartition("/")[0]
    start = before.rpartition("/")[2]
    numbers = {path.name.removeprefix(start).removesuffix(after): path for path in folder.glob(f"{start}*{after}")}
    found = {int(number): path for number, path in numbers.items() if number.isdecimal() and path.is_file()}
    return dict(sorted(found.items()))
