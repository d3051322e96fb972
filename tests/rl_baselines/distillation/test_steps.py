import numpy as np
import pytest

from rl_baselines.distillation.steps import in_order, split_steps
from srl3.errors import UserError

STARTS = np.tile(np.eye(5, dtype=np.bool_)[0], 20)
TASKS = np.repeat([0, 1], 50)


def test_episodes_are_not_split_and_every_task_judges() -> None:
    split = split_steps(STARTS, TASKS, size=None, validation_share=0.2, seed=3)
    episodes = np.cumsum(STARTS)
    assert not set(episodes[split.training]) & set(episodes[split.validation])
    assert sorted([*split.training, *split.validation]) == list(range(100))
    assert np.bincount(TASKS[split.validation]).tolist() == [10, 10]
    other = split_steps(STARTS, TASKS, size=None, validation_share=0.2, seed=4)
    assert not np.array_equal(split.validation, other.validation)


def test_a_size_is_shared_among_the_tasks() -> None:
    split = split_steps(STARTS, TASKS, size=31, validation_share=0.3, seed=0)
    used = np.concatenate([split.training, split.validation])
    assert sorted(used) == [*range(16), *range(50, 65)]
    with pytest.raises(UserError, match="set-size 102 asks for 51 steps of a task that has 50"):
        split_steps(STARTS, TASKS, size=102, validation_share=0.3, seed=0)


def test_a_single_episode_teaches_and_judges() -> None:
    split = split_steps(STARTS[:5], TASKS[:5], size=None, validation_share=0.1, seed=0)
    np.testing.assert_array_equal(split.training, split.validation)


def test_the_order_has_all_steps_in_each_pass_and_can_be_entered_anywhere() -> None:
    steps = np.arange(10, 17)
    whole = in_order(steps, 0, 21, (0, 0))
    for number in range(3):
        assert sorted(whole[7 * number : 7 * number + 7]) == steps.tolist()
    assert len({tuple(whole[at : at + 7]) for at in (0, 7, 14)}) == 3
    np.testing.assert_array_equal(in_order(steps, 5, 11, (0, 0)), whole[5:16])
    assert not np.array_equal(in_order(steps, 0, 21, (1, 0)), whole)
