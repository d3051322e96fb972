"""Run folders: names, and the resolver that finds runs and checkpoints."""

import os
import re
from pathlib import Path

import pytest

from rl_baselines.runs.find import find_checkpoint, find_run, find_runs
from rl_baselines.runs.folder import RunFolder, check_writable, link_latest
from rl_baselines.runs.layouts import LAYOUTS, link, linked_iterations, log_folder, new_run_folder
from srl3.errors import UserError


def make_run(log_dir: Path, suffix: str, *files: str, age: int = 0) -> RunFolder:
    run = new_run_folder(log_dir, "KukaButtonGymEnv-v0", "ground_truth", "ppo2", suffix)
    run.args.write_text("command: none\n")
    for name in files:
        path = run.path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    os.utime(run.args, ns=(10**18 - age * 10**9,) * 2)
    return run


def test_a_run_folder_is_never_taken_twice(tmp_path):
    first = new_run_folder(tmp_path, "E", "S", "A", "x")
    second = new_run_folder(tmp_path, "E", "S", "A", "x")
    assert first.path != second.path
    assert first.path.parent == tmp_path / "E" / "S" / "A"
    assert first.path.name.endswith("-x")


def test_a_file_names_itself(tmp_path):
    run = make_run(tmp_path, "a", "best_model.zip")
    assert find_checkpoint(str(run.best_model)) == run.best_model


def test_a_run_means_its_best_model_else_its_latest_else_its_highest_number(tmp_path):
    numbered = ("checkpoints/model_900_steps.zip", "checkpoints/model_1000_steps.zip")
    best = make_run(tmp_path, "a", "best_model.zip", "latest.zip")
    latest = make_run(tmp_path, "b", "latest.zip", *numbered)
    only_numbers = make_run(tmp_path, "c", *numbered)
    assert find_checkpoint(str(best.path)) == best.best_model
    assert find_checkpoint(str(latest.path)) == latest.latest
    assert find_checkpoint(str(only_numbers.path)) == only_numbers.checkpoint(1000)


def test_a_folder_of_checkpoints_means_its_highest_number(tmp_path):
    run = make_run(tmp_path, "a", "latest.zip", "checkpoints/model_900_steps.zip", "checkpoints/model_10000_steps.zip")
    assert find_checkpoint(str(run.checkpoints)) == run.checkpoint(10000)


def test_a_folder_above_means_its_newest_run_with_a_checkpoint(tmp_path):
    make_run(tmp_path, "old", "latest.zip", age=20)
    newer = make_run(tmp_path, "newer", "latest.zip", age=10)
    newest = make_run(tmp_path, "newest")
    assert find_checkpoint(str(tmp_path)) == newer.latest
    assert find_run(str(tmp_path)).path == newest.path


def test_part_of_a_name_means_the_newest_match(tmp_path):
    make_run(tmp_path, "grasp", "latest.zip", age=30)
    second = make_run(tmp_path, "grasp", "latest.zip", age=20)
    make_run(tmp_path, "other", "latest.zip", age=10)
    assert find_checkpoint("-grasp", tmp_path) == second.latest
    assert find_run("-grasp", tmp_path).path == second.path


def test_the_old_pickle_spelling_means_the_run(tmp_path):
    run = make_run(tmp_path, "a", "best_model.zip")
    assert find_checkpoint(str(run.path / "ppo2.pkl")) == run.best_model


def test_a_miss_lists_what_is_there(tmp_path):
    run = make_run(tmp_path, "a", "latest.zip")
    with pytest.raises(UserError, match=run.path.name):
        find_checkpoint(str(tmp_path / "nothing"), tmp_path)
    with pytest.raises(UserError, match="no runs"):
        find_checkpoint("nothing", tmp_path / "empty")
    empty = make_run(tmp_path / "other", "b")
    with pytest.raises(UserError, match="no checkpoint yet"):
        find_checkpoint(str(empty.path), tmp_path)


