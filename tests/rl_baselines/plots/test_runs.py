"""Finding runs, and telling methods apart."""

from pathlib import Path

import pytest

from rl_baselines.plots.methods import NOT_OF_THE_METHOD, find_method, group_runs, repeated_seeds
from rl_baselines.plots.runs import load_runs
from rl_baselines.train import make_parser
from srl3.errors import UserError


def test_runs_without_an_episode_are_named(make_run, tmp_path):
    full, empty = make_run([1, 2]), make_run([])
    said: list[str] = []
    (run,) = load_runs([tmp_path], say=said.append)
    assert (run.path, run.steps, run.env, run.seed) == (full, 20, "A-v0", 1)
    assert said == [f"{empty} has no episode yet, and is left out."]


def test_a_run_that_is_still_written(make_run, tmp_path):
    make_run([1, 2], tail="3.5,1")
    (run,) = load_runs([tmp_path])
    assert run.episodes.returns.tolist() == [1, 2]


def test_a_run_counts_once(make_run, tmp_path):
    path = make_run([1])
    assert len(load_runs([tmp_path, path, path.parent])) == 1


def test_nothing_to_read(make_run, tmp_path):
    with pytest.raises(UserError, match=r"no folder .*nowhere; name a run folder"):
        load_runs([tmp_path / "nowhere"])
    with pytest.raises(UserError, match=r"there is no run in .*; train one"):
        load_runs([tmp_path])
    empty = make_run([])
    with pytest.raises(UserError, match=f"has an episode yet \\({empty}\\)"):
        load_runs([tmp_path])
    make_run([1, 2])
    with pytest.raises(UserError, match="has 500 steps, the longest has 20"):
        load_runs([tmp_path], min_timestep=500, say=lambda _: None)


def test_short_runs_are_left_out(make_run, tmp_path):
    short, full = make_run([1]), make_run([1, 2])
    said: list[str] = []
    assert [run.path for run in load_runs([tmp_path], min_timestep=15, say=said.append)] == [full]
    assert said == [f"{short} has fewer than 15 steps, and is left out."]


def test_damage(make_run, tmp_path):
    path = make_run([1], tail="x,y,z\n2,10,3\n")
    with pytest.raises(UserError, match=r"0\.monitor\.csv, line 4: 'x,y,z' is not an episode"):
        load_runs([tmp_path])
    said: list[str] = []
    (run,) = load_runs([tmp_path], on_damage=said.append)
    assert run.episodes.returns.tolist() == [1, 2]
    assert len(said) == 1
    (path / "args.yaml").write_text("arguments: [1]")
    with pytest.raises(UserError, match=r"is .* a run of SRL3"):
        load_runs([tmp_path], on_damage=said.append)


def test_methods_are_called_by_what_differs(make_run, tmp_path):
    for seed in (0, 1):
        make_run([1], seed=seed, hyperparam=[], num_stack=1, port=8097)
        make_run([1], seed=seed, hyperparam=["n_steps:64"], num_stack=1, port=8098, random_target=True)
        make_run([1], seed=seed, hyperparam=[], num_stack=4, algo="sac", env="B-v0")
    groups = group_runs(load_runs([tmp_path]))
    assert [(group.env, group.method, group.seeds) for group in groups] == [
        ("A-v0", "ppo2 ground_truth n_steps:64 num-stack 1 random-target", [0, 1]),
        ("A-v0", "ppo2 ground_truth num-stack 1", [0, 1]),
        ("B-v0", "sac ground_truth num-stack 4", [0, 1]),
    ]
    assert [group.method for group in group_runs(load_runs([tmp_path]), by=["algo"])] == ["ppo2", "sac"]
    assert repeated_seeds(groups) == []
    assert repeated_seeds(group_runs(load_runs([tmp_path]), by=["--algo"])) == [
        "ppo2 on A-v0 has several runs of seed 0, and each counts.",
        "ppo2 on A-v0 has several runs of seed 1, and each counts.",
    ]
    with pytest.raises(UserError, match="unknown flag in --group-by 'alg'; did you mean algo"):
        group_runs(load_runs([tmp_path]), by=["alg"])


def test_a_method_by_part_of_its_name(make_run, tmp_path: Path):
    make_run([1]), make_run([1], algo="a2c")
    groups = group_runs(load_runs([tmp_path]))
    assert find_method("a2c", groups, "--baseline") == "a2c ground_truth"
    with pytest.raises(UserError, match="--baseline 'ground' fits several; name one of: a2c ground_truth; ppo2"):
        find_method("ground", groups, "--baseline")
    with pytest.raises(UserError, match="--baseline 'sac' is none of the methods; name one of: a2c"):
        find_method("sac", groups, "--baseline")


def test_what_a_training_writes_is_no_part_of_its_method():
    output = next(group for group in make_parser()._action_groups if group.title == "output")
    shown = {action.dest for action in output._group_actions}
    assert shown - {"help"} <= NOT_OF_THE_METHOD
