"""Omnirobot's contract: checkers, faces, seeding, resuming, what is refused, what is drawn when."""

import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest

import environments  # noqa: F401  (registers the worlds)
from environments.batched import make_batched_vec_env, make_vector_env
from environments.flags import CONTINUAL_TASKS
from environments.omnirobot_gym.omnirobot_env import OmnirobotEnv
from srl3.errors import UserError
from srl3.tree import pack, unpack

ENV = "OmnirobotEnv-v0"
LEFT = 2
QUIET = {
    "position_noise": 0.0,
    "yaw_noise": 0.0,
    "marker_size_noise": 0.0,
    "marker_pixel_noise": 0.0,
    "luminosity_noise": 0.0,
}
TASKS: list[dict[str, Any]] = [{}, *({name: True} for name in CONTINUAL_TASKS)]


def make(**env_kwargs: Any) -> OmnirobotEnv:
    """One robot in ground-truth mode, ready to step."""
    env = OmnirobotEnv(**{"srl_model": "ground_truth", **env_kwargs})
    env.reset(seed=0)
    return env


MODES = [
    {"is_discrete": discrete, "srl_model": srl_model, "img_shape": (36, 40), **task, **extra}
    for discrete in (True, False)
    for srl_model, extra in (("ground_truth", {"action_repeat": 2}), ("raw_pixels", {"record_data": True}))
    for task in TASKS
] + [
    {"srl_model": "ground_truth", "random_target": True, "shape_reward": True},
    {"srl_model": "ground_truth", "relative_pos": False, **QUIET},
    {"srl_model": "ground_truth", "simple_continual_target": True, "contacts_to_end": 2},
]


@pytest.mark.parametrize("env_kwargs", MODES)
def test_the_three_faces_agree_to_the_last_bit(env_kwargs: dict[str, Any]) -> None:
    n, seed = 3, 11
    env_kwargs = {**env_kwargs, "max_steps": 13}
    singles = [OmnirobotEnv(**env_kwargs) for _ in range(n)]
    vec_env = make_batched_vec_env(ENV, n, **env_kwargs)
    vector_env = make_vector_env(ENV, n, **env_kwargs)
    vec_env.seed(seed)
    first = np.stack([env.reset(seed=seed + i)[0] for i, env in enumerate(singles)])
    np.testing.assert_array_equal(vec_env.reset(), first)
    np.testing.assert_array_equal(vector_env.reset(seed=seed)[0], first)
    vector_env.action_space.seed(0)
    for _ in range(30):
        actions = vector_env.action_space.sample()
        observations, rewards, dones, infos = vec_env.step(actions)
        vector_step = vector_env.step(actions)
        np.testing.assert_array_equal(vector_step[0], observations)
        for i, env in enumerate(singles):
            observation, reward, terminated, truncated, info = env.step(actions[i])
            assert (reward, terminated, truncated) == (vector_step[1][i], vector_step[2][i], vector_step[3][i])
            assert np.float32(reward) == rewards[i]
            assert dones[i] == (terminated or truncated)
            if dones[i]:
                np.testing.assert_array_equal(infos[i]["terminal_observation"], observation)
                assert infos[i].get("is_success") == info.get("is_success")
                observation = env.reset()[0]
            np.testing.assert_array_equal(observations[i], observation)


@pytest.mark.parametrize("env_kwargs", TASKS)
def test_a_robot_does_not_depend_on_its_neighbours_nor_on_being_drawn(env_kwargs: dict[str, Any]) -> None:
    def trajectory(n: int, draw: bool) -> np.ndarray:
        env = make_batched_vec_env(ENV, n, srl_model="ground_truth", is_discrete=False, **env_kwargs)
        env.seed(5)
        rng = np.random.default_rng(0)
        observations = [env.reset()[0]]
        for _ in range(260):
            action = rng.uniform(-1, 1, 2).astype(np.float32)
            observations.append(env.step(np.tile(action, (n, 1)))[0][0])
            if draw:
                env.world.images()
        return np.stack(observations)

    np.testing.assert_array_equal(trajectory(1, draw=False), trajectory(9, draw=True))


