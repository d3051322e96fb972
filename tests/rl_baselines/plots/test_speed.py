"""The speed of whole commands: that the benchmark measures them on runs as they should be."""

import json

import numpy as np

from rl_baselines import benchmark
from rl_baselines.benchmarks.catalogue import plot_tasks
from rl_baselines.benchmarks.plot_rows import write_tree
from rl_baselines.plots.methods import group_runs
from rl_baselines.plots.runs import load_runs


def test_the_made_up_runs(tmp_path):
    write_tree(tmp_path, 16, 50, np.random.default_rng(0))
    groups = group_runs(load_runs([tmp_path]))
    assert [(group.env, group.method, group.seeds) for group in groups[:2]] == [
        ("KukaButtonGymEnv-v0", "a2c ground_truth", [0, 1]),
        ("KukaButtonGymEnv-v0", "dqn ground_truth", [0, 1]),
    ]
    assert len(groups) == 8
    assert {run.episodes.count for group in groups for run in group.runs} == {50}


def test_benchmark_plots(tmp_path):
    goals = {task.name: task.goal.limit for task in plot_tasks()}
    assert list(goals.values()) == [5, 5, 5]
    assert all("200 runs of 10,000 episodes" in name for name in goals)
    file = tmp_path / "speed.json"
    assert benchmark.main(["plots", "--quick", "--only", "gather", "--json", str(file)]) == 0
    (row,) = json.loads(file.read_text())
    assert row["unit"] == "s"
    assert 0.2 < row["processor_seconds"] <= row["value"] + 1
