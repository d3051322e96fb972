"""What a policy earned in several tasks while it was trained: ``cross_evaluation.npz`` of a run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rl_baselines.checkpoints.archive import read_info
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.cross_evaluation.planned import run_of
from rl_baselines.registry import find_algo
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.formats.damage import DamagedFile
from srl3.formats.npz import read_arrays

_ADVICE = "the run can do without it"
TIMESTEPS, LESSONS = "timesteps", "recorded steps learned from"
"""what is counted in a training by rewards, and in one of a student"""


@dataclass(frozen=True)
class History:
    """T evaluations, each of E episodes in each of K tasks."""

    tasks: tuple[str, ...]
    """names"""
    timesteps: np.ndarray
    """``(T,) int64``: steps trained; of a student, recorded steps that it learned from"""
    episodes: np.ndarray
    """``(T,) int64``: episodes trained; of a student, passes over its lessons"""
    returns: np.ndarray
    """``(T, K, E) float64``"""
    rounds: np.ndarray
    """``(T,) int64``: rounds of DAgger in which a student had acted; 0 in other trainings"""

    @classmethod
    def empty(cls, tasks: tuple[str, ...], num_episodes: int) -> "History":
        """Before the first evaluation."""
        nothing = np.zeros(0, np.int64)
        return cls(tasks, nothing, nothing, np.zeros((0, len(tasks), num_episodes)), nothing)

    def with_row(self, timesteps: int, episodes: int, returns: np.ndarray, round_: int = 0) -> "History":
        """One evaluation more, with ``returns (K, E)``."""
        return History(
            self.tasks,
            np.append(self.timesteps, timesteps),
            np.append(self.episodes, episodes),
            np.concatenate([self.returns, returns[None]]),
            np.append(self.rounds, round_),
        )

    def until(self, timesteps: int) -> "History":
        """Without the evaluations after so many steps."""
        keep = self.timesteps <= timesteps
        return History(self.tasks, self.timesteps[keep], self.episodes[keep], self.returns[keep], self.rounds[keep])


def write_history(path: Path, history: History) -> None:
    """Write the file in one piece."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            tasks=np.array(history.tasks),
            timesteps=history.timesteps,
            episodes=history.episodes,
            returns=history.returns,
            rounds=history.rounds,
        )


def read_history(path: Path) -> History:
    """Read the file.

    Raises:
        DamagedFile: when it is damaged.
        UserError: when it is missing.
    """
    arrays = read_arrays(path, _ADVICE, needs=("tasks", "timesteps", "episodes", "returns"))
    returns = arrays["returns"]
    count = len(arrays["timesteps"])
    rounds = arrays.get("rounds", np.zeros(count, np.int64))  # which files of earlier versions lack
    lengths = {len(arrays["episodes"]), len(rounds)}
    if returns.shape[:2] != (count, len(arrays["tasks"])) or returns.ndim != 3 or lengths != {count}:
        raise DamagedFile(path, "its arrays have different lengths", _ADVICE)
    return History(tuple(map(str, arrays["tasks"])), arrays["timesteps"], arrays["episodes"], returns, rounds)


@dataclass(frozen=True)
class Chapter:
    """A run in a chain of trainings that go on from one another."""

    run: RunFolder
    history: History
    """up to the checkpoint from which the next one went on"""
    start: int
    """steps that were trained before it, in the runs before"""
    steps: int
    """trained in it, up to that checkpoint"""
    counts: str = TIMESTEPS
    """what its steps are, in words"""


def chapters_of(run: RunFolder) -> list[Chapter]:
    """The run, and before it those that it goes back to, as far as they have cross evaluations.

    Raises:
        UserError: when the run itself has none.
    """
    found: list[tuple[RunFolder, History, CheckpointInfo]] = []
    checkpoint: Path | None = run.latest
    while checkpoint is not None and checkpoint.is_file():
        info, here = read_info(checkpoint), run_of(checkpoint)
        if here is None or not here.cross_evaluation.is_file():
            break
        history = read_history(here.cross_evaluation).until(info.num_timesteps)
        found.append((here, history, info))
        checkpoint = None if info.parent is None else Path(info.parent)
    if not found:
        raise UserError(f"{run.path} has no cross evaluations; train with --perform-cross-evaluation-cc.")
    chapters: list[Chapter] = []
    start = 0
    for here, history, info in reversed(found):
        counts = LESSONS if find_algo(info.algo).load_class().supervised else TIMESTEPS
        chapters.append(Chapter(here, history, start, info.num_timesteps, counts))
        start += info.num_timesteps
    return chapters
