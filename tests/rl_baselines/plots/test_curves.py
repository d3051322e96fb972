"""Curves over several runs."""

import numpy as np
import pytest

from rl_baselines.plots.curves import (
    POINTS,
    CurveSettings,
    ScoreRange,
    curves_of,
    curves_over_environments,
    latest_return,
    score_ranges,
)
from rl_baselines.plots.methods import group_runs
from rl_baselines.plots.runs import load_runs
from srl3.errors import UserError


def groups_in(folder, by=("algo",)):
    return group_runs(load_runs([folder]), by)


def test_a_curve_is_what_runs_had_lately_earned(make_run, tmp_path):
    make_run([0, 2, 4, 6])
    make_run([10, 10, 10, 30], length=20)
    (curve,) = curves_of(groups_in(tmp_path), CurveSettings(episode_window=2))
    assert len(curve.x) == POINTS
    assert (curve.x[0], curve.x[-1]) == (20, 40), "from where both have an episode to the end of the shorter"
    assert curve.runs[:, 0].tolist() == [1, 10]
    assert curve.runs[:, -1].tolist() == [5, 10]
    assert curve.estimate.value[[0, -1]].tolist() == [5.5, 7.5]
    assert curve.estimate.high[-1] == pytest.approx(7.5 + 2.5)


@pytest.mark.parametrize(("axis", "first", "last"), [("episodes", 1, 3), ("time", 0.5, 1.5)])
def test_other_axes(make_run, tmp_path, axis, first, last):
    make_run([1, 2, 3]), make_run([1, 2, 3, 4], length=50)
    (curve,) = curves_of(groups_in(tmp_path), CurveSettings(axis, episode_window=1))
    assert (curve.x[0], curve.x[-1]) == (first, last)
    assert curve.runs[:, -1].tolist() == [3, 3]


def test_a_short_run_is_named(make_run, tmp_path, capsys):
    make_run([1] * 20)
    short = make_run([1] * 5)
    curves_of(groups_in(tmp_path), CurveSettings())
    assert f"ends at 50 timesteps, where its shortest run ({short}) ends" in capsys.readouterr().err
    (curve,) = curves_of(groups_in(tmp_path), CurveSettings(truncate_x=30))
    assert curve.x[-1] == 30
    assert capsys.readouterr().err == ""


def test_nothing_in_common(make_run, tmp_path):
    make_run([1, 2]), make_run([1, 2], length=100)
    with pytest.raises(UserError, match=r"have no timesteps in common: .*001 ends at 20, before .* at 100"):
        curves_of(groups_in(tmp_path), CurveSettings())


def test_over_environments(make_run, tmp_path):
    for env, scale in (("A-v0", 1), ("B-v0", 100)):
        for seed in (0, 1):
            make_run([0, (1 + seed) * scale], env=env, seed=seed)
    groups = groups_in(tmp_path)
    ranges = score_ranges(groups, 1, {"A-v0": ScoreRange(0, 4)})
    assert ranges == {"A-v0": ScoreRange(0, 4), "B-v0": ScoreRange(100, 200)}
    (curve,) = curves_over_environments(groups, CurveSettings(episode_window=1, n_resamples=50), ranges)
    assert curve.runs[:, -1].tolist() == [0.25, 0.5, 0, 1]
    assert curve.estimate.value[-1] == pytest.approx(1.75 / 4)
    assert curve.estimate.low[-1] < 1.75 / 4 < curve.estimate.high[-1]


def test_environments_must_be_the_same_for_all(make_run, tmp_path):
    make_run([1, 2]), make_run([1, 2], env="B-v0"), make_run([1, 3], algo="a2c")
    groups = groups_in(tmp_path)
    with pytest.raises(UserError, match=r"a2c has no run on B-v0"):
        curves_over_environments(groups, CurveSettings(), {})
    with pytest.raises(UserError, match=r"B-v0 earned the same.*--score-range B-v0:0:1"):
        score_ranges(groups, 1, {})


def test_the_latest_return(make_run, tmp_path):
    make_run([1, 3, 8])
    (run,) = load_runs([tmp_path])
    assert latest_return(run, 2) == 5.5
    assert latest_return(run, 2, timestep=29) == 2
    assert latest_return(run, 100, timestep=30) == 4
    assert np.isnan(latest_return(run, 2, timestep=9))
