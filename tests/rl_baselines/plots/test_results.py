"""Result tables."""

import csv
import io

import pytest
from scipy import stats

from rl_baselines.plots.methods import group_runs
from rl_baselines.plots.results import TableSettings, as_csv, as_markdown, results_of
from rl_baselines.plots.runs import load_runs


@pytest.fixture
def groups(make_run, tmp_path):
    for last in (4, 6, 11):
        make_run([0, 2, last])
    for last in (20, 24):
        make_run([10, 12, last], algo="a2c")
    make_run([10, 11], algo="a2c")
    return group_runs(load_runs([tmp_path]))


def rows(results, settings):
    return list(csv.DictReader(io.StringIO(as_csv(results, settings))))


def test_budgets_and_welch(groups):
    settings = TableSettings((20, 30), episode_window=1, baseline="ppo2 ground_truth")
    results = results_of(groups, settings)
    table = {(row["method"], row["timestep_budget"]): row for row in rows(results, settings)}
    ppo2 = table["ppo2 ground_truth", "30"]
    assert ppo2["environment"] == "A-v0"
    assert float(ppo2["mean_reward"]) == 7
    assert float(ppo2["stderr_reward"]) == pytest.approx(stats.sem([4, 6, 11]))
    assert ppo2["welch_p"] == ""
    a2c = table["a2c ground_truth", "30"]
    assert float(a2c["mean_reward"]) == pytest.approx((20 + 24 + 11) / 3), "the third is in its third episode"
    assert float(table["a2c ground_truth", "20"]["mean_reward"]) == pytest.approx((12 + 12 + 11) / 3)
    raw = stats.ttest_ind([20, 24, 11], [4, 6, 11], equal_var=False)
    assert float(a2c["welch_t"]) == pytest.approx(raw.statistic)
    assert float(a2c["welch_p"]) == pytest.approx(raw.pvalue)
    p_of_20 = stats.ttest_1samp([12, 12, 11], 2).pvalue  # the baseline's runs all earned 2
    lines = as_markdown(results, groups, settings).splitlines()
    assert lines[0] == "A-v0"
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[2], lines[4], lines[5])] == [
        ["method", "runs", "20", "30"],
        ["a2c ground_truth", "3", f"**11.67** ± 0.33, p = {p_of_20:.2g}", f"**18.33** ± 3.84, p = {raw.pvalue:.2g}"],
        ["ppo2 ground_truth", "3", "2.00 ± 0.00", "7.00 ± 2.08"],
    ]
    assert len({len(line) for line in lines[2:6]}) == 1, "the columns stand under one another"
    assert lines[-1].endswith("p: Welch's test against ppo2 ground_truth.")


def test_runs_that_did_not_get_so_far(groups, make_run, tmp_path):
    settings = TableSettings((45,), episode_window=1)
    for _ in range(2):
        make_run([1, 1, 1, 1, 5], env="B-v0")
    make_run([1], env="B-v0")
    everything = group_runs(load_runs([tmp_path]))
    results = results_of(everything, settings)
    assert [(row["environment"], row["n_runs"], row["mean_reward"]) for row in rows(results, settings)] == [
        ("A-v0", "0", ""),
        ("A-v0", "0", ""),
        ("B-v0", "2", "1"),
    ]
    assert "| ppo2 ground_truth | 3    | 1.00 ± 0.00 (2 of 3) |" in as_markdown(results, everything, settings)


def test_many_environments_at_once_show_their_episodes_late(make_run, tmp_path):
    make_run([1] * 64, length=250, n_envs=64)
    settings = TableSettings((20_000,))
    (result,) = results_of(group_runs(load_runs([tmp_path])), settings)
    assert result.n_runs == 1, "16,000 steps show, and 64 episodes are in progress"


def test_the_end_and_the_iqm(groups):
    settings = TableSettings(episode_window=1, statistic="iqm", n_resamples=100)
    results = results_of(groups, settings)
    table = {row["method"]: row for row in rows(results, settings)}
    assert float(table["ppo2 ground_truth"]["iqm_reward"]) == 7
    assert 4 <= float(table["ppo2 ground_truth"]["iqm_reward_low"]) < 7
    assert 7 < float(table["ppo2 ground_truth"]["iqm_reward_high"]) <= 11
    assert "| at the end " in as_markdown(results, groups, settings)
