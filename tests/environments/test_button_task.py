"""The rules of pushing a button, on steps that are given by hand."""

import dataclasses

import pytest

from environments.button_task import ButtonTask


@dataclasses.dataclass(frozen=True)
class Rules:
    is_discrete: bool = True
    shape_reward: bool = False
    max_distance: float = 0.8
    n_contacts_to_end: int = 2
    max_steps_outside: int = 3
    success_reward: float = 50.0
    failure_reward: float = -250.0


class Task(ButtonTask):
    def __init__(self, rules: Rules) -> None:
        self.config = rules

    def play(self, *steps: tuple[bool, bool, float]) -> list[tuple[float, bool, bool]]:
        """Reward, terminated and success of each step of (on button, on table, distance)."""
        self._begin_counting()
        judged = [self._judge_step(*step) for step in steps]
        assert all(reward == sum(terms.values()) for reward, terms, *_ in judged)
        return [(reward, terminated, success) for reward, _, terminated, success in judged]


def test_contacts_pay_one_each_and_the_last_solves():
    task = Task(Rules())
    for _ in range(2):  # each episode counts from zero
        assert task.play((False, False, 0.5), (True, False, 0.0), (False, False, 0.1), (True, False, 0.0)) == [
            (0, False, False),
            (1, False, False),
            (0, False, False),
            (1, True, True),
        ]


def test_the_table_ends_it_whatever_else_is_touched():
    assert Task(Rules()).play((True, True, 0.0)) == [(-1, True, False)]
    assert Task(Rules(n_contacts_to_end=1)).play((True, True, 0.0)) == [(-1, True, False)]


def test_only_steps_in_a_row_outside_end_it():
    outside, inside = (False, False, 0.81), (False, False, 0.8)
    assert Task(Rules()).play(outside, outside, inside, outside, outside, outside) == [
        (-1, False, False),
        (-1, False, False),
        (0, False, False),
        (-1, False, False),
        (-1, False, False),
        (-1, True, False),
    ]


@pytest.mark.parametrize(("is_discrete", "solved", "failed"), [(True, -0.2, -0.3), (False, 50, -250)])
def test_the_dense_reward_is_minus_the_distance_and_the_outcome_of_continuous_actions(is_discrete, solved, failed):
    task = Task(Rules(is_discrete=is_discrete, shape_reward=True))
    assert task.play((True, False, 0.1), (True, False, 0.2)) == [(-0.1, False, False), (solved, True, True)]
    assert task.play((False, False, 0.9), (False, True, 0.3)) == [(-0.9, False, False), (failed, True, False)]
