"""Which runs are one method on one environment: those that differ in nothing but the seed and what is shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rl_baselines.plots.runs import Run
from srl3.errors import UserError, unknown_name

NOT_OF_THE_METHOD = frozenset(
    {
        "env",
        "seed",
        "num_timesteps",
        "log_dir",
        "suffix",
        "device",
        "port",
        "no_vis",
        "no_progress",
        "track",
        "export",
        "log_interval",
        "video",
        "video_interval",
        "video_length",
        "num_videos",
        "record_trajectories",
        "record_interval",
        "record_stochastic",
        "experiment_name",
        "num_evals",
        "episode_window",
        "min_episodes_save",
        "eval_freq",
        "eval_episodes",
        "n_eval_envs",
        "eval_env_kwargs",
        "save_replay_buffer",
        "num_threads",
        "verbose",
        "save_freq",
        "resume",
    }
)
"""flags of train that do not change how a run learns, or that are told apart elsewhere"""
_NAMELESS = ("algo", "srl_model")
"""flags whose value says what it is"""


@dataclass(frozen=True)
class Group:
    """The runs of one method on one environment; at least one."""

    env: str
    method: str
    """``algo srl_model``, and the flags in which the methods differ"""
    runs: tuple[Run, ...]

    @property
    def seeds(self) -> list[int]:
        """Seeds of the runs, in order."""
        return sorted(run.seed for run in self.runs)


def group_runs(runs: Sequence[Run], by: Sequence[str] | None = None) -> list[Group]:
    """Put runs together by environment and method, both in alphabetical order.

    Args:
        runs: of any environments.
        by: flags of train whose values make the method; None takes algorithm, representation and every
            flag of learning that is not the same in all runs.

    Raises:
        UserError: for a flag that no run has.
    """
    names = _NAMELESS + _differing(run.arguments for run in runs) if by is None else tuple(map(_dest, by))
    known = {name for run in runs for name in run.arguments}
    for name in names:
        if name not in known:
            raise unknown_name("flag in --group-by", name, known)
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.env, _label(run.arguments, names)), []).append(run)
    return [Group(env, method, tuple(members)) for (env, method), members in sorted(found.items())]


def methods_of(groups: Iterable[Group]) -> list[str]:
    """The methods, each once, in order."""
    return sorted({group.method for group in groups})


def environments_of(groups: Iterable[Group]) -> list[str]:
    """The environments, each once, in order."""
    return sorted({group.env for group in groups})


def find_method(name: str, groups: Iterable[Group], flag: str) -> str:
    """The one method of that name, or whose name has it as a part.

    Raises:
        UserError: where there is none, or several.
    """
    methods = methods_of(groups)
    if name in methods:
        return name
    matches = [method for method in methods if name in method]
    if len(matches) != 1:
        many = "fits several" if matches else "is none of the methods"
        raise UserError(f"{flag} '{name}' {many}; name one of: {'; '.join(matches or methods)}.")
    return matches[0]


def repeated_seeds(groups: Iterable[Group]) -> list[str]:
    """Sentences for groups in which a seed comes twice: such runs are no independent samples."""
    return [
        f"{group.method} on {group.env} has several runs of seed {seed}, and each counts."
        for group in groups
        for seed in sorted({seed for seed in group.seeds if group.seeds.count(seed) > 1})
    ]


def _differing(arguments: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    values: dict[str, set[str]] = {}
    all_arguments = list(arguments)
    for name in sorted({name for each in all_arguments for name in each} - NOT_OF_THE_METHOD - set(_NAMELESS)):
        values[name] = {_shown(name, each.get(name)) for each in all_arguments}
    return tuple(name for name, shown in values.items() if len(shown) > 1)


def _label(arguments: Mapping[str, Any], names: Iterable[str]) -> str:
    return " ".join(filter(None, (_shown(name, arguments.get(name)) for name in names)))


def _shown(name: str, value: Any) -> str:
    if value is None or value is False or value == []:
        return ""
    if name in _NAMELESS:
        return str(value)
    if value is True:
        return name.replace("_", "-")
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{name.replace('_', '-')} {value}"


def _dest(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_")