def test_monitors_are_cut_back_to_a_checkpoint(tmp_path):
    run = make_run(tmp_path, "a")
    for rank, text in ((0, "one\ntwo\n"), (10, "three\n"), (2, "")):
        (run.path / f"{rank}.monitor.csv").write_text(text)
    assert [path.name for path in run.monitors()] == ["0.monitor.csv", "2.monitor.csv", "10.monitor.csv"]
    sizes = run.monitor_sizes()
    for path in run.monitors():
        with path.open("a") as file:
            file.write("late\n")
    run.truncate_monitors(sizes)
    assert [path.read_text() for path in run.monitors()] == ["one\ntwo\n", "", "three\n"]


def test_a_log_folder_must_be_writable(tmp_path):
    check_writable(tmp_path / "new" / "deeper")
    assert not (tmp_path / "new").exists()
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with pytest.raises(UserError, match="may not be written"):
        check_writable(locked / "logs")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match="is a file"):
        check_writable(file / "logs")


def test_a_damaged_yaml_is_said(tmp_path):
    run = make_run(tmp_path, "a")
    run.args.write_text("a: [")
    with pytest.raises(UserError, match=r"args\.yaml is damaged \(.*\); see whether"):
        run.read_yaml(run.args)


def test_a_run_is_held_by_one_training_at_a_time(tmp_path):
    run = make_run(tmp_path, "a")
    with run.held():
        with pytest.raises(UserError, match=r"-a is being trained by another process; wait for it"), run.held():
            pass
        with make_run(tmp_path, "b").held():
            pass
    with run.held():
        pass


def test_the_spellings_of_other_toolboxes(tmp_path):
    run = make_run(tmp_path, "a", "latest.zip", "best_model.zip", "checkpoints/model_900_steps.zip")
    for spec in (str(run.path), "-a"):
        assert find_checkpoint(f"{spec}/nn/latest.pth", tmp_path) == run.latest
        assert find_checkpoint(f"{spec}/nn/checkpoint_best.pth", tmp_path) == run.best_model
        assert find_checkpoint(f"{spec}/nn/checkpoint_900.pth", tmp_path) == run.checkpoint(900)
        assert find_checkpoint(f"{spec}/nn", tmp_path) == run.best_model
        assert find_run(f"{spec}/nn/latest.pth", tmp_path) == run
    with pytest.raises(UserError, match=r"no checkpoint at .*checkpoint_7.pth; .* has best_model.zip, latest.zip"):
        find_checkpoint(f"{run.path}/nn/checkpoint_7.pth", tmp_path)


def test_an_experiment_is_named_and_dated(tmp_path):
    run = new_run_folder(tmp_path, "E", "S", "A", None, "reach")
    assert run.path.parent == tmp_path
    assert re.fullmatch(r"reach_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", run.path.name)


def test_latest_points_to_the_newest_run(tmp_path):
    first, second = make_run(tmp_path, "a", "latest.zip", age=9), make_run(tmp_path, "b", "latest.zip")
    for run in (first, second):
        link_latest(run, tmp_path)
        assert not os.path.isabs(os.readlink(tmp_path / "latest"))
        assert find_run(str(tmp_path / "latest")) == run
        assert find_checkpoint(str(tmp_path / "latest" / "nn" / "latest.pth")) == run.latest
    assert [run.path for run in find_runs(tmp_path)] == [first.path, second.path], "each once"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["KukaButtonGymEnv-v0", "latest"]
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert find_run(str(moved / "latest")).path.name == second.path.name


def test_what_is_called_latest_is_left_alone(tmp_path):
    (tmp_path / "latest").mkdir()
    link_latest(make_run(tmp_path, "a"), tmp_path)
    assert not (tmp_path / "latest").is_symlink()


def test_runs_behind_links_are_found_once_and_circles_end(tmp_path):
    run = make_run(tmp_path / "elsewhere", "a", "latest.zip")
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (logs / "again").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (run.path.parent / "circle").symlink_to(logs, target_is_directory=True)
    (logs / "nowhere").symlink_to(tmp_path / "gone")
    (found,) = find_runs(logs)
    assert found.path.resolve() == run.path
    assert find_checkpoint("-a", logs).resolve() == run.latest


def test_a_name_of_several_runs_says_which_is_taken(tmp_path, capsys):
    older, newer = make_run(tmp_path, "grasp", age=9), make_run(tmp_path, "grasp_2")
    assert find_run("-grasp", tmp_path) == newer
    said = capsys.readouterr().err
    assert f"taking the newest, {newer.path}" in said
    assert f"not {older.path}" in said
    assert find_run(older.path.name, tmp_path) == older, "its whole name, though it is part of the other's"
    assert capsys.readouterr().err == ""


