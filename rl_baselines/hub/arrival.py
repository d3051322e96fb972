"""From a repository of the hub to a run folder: of SRL3, or of rl-zoo3."""

import re
import shutil
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path

from environments.foreign import escaped_id
from rl_baselines.hub import layout
from rl_baselines.hub.remote import Hub
from rl_baselines.runs.folder import RunFolder, nearest_existing, remove_run
from rl_baselines.runs.layouts import new_run_folder
from rl_baselines.runs.zoo import NUMBERED
from srl3.errors import UserError
from srl3.files import make_folder, remove_empty

MAX_METRICS = 2**30
"""bytes that the metrics of a repository may have, unpacked"""
_METRIC = re.compile(r"\d+\.monitor\.csv|progress\.csv|evaluations\.npz")


def fetch_run(
    hub: Hub, repository: str, algo: str, env_id: str, folder: Path, *, number: int = 0, force: bool = False
) -> Path:
    """Fetch a repository into a run folder below ``folder``; where anything fails, nothing is left.

    The checkpoint is read before it is put in its place, and nothing in it is run. Only files of known names are
    fetched.

    Args:
        hub: the connection.
        repository: ``<organization>/<name>``.
        algo: what the run folder of a model of rl-zoo3 is called by, and its file.
        env_id: the same.
        folder: parent of run folders.
        number: of a run of rl-zoo3, 0: one more than the highest there, -1: none. Runs of SRL3 are called by the time.
        force: take the place of a run of that number.

    Raises:
        UserError: when it can't be fetched, holds no model, or a damaged one.
    """
    from rl_baselines.checkpoints.foreign.opened import is_foreign

    commit, names = hub.files(repository)
    model = _model(repository, names, f"{layout.model_name(algo, env_id)}.zip")
    known = {layout.METRICS, layout.POLICY, layout.FILM, layout.CURVE, *layout.RUN_FILES, *layout.ZOO_FILES}
    with tempfile.TemporaryDirectory(prefix="srl3-hub-") as temporary:
        fetched = Path(temporary)
        hub.fetch(repository, commit, [model, *sorted(known.intersection(names))], fetched)
        if is_foreign(fetched / model):
            return _as_zoo_run(fetched, model, algo, env_id, folder, number=number, force=force)
        if number or force:
            raise UserError(
                f"{repository} is of SRL3, whose runs are called by the time; leave out --exp-id and --force."
            )
        return _as_own_run(fetched, model, repository, folder)


def _model(repository: str, names: Collection[str], expected: str) -> str:
    if expected in names:
        return expected
    zips = [name for name in names if name.endswith(".zip") and "/" not in name and name != layout.METRICS]
    if len(zips) != 1:
        there = ", ".join(zips) or "no zip"
        raise UserError(f"{repository} has no {expected} (it has {there}); see --algo and --env.")
    return zips[0]


def _as_own_run(fetched: Path, model: str, repository: str, folder: Path) -> Path:
    from rl_baselines.checkpoints.archive import load_checkpoint

    try:
        info = load_checkpoint(fetched / model).info
    except UserError as error:
        reason = str(error).replace(f"{fetched}/", "")
        raise UserError(f"what {repository} holds can't be used: {reason}") from None
    kept = nearest_existing(folder)
    run = new_run_folder(folder, info.env_id, info.srl_model, info.algo, None)
    try:
        for name in layout.RUN_FILES:
            if (fetched / name).is_file():
                shutil.copyfile(fetched / name, run.path / name)
        run.write_yaml(
            run.args,
            {
                "arguments": {
                    **_arguments(run),
                    "env": info.env_id,
                    "algo": info.algo,
                    "srl_model": info.srl_model,
                    "seed": info.seed,
                },
                "command": f"fetched from {repository}",
            },
        )
        for name, target in ((layout.POLICY, run.policy), (layout.CURVE, run.learning_curve)):
            _put(fetched / name, target)
        _put(fetched / layout.FILM, run.videos / layout.FILM)
        _unpack(fetched / layout.METRICS, run.path)
        _put(fetched / model, run.best_model)
    except BaseException:
        remove_run(run, kept)
        raise
    return run.path


def _arguments(run: RunFolder) -> dict[str, object]:
    if not run.args.is_file():
        return {}
    arguments = run.read_yaml(run.args).get("arguments")
    return dict(arguments) if isinstance(arguments, dict) else {}


def _as_zoo_run(fetched: Path, model: str, algo: str, env_id: str, folder: Path, *, number: int, force: bool) -> Path:
    name, above = escaped_id(env_id), folder / algo
    number = number or 1 + max(_numbers(above, name), default=0)
    target = above if number < 0 else above / f"{name}_{number}"
    if not force and (target / name if number < 0 else target).exists():
        raise UserError(f"{target} is there already; give --force to take its place, or --exp-id 0 for a new number.")
    staged = fetched / "run"
    for source, wanted in layout.ZOO_FILES.items():
        _put(fetched / source, staged / name / wanted)
    if not staged.is_dir():
        raise UserError(f"{model} comes with neither args.yml nor config.yml, so it is no run of rl-zoo3.")
    _put(fetched / model, staged / f"{name}.zip")
    _unpack(fetched / layout.METRICS, staged)
    missing = [each for each in (above, *above.parents) if not each.exists()]
    make_folder(above)
    temporary = above / f".{name}_{number}.tmp"
    try:
        shutil.copytree(staged, temporary)
        for each in temporary.iterdir() if number < 0 else [temporary]:
            place = target / each.name if number < 0 else target
            if place.is_dir():
                shutil.rmtree(place)
            each.replace(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        remove_empty(missing)
    return target


def _numbers(above: Path, name: str) -> list[int]:
    names = [entry.name for entry in above.iterdir()] if above.is_dir() else []
    matches = [match for each in names if (match := NUMBERED.fullmatch(each))]
    return [int(match["number"]) for match in matches if match["env"] == name]


def _put(source: Path, target: Path) -> None:
    """Copy a file that was fetched, making the folder; one that was not is left out."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _unpack(metrics: Path, folder: Path) -> None:
    """The monitor files, figures and evaluations in a zip; anything else in it is left there."""
    if not metrics.is_file():
        return
    try:
        with zipfile.ZipFile(metrics) as archive:
            wanted = [entry for entry in archive.infolist() if _METRIC.fullmatch(entry.filename)]
            if sum(entry.file_size for entry in wanted) > MAX_METRICS:
                raise UserError(f"{metrics.name} of the repository is larger than it can be.")
            for entry in wanted:
                archive.extract(entry, folder)
    except (zipfile.BadZipFile, RuntimeError, EOFError):
        raise UserError(f"{metrics.name} of the repository is damaged.") from None
