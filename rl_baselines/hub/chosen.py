"""Which run and which of its checkpoints ``push_to_hub`` sends."""

from dataclasses import dataclass
from pathlib import Path

from environments.registry import canonical_id
from rl_baselines.registry import find_algo
from rl_baselines.runs.run_folder import RunFolder, find_runs
from srl3.errors import UserError


@dataclass(frozen=True)
class Wanted:
    """What the user asked for."""

    folder: Path
    algo: str
    env: str
    number: int = 0
    """of the run, the oldest being 1; 0: the newest; -1: ``folder`` itself is the run"""
    best: bool = False
    """the best model alone will do"""
    latest: bool = False
    """the latest one, not the best"""
    steps: int | None = None
    """the checkpoint of so many steps"""
    highest: bool = False
    """the numbered checkpoint of the most steps"""


def choose(wanted: Wanted) -> tuple[RunFolder, Path]:
    """The run and its checkpoint.

    Raises:
        UserError: for a miss, saying what is there.
    """
    env_id = canonical_id(wanted.env)
    algorithm = find_algo(wanted.algo).load_class()
    if not wanted.folder.is_dir():
        raise UserError(f"there is no folder {wanted.folder}; name one with runs below it, such as logs.")
    found = [run for run in find_runs(wanted.folder) if _is_of(run, algorithm, env_id)]
    if not found:
        raise UserError(
            f"no run that SRL3 trained of {wanted.algo} on {env_id} with a checkpoint is in or below {wanted.folder}; "
            "python -m rl_baselines.benchmark_agents lists what is there, rl-zoo3's runs among it."
        )
    run = found[-1]
    if wanted.number > 0:
        if wanted.number > len(found):
            raise UserError(
                f"--exp-id {wanted.number} is none of the {len(found)} run(s) of {wanted.algo} on {env_id} in "
                f"{wanted.folder}; 1 is the oldest, 0 the newest."
            )
        run = found[wanted.number - 1]
    elif wanted.number < 0 and run.path.resolve() != wanted.folder.resolve():
        raise UserError(f"--exp-id -1 takes {wanted.folder} as the run itself, which it is not; leave it out.")
    return run, _checkpoint(run, wanted)


def _is_of(run: RunFolder, algorithm: type, env_id: str) -> bool:
    from rl_baselines.checkpoints.archive import read_info

    paths = run.all_checkpoints()
    if not paths:
        return False
    info = read_info(paths[0])
    return info.env_id == env_id and find_algo(info.algo).load_class() is algorithm


def _checkpoint(run: RunFolder, wanted: Wanted) -> Path:
    numbered = run.numbered()
    if wanted.steps is not None:
        path: Path | None = run.checkpoint(wanted.steps)
    elif wanted.highest:
        path = numbered[-1] if numbered else None
    elif wanted.best:
        path = run.best_model
    elif wanted.latest:
        path = run.latest
    else:
        path = next(path for path in (run.best_model, run.latest, *reversed(numbered)) if path.is_file())
    if path is None or not path.is_file():
        there = ", ".join(each.name for each in run.all_checkpoints())
        raise UserError(f"{run.path} has no such checkpoint; it has {there}.")
    return path
