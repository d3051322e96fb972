"""DAgger (Ross et al. 2011, arXiv:1011.0686): the student acts, and its teachers say what they would have done."""

import dataclasses
import itertools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from environments.datasets.dataset import Dataset, open_dataset
from environments.datasets.info import TEACHER_FILE
from environments.datasets.recording.policies import Labels, Policy
from environments.datasets.recording.processes import record_here
from environments.datasets.recording.recorder import RecordingPlan, block_size_for
from environments.datasets.recording.stage import Stage, places
from environments.datasets.writer import DatasetWriter, is_dataset
from environments.flags import make_config
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.recorded_policy import CheckpointPerformer, VecStage
from rl_baselines.checkpoints.archive import read_info
from rl_baselines.distillation.observations import as_ground_truth, observes_frames, world_of
from rl_baselines.registry import find_algo
from srl3.errors import UserError

PAUSE = 10
"""steps of all robots between two moments at which a recording may be ended"""


def check_teachers_can_be_asked(datasets: Sequence[Dataset]) -> None:
    """Raise `UserError` unless every dataset keeps the checkpoint that acted in it."""
    for dataset in datasets:
        if not (dataset.path / TEACHER_FILE).is_file():
            raise UserError(
                f"{dataset.path} has no {TEACHER_FILE} that could be asked; --dagger-rounds takes datasets as "
                "dataset_generator --run-policy custom wrote them, not merged or converted ones."
            )


def record_round(
    model: BaseAlgorithm,
    datasets: Sequence[Dataset],
    number: int,
    folder: Path,
    *,
    episodes: int,
    seed: int,
    between: Callable[[], object] = lambda: None,
) -> list[Dataset]:
    """Episodes of the student in the world of each dataset, with the labels of its teacher.

    What a round left in ``folder`` before is taken as it is, but for datasets that it had not finished.

    Args:
        model: the student, with its environment.
        datasets: of the teachers.
        number: of the round.
        folder: where the new datasets go.
        episodes: of each teacher's world.
        seed: with the round it decides the episodes.
        between: called every `PAUSE` steps; what it raises ends the recording, and leaves nothing of its dataset.
    """
    recorded = []
    place = folder / f"round_{number}"
    for unfinished in place.glob(".*"):
        shutil.rmtree(unfinished)
    for rank, dataset in enumerate(datasets):
        path = place / f"{rank}_{dataset.path.resolve().name}"
        if not is_dataset(path):
            own_seed = int(np.random.SeedSequence([seed, number, rank]).generate_state(1)[0])
            _record(model, dataset, path, episodes, own_seed, between)
        recorded.append(open_dataset(path))
    return recorded


def _record(
    model: BaseAlgorithm, dataset: Dataset, path: Path, episodes: int, seed: int, between: Callable[[], object]
) -> None:
    teacher = dataset.path / TEACHER_FILE
    info = read_info(teacher)
    kept = ("srl_model", "relative_pos")
    observed: dict[str, Any] = {name: info.env_kwargs[name] for name in kept if name in info.env_kwargs}
    config = make_config(info.env_id, {**dataset.info.env_kwargs, **observed})
    deterministic = not find_algo(info.algo).load_class(info.policy).on_policy
    plan = RecordingPlan(
        env_id=info.env_id,
        performer=_Asked(CheckpointPerformer(teacher, config.as_dict(), deterministic), model),
        seed=seed,
        num_episodes=episodes,
        block_size=block_size_for(info.env_id, config, episodes),
        toward_target=0.0,
        relative_pos=dataset.info.relative_pos,
    )
    policy = f"a student, asking {dataset.info.policy}"
    said = dataclasses.replace(dataset.info, seed=seed, policy=policy, toward_target=0.0, perturbed=0.0)
    threads = torch.get_num_threads()
    try:
        with DatasetWriter(path, said) as writer:
            for episode in record_here(plan, _every(PAUSE, between)):
                writer.append_rows(episode.rows)
            writer.finish()
    finally:
        torch.set_num_threads(threads)


def _every(times: int, between: Callable[[], object]) -> Callable[[], bool]:
    """Calls ``between`` whenever it has been called so many times; says that nothing is to stop."""
    calls = itertools.count(1)

    def called() -> bool:
        if next(calls) % times == 0:
            between()
        return False

    return called


@dataclasses.dataclass(frozen=True)
class _Asked:
    """A student that acts, and a teacher that is asked."""

    teacher: CheckpointPerformer
    model: BaseAlgorithm

    def open(self, num_robots: int) -> tuple[Stage, Policy]:
        stage, policy = self.teacher.open(num_robots)
        assert isinstance(stage, VecStage)
        return stage, _StudentPolicy(self.model, policy, stage)


class _StudentPolicy:
    """Acts as the student does when it is shown, from what a dataset of these steps would show it."""

    def __init__(self, model: BaseAlgorithm, teacher: Policy, stage: VecStage) -> None:
        assert model.env is not None
        self._teacher = teacher
        self._stage = stage
        self._student = Actor.of_model(model)
        self._world = world_of(model.env)

    def begin(self, stage: Stage, rngs: list[np.random.Generator], seed: int) -> None:
        self._teacher.begin(stage, rngs, seed)
        self._student.seed(seed)
        self._student.reset()

    def act(self, stage: Stage) -> tuple[np.ndarray, Labels]:
        _, labels = self._teacher.act(stage)
        if observes_frames(self._world):
            seen = stage.frames(np.arange(stage.num_robots))
        else:
            seen = as_ground_truth(*places(stage), self._world.observation_space)
        return self._student.act(seen, self._stage.ended, deterministic=True), labels
