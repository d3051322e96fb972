"""The monitor of one environment, resumed in mid-episode."""

import csv
from pathlib import Path

import numpy as np
import pytest

from rl_baselines.runs.monitors import read_monitor
from rl_baselines.vec_envs.monitor import RunMonitor, make_monitored_env

ENV = "KukaButtonGymEnv-v0"
KWARGS = {"srl_model": "ground_truth", "max_steps": 12, "is_discrete": False}


def made(path: Path | None = None, *, append: bool = False) -> RunMonitor:
    return make_monitored_env(ENV, KWARGS, path, append)


def run(env: RunMonitor, actions: np.ndarray) -> list[tuple[np.ndarray, float, bool, dict]]:
    """Step through the actions, beginning anew after each episode."""
    steps = []
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        steps.append((observation, float(reward), terminated or truncated, info))
        if terminated or truncated:
            env.reset()
    return steps


def rows(path: Path) -> list[dict[str, str]]:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("#")
    return list(csv.DictReader(lines[1:]))


@pytest.fixture
def actions() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (30, 3)).astype(np.float32)


def test_an_episode_goes_on_where_it_was(tmp_path, actions):
    """After 17 steps, so in mid-episode: what follows is the same to the last bit."""
    first = made(tmp_path / "0.monitor.csv")
    first.reset(seed=3)
    run(first, actions[:17])
    state = first.resume_state()
    expected = run(first, actions[17:])
    second = made(tmp_path / "1.monitor.csv")
    second.reset(seed=99)
    second.restore_state(state)
    resumed = run(second, actions[17:])
    for (a, r, done, info), (b, s, over, other) in zip(expected, resumed, strict=True):
        assert np.array_equal(a, b)
        assert (r, done) == (s, over)
        if done:
            assert info["episode"]["r"] == other["episode"]["r"]
            assert info["episode"]["l"] == other["episode"]["l"] == 12
    assert second.total_steps == first.total_steps == 30
    first.close()
    second.close()


def test_a_resumed_run_goes_on_with_the_file(tmp_path, actions):
    path = tmp_path / "0.monitor.csv"
    for append in (False, True):
        env = made(path, append=append)
        env.reset(seed=0)
        run(env, actions[:12])
        env.close()
    assert [row["l"] for row in rows(path)] == ["12", "12"]
    env = made(path)
    env.reset(seed=0)
    run(env, actions[:12])
    env.close()
    assert len(rows(path)) == 1


def test_without_a_file_episodes_are_still_told(tmp_path, actions):
    env = made()
    env.reset(seed=0)
    assert run(env, actions[:12])[-1][3]["episode"]["l"] == 12
    assert env.spec is not None
    assert env.spec.id == ENV
    env.close()


@pytest.mark.parametrize("left", [b"", b'#{"t_start": 1.0', b'#{"t_start": 1.0, "env_id": "x"}\nr,l'])
def test_a_file_that_was_emptied_gets_its_head_again(tmp_path: Path, actions: np.ndarray, left: bytes):
    path = tmp_path / "0.monitor.csv"
    path.write_bytes(left)
    env = made(path, append=True)
    env.reset(seed=1)
    run(env, actions)
    env.close()
    assert [row["l"] for row in rows(path)] == ["12", "12"]
    assert read_monitor(path).lengths.tolist() == [12, 12]
