"""TensorBoard's files, continued by a resumed run."""

from pathlib import Path

import pytest
from stable_baselines3.common.logger import Logger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rl_baselines.training.logs.tensorboard_log import ResumableTensorBoard


def write(folder: Path, keep_steps: int, values: dict[int, float]) -> None:
    logger = Logger(None, [ResumableTensorBoard(folder, keep_steps)])
    for step, value in values.items():
        logger.record("loss", value)
        logger.dump(step)
    logger.close()


def shown(folder: Path) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("loss")]


@pytest.mark.parametrize(("keep_steps", "kept"), [(100, [(50, 1.0), (100, 2.0)]), (149, [(50, 1.0), (100, 2.0)])])
def test_steps_after_the_checkpoint_are_shown_once(tmp_path: Path, keep_steps: int, kept: list[tuple[int, float]]):
    write(tmp_path, 0, {50: 1.0, 100: 2.0, 150: 3.0})
    write(tmp_path, keep_steps, {150: 4.0, 200: 5.0})
    assert shown(tmp_path) == [*kept, (150, 4.0), (200, 5.0)]
