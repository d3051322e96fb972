"""`EncoderVecWrapper`: what the policy sees, how often the encoder runs, what is refused."""

from typing import Any

import numpy as np
import pytest

from environments.batched import make_batched_vec_env
from rl_baselines.vec_envs.create import create_envs
from srl3.errors import UserError
from state_representation.encoding.encoder import Encoder
from state_representation.encoding.vec_wrapper import EncoderVecWrapper, find_encoder
from tests.state_representation.made import STATE_DIM, make_random_encoder

ENV = "MobileRobotGymEnv-v0"
PIXELS = {"srl_model": "raw_pixels", "img_shape": (40, 48)}


class CountingEncoder(Encoder):
    """Remembers how many frames each pass had."""

    passes: list[int]

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        self.passes.append(len(frames))
        return super().__call__(frames)


def counting() -> CountingEncoder:
    encoder = make_random_encoder()
    encoder.__class__ = CountingEncoder
    assert isinstance(encoder, CountingEncoder)
    encoder.passes = []
    return encoder


def test_states_are_the_encoders_of_the_very_frames_that_the_camera_gives() -> None:
    encoder = counting()
    plain = make_batched_vec_env(ENV, 3, max_steps=4, **PIXELS)
    wrapped = EncoderVecWrapper(make_batched_vec_env(ENV, 3, max_steps=4, **PIXELS), encoder)
    for venv in (plain, wrapped):
        venv.seed(0)
    reference = make_random_encoder()
    np.testing.assert_allclose(wrapped.reset(), reference(plain.reset()), atol=1e-6)
    assert wrapped.observation_space.shape == (STATE_DIM,)
    for step in range(4):
        actions = np.array([0, 1, 2])
        states, rewards, dones, infos = wrapped.step(actions)
        frames, plain_rewards, plain_dones, plain_infos = plain.step(actions)
        np.testing.assert_allclose(states, reference(frames), atol=1e-6)
        np.testing.assert_array_equal(rewards, plain_rewards)
        np.testing.assert_array_equal(dones, plain_dones)
        assert dones.all() == (step == 3)
    ended = np.stack([info["terminal_observation"] for info in plain_infos])
    np.testing.assert_allclose(np.stack([info["terminal_observation"] for info in infos]), reference(ended), atol=1e-6)
    assert all(info["TimeLimit.truncated"] for info in infos)
    assert encoder.passes == [3, 3, 3, 3, 6], "one pass a step, final frames within it"


def test_stacks_and_statistics_come_after_the_encoder() -> None:
    encoder = make_random_encoder()
    venv = create_envs(ENV, PIXELS, n_envs=2, num_stack=3, encoder=encoder)
    assert venv.observation_space.shape == (3 * STATE_DIM,)
    assert venv.reset().shape == (2, 3 * STATE_DIM)
    assert find_encoder(venv) is encoder
    venv.close()
    assert find_encoder(make_batched_vec_env(ENV, 1, **PIXELS)) is None


@pytest.mark.parametrize(
    ("env_kwargs", "changes", "words"),
    [
        ({"img_shape": (48, 40)}, {}, "takes images of 40x48x3, but the environment gives 48x40x3"),
        ({"multi_view": True}, {}, "takes images of 40x48x3, but the environment gives 40x48x6"),
        ({}, {"n_actions": 6}, "learned with 6 discrete actions, but the environment has 4"),
    ],
)
def test_another_camera_or_another_number_of_actions_is_refused(
    env_kwargs: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        create_envs(ENV, {**PIXELS, **env_kwargs}, encoder=make_random_encoder(**changes))


def test_worker_processes_give_the_same_frames_to_it() -> None:
    kwargs = {**PIXELS, "settle_steps": 20, "max_steps": 3}
    encoder = make_random_encoder(env_id="KukaButtonGymEnv-v0", n_actions=6)
    venv = create_envs("KukaButtonGymEnv-v0", kwargs, n_envs=2, seed=1, encoder=encoder, normalize=False)
    single = create_envs("KukaButtonGymEnv-v0", kwargs, n_envs=1, seed=2, encoder=encoder, normalize=False)
    np.testing.assert_allclose(venv.reset()[1], single.reset()[0], atol=1e-5)
    for _ in range(4):
        states, _, dones, infos = venv.step(np.array([1, 4]))
        alone, _, single_dones, single_infos = single.step(np.array([4]))
        np.testing.assert_allclose(states[1], alone[0], atol=1e-5)
        if dones[1]:
            assert single_dones[0]
            final = infos[1]["terminal_observation"]
            np.testing.assert_allclose(final, single_infos[0]["terminal_observation"], atol=1e-5)
    venv.close()
    single.close()
