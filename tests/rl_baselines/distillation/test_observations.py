"""A student sees of a dataset what it would see in the world."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecEnv

from environments import dataset_generator
from environments.datasets.dataset import Dataset, open_dataset
from environments.registry import find_env
from rl_baselines.distillation.observations import Observations, ground_truth_of
from rl_baselines.vec_envs.create import create_envs, find_normalize
from srl3.errors import UserError
from tests.rl_baselines.distillation.lessons_of_rules import WORLD, recorded_at_random
from tests.state_representation.made import STATE_DIM, make_random_encoder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return recorded_at_random(tmp_path_factory.mktemp("data"), episodes=2)


def student_env(dataset: Dataset, srl_model: str, **options: Any) -> VecEnv:
    return create_envs(dataset.info.env_id, {**dataset.info.env_kwargs, "srl_model": srl_model}, **options)


@pytest.mark.parametrize("srl_model", ["raw_pixels", "ground_truth"])
@pytest.mark.parametrize("num_stack", [1, 3])
def test_as_the_world_and_its_wrappers_show_it(dataset: Dataset, srl_model: str, num_stack: int) -> None:
    env = student_env(dataset, srl_model, num_stack=num_stack, seed=first_seed(dataset), normalize=False)
    seen = Observations(env, [dataset, dataset])(np.arange(len(dataset), 2 * len(dataset)))
    first = dataset.episode_slices()[0]
    observed = env.reset()
    for step in range(first.start, first.stop):
        np.testing.assert_allclose(seen[step], observed[0], atol=1e-6)
        observed = env.step(dataset.actions[[step]])[0]
    second = dataset.episode_slices()[1].start
    assert seen[second].dtype == observed.dtype
    if num_stack > 1 and srl_model == "raw_pixels":
        assert not seen[second][:6].any(), "an episode begins with nothing before it"
    env.close()


@pytest.mark.parametrize("num_stack", [1, 2])
def test_as_a_learned_representation_makes_it_of_frames(dataset: Dataset, num_stack: int) -> None:
    encoder = make_random_encoder(img_shape=(36, 36, 3))
    env = student_env(
        dataset, "raw_pixels", encoder=encoder, num_stack=num_stack, seed=first_seed(dataset), normalize=False
    )
    seen = Observations(env, [dataset])(np.arange(len(dataset)))
    assert seen.shape == (len(dataset), num_stack * STATE_DIM)
    assert seen.std(axis=0).min() > 0
    observed = env.reset()
    for step in range(dataset.episode_slices()[0].stop):
        np.testing.assert_allclose(seen[step], observed[0], atol=1e-5)
        observed = env.step(dataset.actions[[step]])[0]
    env.close()


def test_the_normaliser_takes_its_statistics_from_the_dataset(dataset: Dataset) -> None:
    env = student_env(dataset, "ground_truth")
    observations, steps = Observations(env, [dataset]), np.arange(len(dataset))
    observations.fit_normaliser(steps)
    seen = observations(steps)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(seen.std(axis=0), 1, atol=1e-3)
    assert find_normalize(env).obs_rms.count == len(dataset)  # type: ignore[union-attr]
    env.close()


@pytest.mark.parametrize("world", [WORLD, "OmnirobotEnv-v0", "KukaButtonGymEnv-v0"])
def test_ground_truth_is_the_worlds_own(tmp_path: Path, world: str) -> None:
    for name, relative in (("absolute", "false"), ("relative", "true")):
        flags = ["--env-kwargs", "max_steps:4", f"relative_pos:{relative}", "--img-shape", "36x36"]
        given = ["--save-path", str(tmp_path), "--name", name, "--num-episode", "1", "--no-progress"]
        assert dataset_generator.main([*given, "--env", world, *flags]) == 0
    absolute, relative_ = open_dataset(tmp_path / "absolute"), open_dataset(tmp_path / "relative")
    for wanted in (True, False):
        kwargs = {**absolute.info.env_kwargs, "srl_model": "ground_truth", "relative_pos": wanted}
        env = find_env(world).load_class()(**kwargs)
        observed, _ = env.reset(seed=first_seed(absolute))
        for step in range(len(absolute)):
            for recorded in (absolute, relative_):
                seen = ground_truth_of(recorded, env.observation_space)[step]
                np.testing.assert_allclose(seen, observed, atol=1e-6)
            observed = env.step(absolute.actions[step])[0]
        env.close()


def test_other_pictures_and_other_observations_are_refused(dataset: Dataset) -> None:
    kwargs = {**dataset.info.env_kwargs, "img_shape": (48, 48)}
    env = create_envs(WORLD, kwargs)
    with pytest.raises(UserError, match="are 36x36x3, and the student observes 48x48x3; give --img-shape"):
        Observations(env, [dataset])
    env.close()


def first_seed(dataset: Dataset) -> int:
    """Of the world in the dataset's first episode."""
    return int(np.random.SeedSequence(dataset.info.seed).generate_state(1)[0]) // 2