@pytest.mark.parametrize("env_kwargs", TASKS)
def test_a_resumed_world_goes_on_to_the_last_bit(env_kwargs: dict[str, Any]) -> None:
    env_kwargs = {"is_discrete": False, "srl_model": "ground_truth", "max_steps": 20, **env_kwargs}
    actions = np.random.default_rng(0).uniform(-1, 1, (40, 2)).astype(np.float32)
    env, other = OmnirobotEnv(**env_kwargs), OmnirobotEnv(**env_kwargs)
    env.reset(seed=3)
    for action in actions[:14]:
        env.step(action)
    other.restore_state(unpack(*pack(env.resume_state())))
    np.testing.assert_array_equal(env.get_image(), other.get_image())
    for action in actions[14:20]:
        assert env.step(action)[1:4] == other.step(action)[1:4]
    for one, two in ((env.reset()[0], other.reset()[0]), (env.step(actions[20])[0], other.step(actions[20])[0])):
        np.testing.assert_array_equal(one, two)
    many = [make_batched_vec_env(ENV, 4, **env_kwargs) for _ in range(2)]
    many[0].seed(0)
    many[0].reset()
    for action in actions[:27]:
        many[0].step(np.tile(action, (4, 1)))
    many[1].restore_state(unpack(*pack(many[0].resume_state())))
    for action in actions[27:]:
        left, right = (env.step(np.tile(action, (4, 1))) for env in many)
        np.testing.assert_array_equal(left[0], right[0])
        np.testing.assert_array_equal(left[1], right[1])


def test_same_seed_and_actions_same_pictures_whatever_ran_before() -> None:
    def film() -> np.ndarray:
        env = OmnirobotEnv(escape_continual_move=True, img_shape=(48, 48))
        return np.stack([env.reset(seed=4)[0], *(env.step(step % 4)[0] for step in range(10)), env.reset()[0]])

    first = film()
    np.random.seed(0)
    make().step(LEFT)
    np.testing.assert_array_equal(first, film())


@pytest.mark.parametrize(
    ("env_kwargs", "words"),
    [
        (
            {"circular_continual_move": True, "escape_continual_move": True},
            "circular_continual_move and escape_continual_move are different tasks",
        ),
        (dict.fromkeys(CONTINUAL_TASKS, True), "are different tasks"),
        ({"circular": True}, "unknown parameter"),
        ({"circular_continual_moves": True}, "did you mean circular_continual_move"),
        ({"multi_view": True}, "no multi_view mode"),
        ({"action_joints": True, "is_discrete": False}, "no joint actions"),
        ({"srl_model": "joints"}, "raw_pixels, ground_truth"),
        ({"shape_reward": True, "circular_continual_move": True}, "dense reward for reaching"),
        ({"contacts_to_end": 15, "circular_continual_move": True}, "for reaching a target only"),
        ({"history": 0}, "at least 1"),
        ({"chase_period": 0}, "at least 1"),
        ({"position_noise": -0.1}, "not be below 0"),
        ({"radius": 0}, "above 0"),
        ({"start_half_width": 0.9}, "below bound"),
        ({"target": [0.9, 0.0]}, "in the arena"),
        ({"chase_near": 0.5}, "below chase_far"),
        ({"max_steps": 0}, "at least 1"),
        ({"img_shape": "20x20"}, "at least 36x36"),
    ],
)
def test_wrong_parameters_are_refused(env_kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        OmnirobotEnv(**env_kwargs)


def test_wrong_actions_are_refused() -> None:
    with pytest.raises(ValueError, match="takes actions 0 to 3"):
        make().step(4)
    for action in ([np.nan, 0], [0, 1.01], [0, 0, 0]):
        with pytest.raises(ValueError, match="takes 2 numbers"):
            make(is_discrete=False).step(np.array(action, np.float32))


def test_state_modes_do_not_import_opencv() -> None:
    code = (
        "import sys\n"
        "from environments.omnirobot_gym.omnirobot_env import OmnirobotEnv\n"
        "env = OmnirobotEnv(srl_model='ground_truth'); env.reset(); env.step(0); assert 'cv2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_gymnasium_makes_one_and_many() -> None:
    env = gymnasium.make(ENV, srl_model="ground_truth", square_continual_move=True)
    many = gymnasium.make_vec(ENV, num_envs=4, srl_model="ground_truth", square_continual_move=True)
    np.testing.assert_array_equal(env.reset(seed=1)[0], many.reset(seed=1)[0][0])
