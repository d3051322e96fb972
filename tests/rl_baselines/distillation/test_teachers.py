from pathlib import Path

import pytest

from rl_baselines.distillation.teachers import open_teachers, tasks_of
from tests.rl_baselines.distillation.lessons_of_rules import recorded_at_random, taught


def test_each_dataset_is_a_task_of_its_own_also_where_two_are_called_alike(tmp_path: Path) -> None:
    source = recorded_at_random(tmp_path, episodes=2)
    for place in ("one/seen", "two/seen", "other"):
        taught(source, tmp_path / place)
    tasks, names = tasks_of(open_teachers([tmp_path / "one", tmp_path / "two", tmp_path / "other"]))
    assert names == ["one/seen", "other", "two/seen"]
    assert sorted(set(tasks[: len(source)])) == [0]
    assert sorted(set(tasks[-len(source) :])) == [1]


def test_a_dataset_in_which_one_stands_has_its_folders_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taught(recorded_at_random(tmp_path, episodes=1), tmp_path / "seen")
    monkeypatch.chdir(tmp_path / "seen")
    assert tasks_of(open_teachers([Path()]))[1] == ["seen"]
