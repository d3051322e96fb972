import importlib

import pytest

from rl_baselines.benchmarks.catalogue import batched_ppo_tasks
from rl_baselines.benchmarks.rows import Effort


def test_every_row_names_a_function_and_a_world() -> None:
    tasks = batched_ppo_tasks()
    assert len({task.name for task in tasks}) == len(tasks)
    for task in tasks:
        module, _, name = task.function.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("side", ["world", "plain"])
def test_both_sides_are_measured(side: str) -> None:
    module = importlib.import_module("rl_baselines.benchmarks.batched_rows")
    effort = Effort(repeats=1, size=0.1)
    (measured,) = getattr(module, f"against_{side}")(effort, "MobileRobotGymEnv-v0", 8)
    assert measured.value > 0
    assert measured.ratio is not None
    assert measured.ratio == pytest.approx(measured.value / measured.details["other_steps_per_second"])
