"""Images are known by the world's word, and reach networks with their channels first."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecTransposeImage

from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.images import as_sb3, describe_observations, image_paths, raw_observation_space
from srl3.spaces import image_paths as described_images
from tests.rl_baselines.vec_envs.space_worlds import space_envs


def first_convolution(module: torch.nn.Module) -> torch.nn.Conv2d:
    return next(part for part in module.modules() if isinstance(part, torch.nn.Conv2d))


@pytest.mark.parametrize(
    ("shape", "stack"), [((48, 48, 3), 16), ((40, 64, 3), 16), ((40, 40, 6), 8), ((40, 36, 3), 1), ((36, 36, 1), 40)]
)
def test_the_first_layer_takes_the_channels(shape, stack):
    """Also where they outnumber a side, so that SB3 alone would take the rows for channels."""
    venv = space_envs(spaces.Box(0, 255, shape, np.uint8), n_envs=1, stack=stack)
    height, width, channels = shape
    assert venv.observation_space.shape == (channels * stack, height, width)
    model = find_algo("ppo2").load_class().make_model(venv, {"n_steps": 8, "batch_size": 8}, seed=0)
    assert type(model.policy).__name__ == "ActorCriticCnnPolicy"
    assert first_convolution(model.policy).in_channels == channels * stack
    assert sum(isinstance(layer, VecTransposeImage) for layer in (model.env, model.env.venv)) == 1
    venv.close()


def test_rows_are_rows():
    """The network's features of an observation are those of the image that the world gave, transposed by hand."""
    venv = space_envs(spaces.Box(0, 255, (40, 48, 3), np.uint8), n_envs=1, stack=16)
    model = find_algo("ppo2").load_class().make_model(venv, {"n_steps": 8, "batch_size": 8}, seed=0)
    seen = venv.reset()
    for _ in range(3):
        seen = venv.step(np.zeros(1, int))[0]
    frames = venv.venv.stacks[""].stacked_obs  # (1, 40, 48, 48), channels last
    by_hand = torch.as_tensor(np.ascontiguousarray(frames.transpose(0, 3, 1, 2)))
    policy = model.policy
    with torch.no_grad():
        assert torch.equal(policy.extract_features(policy.obs_to_tensor(seen)[0]), policy.extract_features(by_hand))
    venv.close()


def test_of_a_dict_only_the_images_are_turned_round():
    venv = space_envs("dict", stack=16)
    assert image_paths(venv) == {"camera"}
    assert venv.observation_space["camera"].shape == (48, 40, 36)
    assert venv.observation_space["joints"].shape == (32,)
    assert raw_observation_space(venv)["camera"].shape == (40, 36, 48)
    assert described_images(describe_observations(venv)) == {"camera"}
    model = find_algo("ppo2").load_class().make_model(venv, {"n_steps": 8, "batch_size": 8}, seed=0)
    assert type(model.policy).__name__ == "MultiInputActorCriticPolicy"
    assert first_convolution(model.policy).in_channels == 48
    assert as_sb3(venv) is venv
    venv.close()


def test_the_last_observation_of_an_episode_is_turned_round_too():
    venv = space_envs("dict", n_envs=1)
    venv.reset()
    for _ in range(7):
        _, _, dones, infos = venv.step(np.zeros(1, int))
    assert dones[0]
    assert venv.observation_space.contains(infos[0]["terminal_observation"])
    venv.close()


def test_states_and_small_worlds_are_left_alone():
    venv = space_envs("box")
    assert image_paths(venv) == frozenset()
    assert as_sb3(venv) is venv
    venv.close()


@pytest.mark.parametrize("env_id", ["MobileRobotGymEnv-v0", "KukaButtonGymEnv-v0"])
@pytest.mark.parametrize("raw_images", [False, True])
def test_worlds_say_it_by_their_representation(env_id, raw_images):
    kwargs = {"img_shape": (36, 40), "srl_model": "raw_pixels"}
    venv = create_envs(env_id, kwargs, num_stack=14, raw_images=raw_images)
    assert image_paths(venv) == {""}
    assert venv.observation_space.shape == ((36, 40, 42) if raw_images else (42, 36, 40))
    assert raw_observation_space(venv).shape == (36, 40, 42)
    venv.close()
