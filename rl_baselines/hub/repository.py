"""A repository in a folder: checkpoint, what it was made with, what it earns, film, ONNX where there, and the card."""

import dataclasses
import json
import shutil
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_baselines.acting.evaluation import Evaluation, evaluate, number_of_envs
from rl_baselines.hub import layout
from rl_baselines.hub.card import card
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from srl3.files import write_text

if TYPE_CHECKING:
    from rl_baselines.checkpoints.archive import Checkpoint


@dataclasses.dataclass(frozen=True)
class Showing:
    """How the policy is judged and filmed."""

    episodes: int = 10
    deterministic: bool | None = None
    """None: as the algorithm's training judges it"""
    seed: int = 0
    device: str = "cpu"
    n_envs: int | None = None
    """None: as `enjoy` chooses"""
    film_steps: int = 1000
    """0: no film"""


def write_repository(
    folder: Path, run: RunFolder, path: Path, repository: str, algo: str, showing: Showing
) -> Evaluation:
    """Write everything that goes to the hub into an empty folder.

    Args:
        folder: is there, and empty.
        run: the run folder.
        path: its checkpoint.
        repository: what the card calls it, ``<organization>/<name>``.
        algo: the algorithm as the user calls it, in the name of the checkpoint.
        showing: how the policy is judged and filmed.

    Returns:
        what the policy earned.

    Raises:
        UserError: when the checkpoint can't be loaded, or does not fit its world.
    """
    from rl_baselines.checkpoints.archive import load_checkpoint

    checkpoint = load_checkpoint(path)
    info = checkpoint.info
    evaluation, deterministic = _judged(checkpoint, showing)
    shutil.copyfile(path, folder / f"{layout.model_name(algo, info.env_id)}.zip")
    for name in layout.RUN_FILES:
        if (run.path / name).is_file():
            shutil.copyfile(run.path / name, folder / name)
    if run.learning_curve.is_file():
        shutil.copyfile(run.learning_curve, folder / layout.CURVE)
    _metrics(folder / layout.METRICS, run)
    if _fits(run.policy, path):
        shutil.copyfile(run.policy, folder / layout.POLICY)
    if showing.film_steps:
        _film(path, folder / layout.FILM, showing)
    results = {
        "mean_reward": round(float(evaluation.as_dict()["mean_return"]), 6),
        "std_reward": round(float(evaluation.as_dict()["std_return"]), 6),
        "is_deterministic": deterministic,
        "n_eval_episodes": len(evaluation.returns),
        "eval_datetime": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        **evaluation.as_dict(),
    }
    write_text(folder / layout.RESULTS, json.dumps(results, indent=1) + "\n")
    there = sorted(file.name for file in folder.iterdir())
    write_text(folder / layout.CARD, card(repository, algo, info, results, run, there))
    return evaluation


def _judged(checkpoint: "Checkpoint", showing: Showing) -> tuple[Evaluation, bool]:
    from rl_baselines.acting.actor import Actor
    from rl_baselines.acting.worlds import make_worlds
    from srl3.runtime.seeding import seed_everything

    info = checkpoint.info
    seed_everything(showing.seed)
    actor = Actor.from_checkpoint(checkpoint, showing.device, showing.seed)
    deterministic = actor.deterministic if showing.deterministic is None else showing.deterministic
    n_envs = showing.n_envs or number_of_envs(info.env_id, showing.episodes)
    with closing(make_worlds(info, actor.encoder, info.env_kwargs_here, n_envs=n_envs, seed=showing.seed)) as venv:
        return evaluate(actor, venv, showing.episodes, deterministic=deterministic), deterministic


def _metrics(target: Path, run: RunFolder) -> None:
    """Monitor files and the algorithm's own figures, as one zip."""
    files = [path for path in (*run.monitors(), run.progress) if path.is_file()]
    if files:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.name)


def _fits(policy: Path, path: Path) -> bool:
    """Whether an exported policy is that of this very checkpoint."""
    if not policy.is_file():
        return False
    from rl_baselines.export.command import check_needs

    try:
        check_needs()
        from rl_baselines.export.contract import file_sha256
        from rl_baselines.export.reader import read_exported

        said: Any = read_exported(policy).contract["checkpoint"]["sha256"]
    except UserError as error:
        print(f"note: {policy} stays here: {error}", file=sys.stderr)
        return False
    if said != file_sha256(path):
        print(f"note: {policy} stays here: it was exported from another checkpoint than {path}.", file=sys.stderr)
        return False
    return True


def _film(path: Path, target: Path, showing: Showing) -> None:
    from rl_baselines.acting.film import film_policy

    try:
        film_policy(path, target, showing.film_steps, showing.seed)
    except UserError as error:
        print(f"note: there is no film: {error}", file=sys.stderr)