def test_a_home_folder_is_meant(tmp_path, monkeypatch):
    run = make_run(tmp_path / "logs", "a", "latest.zip")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_checkpoint("~/logs") == run.latest
    assert find_run(f"~/{run.path.relative_to(tmp_path)}") == run


def test_a_kill_between_buffer_and_checkpoint_leaves_a_pair(tmp_path):
    run = make_run(tmp_path, "a", "replay_buffer.npz", "replay_buffer_200.npz")
    assert run.replay_buffer_at(200) == run.waiting_replay_buffer(200), "latest.zip is of step 200 already"
    assert run.replay_buffer_at(100) == run.replay_buffer, "latest.zip is still of step 100"
    run.remove_temporaries(200)
    assert run.waiting_replay_buffer(200).is_file()
    run.remove_temporaries(100)
    assert not run.waiting_replay_buffer(200).exists()
    assert run.replay_buffer.is_file()


@pytest.mark.parametrize(
    ("layout", "pattern"),
    [
        ("playground", r"reach-\d{8}-\d{6}-first"),
        ("dexhand", r"reach_\d{8}_\d{6}"),
        ("isaacgymenvs", r"reach_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d"),
        ("mjlab", r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_first"),
    ],
)
def test_a_run_folder_is_called_as_in_other_systems(tmp_path, layout, pattern):
    first, second = (new_run_folder(tmp_path, "E", "S", "A", "first", "reach", layout) for _ in range(2))
    assert re.fullmatch(pattern, first.path.name)
    assert first.path.parent == second.path.parent == tmp_path
    assert first.path != second.path


def test_checkpoints_have_the_names_of_other_systems(tmp_path):
    run = make_run(tmp_path, "a", "latest.zip", "best_model.zip", "checkpoints/model_640_steps.zip")
    for file in (run.latest, run.best_model, run.checkpoint(640)):
        link("isaacgymenvs", run, file, 10)
        link("mjlab", run, file, 10)
    links = {str(path.relative_to(run.path)): os.readlink(path) for path in run.path.rglob("*") if path.is_symlink()}
    assert links == {
        "nn/latest.pth": "../latest.zip",
        "nn/checkpoint_best.pth": "../best_model.zip",
        "nn/checkpoint_10.pth": "../checkpoints/model_640_steps.zip",
        "model_10.pt": "checkpoints/model_640_steps.zip",
    }
    assert find_checkpoint(f"{run.path}/nn/checkpoint_10.pth") == run.checkpoint(640)
    assert find_checkpoint(f"{run.path}/nn/latest.pth") == run.latest
    assert find_run(f"{run.path}/nn/latest.pth") == run
    assert linked_iterations("mjlab", run) == {10: run.path / "model_10.pt"}
    link("isaacgymenvs", run, run.checkpoint(640), 10)  # written again: nothing is left beside it
    assert len(list((run.path / "nn").iterdir())) == 3


def test_a_number_in_the_folder_of_checkpoints_is_steps_or_which_one(tmp_path):
    run = make_run(tmp_path, "a", *(f"checkpoints/model_{steps}_steps.zip" for steps in (2, 40, 60)))
    assert find_checkpoint(f"{run.checkpoints}/40") == run.checkpoint(40)
    assert find_checkpoint(f"{run.checkpoints}/3") == run.checkpoint(60)
    assert find_checkpoint(f"{run.checkpoints}/2") == run.checkpoint(2), "steps go before places"
    assert find_run(f"{run.checkpoints}/3") == run
    with pytest.raises(UserError, match=r"checkpoints has model_2_steps.zip, model_40_steps.zip, model_60_steps.zip"):
        find_checkpoint(f"{run.checkpoints}/4")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_log_folder_of_a_run(tmp_path, layout):
    """Also of one that lies in it directly, whose parents have names of their own."""
    logs = tmp_path / "a" / "b" / "logs"
    run = new_run_folder(logs, "ALE/Pong-v5", "ground_truth", "ppo2", None, "mine", layout)
    assert log_folder(run, "ALE/Pong-v5", "ground_truth", "ppo2") == logs
