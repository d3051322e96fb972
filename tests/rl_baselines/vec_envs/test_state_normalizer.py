"""Normalisation leaf by leaf: learning, frozen, and merged over processes."""

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecNormalize

from rl_baselines.vec_envs.normalizer import Moments, Normalizer, StateNormalizer, normalize_state
from tests.rl_baselines.vec_envs.space_worlds import space_envs


def run(venv, count=30):
    venv.reset()
    for _ in range(count):
        observations, rewards, *_ = venv.step(np.zeros(venv.num_envs, int))
    return observations, rewards


def test_a_box_is_normalised_to_the_bit_as_stable_baselines_does():
    ours, theirs = StateNormalizer(space_envs("box"), rewards=True), VecNormalize(space_envs("box"))
    (seen, paid), (wanted, earned) = run(ours), run(theirs)
    assert np.array_equal(seen, wanted)
    assert np.array_equal(paid, earned)
    assert np.array_equal(ours.obs_rms.var, theirs.obs_rms.var)
    ours.close()
    theirs.close()


def test_of_a_dict_the_boxes_that_are_no_images():
    venv = StateNormalizer(space_envs("dict"), ["camera"])
    raw = space_envs("dict")
    (seen, _), (given, _) = run(venv), run(raw)
    assert set(venv.obs_rms) == {"joints"}
    for key in ("camera", "gear", "lamps"):
        assert np.array_equal(seen[key], given[key])
    assert np.abs(seen["joints"]).max() < 4 < np.abs(given["joints"]).max()
    frozen = Normalizer.from_state(normalize_state(venv))
    again = frozen(given)
    assert all(np.array_equal(again[key], seen[key]) for key in seen)
    assert again["joints"].dtype == np.float32
    venv.close()
    raw.close()


def test_whole_numbers_become_floats():
    venv = StateNormalizer(space_envs(spaces.Box(0, 255, (4,), np.uint8)))
    observations, _ = run(venv)
    assert venv.observation_space.dtype == np.float32
    assert venv.observation_space.contains(observations[0])
    assert len(np.unique(observations)) == observations.size
    venv.close()


def test_rewards_alone():
    venv = StateNormalizer(space_envs("discrete"), rewards=True)
    observations, rewards = run(venv)
    assert observations.dtype == np.int64
    assert set(normalize_state(venv)) == {"obs", "ret_mean", "ret_var", "ret_count", "returns"}
    assert (rewards != run(space_envs("discrete"))[1]).all()
    venv.close()


@pytest.mark.parametrize("shape", [(), (3,)])
def test_processes_that_went_on_from_one_state_count_it_once(shape):
    rng = np.random.default_rng(0)

    def moments(values):
        return Moments(values.mean(0), values.var(0), len(values))

    start, one, two = (rng.normal(5, 2, (size, *shape)) for size in (40, 30, 50))
    common = moments(start)
    merged = common
    for part in (one, two):
        merged = merged.merged(common.merged(moments(part)).less(common))
    wanted = moments(np.concatenate([start, one, two]))
    assert merged.count == pytest.approx(120)
    assert merged.mean == pytest.approx(wanted.mean, rel=1e-12)
    assert merged.var == pytest.approx(wanted.var, rel=1e-11)
