"""The policies that are compared, under labels that tell them apart."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.cross_evaluation.tasks import Task, task_trained_in
from rl_baselines.runs.run_folder import RunFolder, find_checkpoint, find_run
from srl3.errors import UserError


@dataclass(frozen=True)
class Policy:
    """A checkpoint."""

    label: str
    path: Path
    info: CheckpointInfo

    def task(self, known: Sequence[Task] = ()) -> Task:
        """The task that it was trained in; that of ``known`` which is the same."""
        return task_trained_in(self.info.env_id, self.info.env_kwargs_here, known)


def find_policies(specs: Sequence[str], log_dir: Path, *, numbered: bool, known: Sequence[Task]) -> list[Policy]:
    """What the user named.

    Args:
        specs: checkpoints, run folders or parts of a run's name, each ``NAME=…`` if it is to be called so.
        log_dir: where names are looked for.
        numbered: each run with all checkpoints that ``--save-freq`` wrote, lowest number first.
        known: tasks with names.

    Raises:
        UserError: for a miss, a damaged file, or two policies with one name.
    """
    paths: list[Path] = []
    named: dict[Path, str] = {}
    for spec in specs:
        name, equals, rest = spec.partition("=")
        own = name if equals and not Path(spec).exists() else ""
        where = rest if own else spec
        for path in _numbered(where, log_dir) if numbered else [find_checkpoint(where, log_dir)]:
            if own:
                named[path] = f"{own} {path.stem}" if numbered else own
            paths.append(path)

    from rl_baselines.checkpoints.archive import read_info

    found = [Policy("", path, read_info(path)) for path in paths]
    labels = _labels(found, known)
    policies = [replace(each, label=named.get(each.path, label)) for each, label in zip(found, labels, strict=True)]
    twice = [label for label, count in Counter(each.label for each in policies).items() if count > 1]
    if twice:
        raise UserError(f"two policies are called {twice[0]}; name each once, or apart: NAME=RUN.")
    return policies


def _numbered(spec: str, log_dir: Path) -> list[Path]:
    path = Path(spec).expanduser()
    run = RunFolder(path) if (path / "args.yaml").is_file() else find_run(spec, log_dir)
    paths = run.numbered()
    if not paths:
        raise UserError(f"{run.path} has no numbered checkpoints; train with --save-freq, or leave out --checkpoints.")
    return paths


def _labels(policies: Sequence[Policy], known: Sequence[Task]) -> list[str]:
    """The algorithm and the task, and then what tells those apart for which that is the same."""
    parts: list[Callable[[Policy], str]] = [
        lambda policy: policy.info.srl_model,
        lambda policy: f"seed {policy.info.seed}",
        lambda policy: f"{policy.info.num_timesteps:,} steps",
        lambda policy: policy.path.parent.name,
        lambda policy: str(policy.path),
    ]
    labels = [f"{policy.info.algo} {policy.task(known).name}" for policy in policies]
    for part in parts:
        more = [part(policy) for policy in policies]
        longer = []
        for label, own in zip(labels, more, strict=True):
            differing = {other for name, other in zip(labels, more, strict=True) if name == label}
            longer.append(f"{label}, {own}" if len(differing) > 1 else label)
        labels = longer
    return labels
