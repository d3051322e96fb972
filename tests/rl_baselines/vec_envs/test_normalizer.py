"""Statistics of observations: frozen, saved, merged."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rl_baselines.vec_envs.normalizer import Moments, Normalizer, normalize_state, restore_normalize_state
from srl3.tree import pack, unpack


class Noise(gym.Env[Any, int]):
    """Observes noise: an array, or a dictionary with an image that is not normalised."""

    action_space = spaces.Discrete(2)

    def __init__(self, keyed: bool) -> None:
        self.keyed = keyed
        box = spaces.Box(-np.inf, np.inf, (3,))
        image = spaces.Box(0, 255, (4, 4, 3), np.uint8)
        self.observation_space = spaces.Dict({"a": box, "b/c": box, "image": image}) if keyed else box
        self.rng = np.random.default_rng(0)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self._observe(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self._observe(), 1.0, False, False, {}

    def _observe(self) -> Any:
        drawn = self.rng.normal([1, 2, 3], [0.1, 10, 100]).astype(np.float32)
        image = self.rng.integers(0, 256, (4, 4, 3), np.uint8)
        return {"a": drawn, "b/c": -drawn, "image": image} if self.keyed else drawn


def learned(keyed: bool) -> VecNormalize:
    """A `VecNormalize` that has seen twenty steps."""
    venv = VecNormalize(
        DummyVecEnv([lambda: Noise(keyed)] * 2), norm_reward=False, norm_obs_keys=["a", "b/c"] if keyed else None
    )
    venv.reset()
    for _ in range(20):
        venv.step([0, 0])
    return venv


@pytest.mark.parametrize("keyed", [False, True])
def test_it_normalises_as_vec_normalize_does(keyed: bool) -> None:
    venv = learned(keyed)
    raw, expected = venv.get_original_obs(), venv.normalize_obs(venv.get_original_obs())
    state = unpack(*pack(normalize_state(venv)))
    for normalizer in (Normalizer.of(venv), Normalizer.from_state(state)):
        ours = normalizer(raw)
        if keyed:
            assert {key: values.dtype for key, values in ours.items()} == {
                key: values.dtype for key, values in expected.items()
            }
            assert all(np.array_equal(ours[key], expected[key]) for key in expected)
        else:
            assert ours.dtype == np.float32
            assert np.array_equal(ours, expected)


@pytest.mark.parametrize("keyed", [False, True])
def test_statistics_come_back(keyed: bool) -> None:
    venv, fresh = learned(keyed), VecNormalize(DummyVecEnv([lambda: Noise(keyed)] * 2), norm_reward=False)
    if keyed:
        fresh = VecNormalize(DummyVecEnv([lambda: Noise(keyed)] * 2), norm_obs_keys=["a", "b/c"])
    restore_normalize_state(fresh, unpack(*pack(normalize_state(venv))))
    raw = venv.get_original_obs()
    ours, theirs = fresh.normalize_obs(raw), venv.normalize_obs(raw)
    parts = [(ours[key], theirs[key]) for key in raw] if keyed else [(ours, theirs)]
    assert all(np.array_equal(one, other) for one, other in parts)
    assert np.array_equal(fresh.returns, venv.returns)
    assert fresh.ret_rms.count == venv.ret_rms.count


def test_moments_of_parts_are_those_of_the_whole() -> None:
    values = np.random.default_rng(0).normal([0, 1e4], [1, 1e-2], (100, 2))

    def moments(part: np.ndarray) -> Moments:
        return Moments(part.mean(0), part.var(0), float(len(part)))

    first, *others = [Normalizer({"": moments(part)}) for part in np.split(values, [7, 40, 41])]
    merged, whole = first.merged(others).moments[""], moments(values)
    assert merged.count == 100
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(merged.var, whole.var, rtol=1e-6)
