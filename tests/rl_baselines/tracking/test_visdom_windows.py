"""What the windows show, from the episodes alone."""

import json

import numpy as np
import pytest

from rl_baselines.runs.episodes import EpisodeBatch
from rl_baselines.runs.monitors import Episodes
from rl_baselines.tracking import reward_terms
from rl_baselines.tracking.reward_terms import RewardTerms
from rl_baselines.tracking.visdom_windows import MAX_POINTS, Groups, Window, episode_windows, terms_window

NAN = float("nan")


def run_of(timesteps: np.ndarray, returns: np.ndarray, successes: np.ndarray | None = None) -> Episodes:
    count = len(returns)
    return Episodes(
        timesteps=timesteps.astype(np.int64),
        returns=returns.astype(np.float64),
        lengths=np.full(count, 10),
        successes=np.full(count, NAN) if successes is None else successes.astype(np.float64),
        times=np.zeros(count),
    )


def by_name(windows: list[Window]) -> dict[str, Window]:
    return {window.name: window for window in windows}


def test_a_single_world_shows_each_episode() -> None:
    returns = np.arange(50.0)
    windows = by_name(episode_windows(run_of(10 * np.arange(1, 51), returns), 7))
    assert set(windows) == {"returns", "smoothed", "by_episode"}
    (raw,) = windows["returns"].traces
    assert (raw["x"], raw["y"]) == (list(range(10, 501, 10)), returns.tolist())
    (smoothed,) = windows["smoothed"].traces
    np.testing.assert_allclose(smoothed["y"], [np.mean(returns[: end + 1]) for end in range(50)])
    (by_episode,) = windows["by_episode"].traces
    assert by_episode["x"] == list(range(1, 51))
    np.testing.assert_allclose(by_episode["y"], [np.mean(returns[max(0, end - 6) : end + 1]) for end in range(50)])


def test_many_worlds_show_mean_and_spread_at_each_step() -> None:
    """64 episodes that end together are one point, not 64 above each other."""
    rng = np.random.default_rng(0)
    returns = rng.normal(size=(5, 64))
    windows = by_name(episode_windows(run_of(np.repeat(100 * np.arange(1, 6), 64), returns.ravel()), 40))
    low, high, mean = windows["returns"].traces
    assert low["x"] == high["x"] == mean["x"] == [100, 200, 300, 400, 500]
    np.testing.assert_allclose(mean["y"], returns.mean(1))
    np.testing.assert_allclose(high["y"], returns.mean(1) + returns.std(1))
    np.testing.assert_allclose(low["y"], returns.mean(1) - returns.std(1))
    assert high["fill"] == "tonexty"
    assert windows["smoothed"].traces[0]["x"] == [100, 200, 300, 400, 500]
    np.testing.assert_allclose(windows["smoothed"].traces[0]["y"][-1], returns.ravel()[-100:].mean())


def test_of_more_worlds_than_the_window_all_that_end_together_count() -> None:
    returns = np.arange(1000.0)
    windows = by_name(episode_windows(run_of(np.repeat([100, 200], 500), returns), 40))
    assert windows["smoothed"].title == "Return, mean of the last 500 episodes"
    assert windows["smoothed"].traces[0]["y"] == [returns[:500].mean(), returns[500:].mean()]


def test_a_long_run_is_drawn_in_bins() -> None:
    returns = np.arange(20_000.0)
    windows = episode_windows(run_of(7 * np.arange(1, 20_001), returns), 40)
    for window in windows:
        for trace in window.traces:
            assert 1000 < len(trace["x"]) <= MAX_POINTS
            assert trace["x"] == sorted(trace["x"])
            assert trace["y"][-1] > 19_900


def test_groups_hold_every_episode_once() -> None:
    rng = np.random.default_rng(1)
    timesteps = np.sort(rng.integers(0, 10**6, 30_000))
    groups = Groups.of(timesteps)
    assert groups.counts.sum() == 30_000
    assert groups.ends[-1] == 29_999
    assert len(groups.counts) <= MAX_POINTS
    assert (np.diff(groups.timesteps) > 0).all()


def test_success_and_length_where_the_task_knows_success() -> None:
    successes = np.array([0, NAN, 1, 1])
    windows = by_name(episode_windows(run_of(np.array([10, 20, 30, 40]), np.ones(4), successes), 40))
    rate, length = windows["success"].traces
    assert rate["x"] == [10, 30, 40]
    np.testing.assert_allclose(rate["y"], [0, 1 / 2, 2 / 3])
    assert (length["y"], length["yaxis"]) == ([10.0, 10.0, 10.0], "y2")
    assert windows["success"].layout["yaxis"]["title"] == "success rate"
    assert windows["success"].layout["yaxis2"]["title"] == "episode length (steps)"


def test_titles_tell_the_windows_apart_and_axes_are_named() -> None:
    windows = episode_windows(run_of(np.array([10, 20]), np.ones(2), np.ones(2)), 40)
    windows.append(terms_window(np.array([10]), {"target": np.array([1.0])}))
    assert len({window.title for window in windows}) == len({window.name for window in windows}) == 5
    for window in windows:
        assert window.layout["xaxis"]["title"] in ("timesteps", "episodes")
        assert window.layout["yaxis"]["title"]
        assert len(window.title) < 60


def test_what_is_no_number_is_a_gap() -> None:
    message = episode_windows(run_of(np.array([10, 20]), np.array([1.0, NAN])), 40)[0].message("run")
    assert json.loads(json.dumps(message, allow_nan=False))["data"][0]["y"] == [1.0, None]


def test_terms_of_batches_and_of_single_worlds_are_sums_over_episodes() -> None:
    batched, single = RewardTerms(), RewardTerms()
    terms = {"target": np.array([2.0, 4.0]), "bump": np.array([-1.0, 0.0])}
    batched.note_batch(EpisodeBatch(20, np.zeros(2), np.full(2, 10), np.zeros(2), terms))
    single.note_step(2, [{"reward_terms": {"target": 1.0}}, {}], np.array([False, False]))
    single.note_step(4, [{"reward_terms": {"target": 1.5}}, {"reward_terms": {"target": 9.0}}], np.array([True, False]))
    single.note_step(6, [{"reward_terms": {"target": 4.0}}, {"reward_terms": {"target": 1.0}}], np.array([True, True]))
    x, curves = batched.curves()
    assert (x.tolist(), {name: y.tolist() for name, y in curves.items()}) == ([20], {"target": [3.0], "bump": [-0.5]})
    x, curves = single.curves()
    assert (x.tolist(), curves["target"].tolist()) == ([4, 6], [2.5, 7.0])
    assert single.count == 3


def test_terms_of_a_long_training_keep_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reward_terms, "MAX_POINTS", 10)
    terms = RewardTerms()
    for step in range(1, 101):
        terms.note_batch(EpisodeBatch(step, np.zeros(1), np.ones(1), np.zeros(1), {"target": np.array([float(step)])}))
    x, curves = terms.curves()
    assert len(x) < 20
    assert x[-1] == 100
    assert terms.count == 100
    assert (np.diff(curves["target"]) > 0).all()
