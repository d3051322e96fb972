"""The mobile robot's variants: two targets, one dimension, a line; rules by hand, what can be earned, pictures."""

from typing import Any

import gymnasium
import numpy as np
import pytest

import environments  # noqa: F401  (registers the worlds)
from environments.batched import make_batched_vec_env, make_vector_env
from environments.batched.episodes import episode_returns
from environments.batched.single import BatchedGymEnv
from environments.mobile_robot.mobile_robot_1d_env import MobileRobot1DGymEnv, MobileRobot1DWorld
from environments.mobile_robot.mobile_robot_2target_env import MobileRobot2TargetGymEnv, MobileRobot2TargetWorld
from environments.mobile_robot.mobile_robot_line_target_env import (
    MobileRobotLineTargetGymEnv,
    MobileRobotLineTargetWorld,
)
from environments.mobile_robot.oracle import greedy_action
from srl3.errors import UserError
from srl3.tree import pack, unpack

LEFT, RIGHT, DOWN, UP = range(4)
FACES: list[type[BatchedGymEnv]] = [MobileRobot2TargetGymEnv, MobileRobot1DGymEnv, MobileRobotLineTargetGymEnv]
IDS = [face.config_class.env_id for face in FACES]


def make(face: type[BatchedGymEnv], place: tuple[float, float] = (2.0, 2.0), **env_kwargs: Any) -> Any:
    """One robot in ground-truth mode at ``place``."""
    env = face(**{"srl_model": "ground_truth", **env_kwargs})
    env.reset(seed=0)
    env.world.position[0] = place
    return env


# two targets


def test_two_targets_pay_one_after_the_other() -> None:
    env = make(MobileRobot2TargetGymEnv, (3.05, 3.0))
    np.testing.assert_array_equal(env.target_pos(), (3.6, 3.0))
    # 0.45 away after the first move, 0.35 after the second, which pays and switches
    assert env.step(RIGHT)[1] == 0
    observation, reward, *_ = env.step(RIGHT)
    assert reward == 1
    np.testing.assert_array_equal(env.target_pos(), (0.4, 3.0))
    np.testing.assert_allclose(observation, (3.25 - 0.4, 0), atol=1e-6)
    # the first one pays no more
    assert env.step(RIGHT)[1] == 0
    env.world.position[0] = (0.85, 3.0)
    assert [env.step(action)[1] for action in (RIGHT, *[LEFT] * 6)] == [0, 0, 1, 1, 1, 1, -1]


def test_the_second_target_pays_nothing_before_the_first_is_reached() -> None:
    env = make(MobileRobot2TargetGymEnv, (0.6, 3.0))
    assert env.step(UP)[1] == 0
    assert env.world.current[0] == 0


def test_success_is_to_end_at_the_second_target() -> None:
    env = make(MobileRobot2TargetGymEnv, (3.4, 3.0), max_steps=1)
    info = env.step(UP)[4]
    assert info["reward_terms"] == {"target": 1, "bump": 0}
    assert info["is_success"] is False
    env = make(MobileRobot2TargetGymEnv, (3.4, 3.0), max_steps=2)
    env.step(UP)
    env.world.position[0] = (0.5, 3.0)
    assert env.step(UP)[4]["is_success"] is True


def test_the_step_limit_of_two_targets_is_250_and_another_one_is_applied() -> None:
    for env_kwargs, limit in (({}, 250), ({"max_steps": 1500}, 1500)):
        env = make(MobileRobot2TargetGymEnv, **env_kwargs)
        ends = [env.step(UP if step % 2 else DOWN)[3] for step in range(limit)]
        assert ends == [False] * (limit - 1) + [True]


def test_random_targets_are_two_different_places_and_the_first_is_current_again_after_a_reset() -> None:
    world = MobileRobot2TargetWorld(MobileRobot2TargetGymEnv.config_class(random_target=True), 500)
    world.seed(list(range(world.num_envs)))
    world.reset()
    assert 0.4 <= world.targets.min() < 0.42
    assert 3.58 < world.targets.max() <= 3.6
    assert abs(np.corrcoef(world.targets[:, 0, 0], world.targets[:, 1, 0])[0, 1]) < 0.15
    world.position[:] = world.targets[:, 0].clip(0.6, 3.3)
    world.step(np.full(500, UP))
    world.reset(np.arange(10))
    np.testing.assert_array_equal(world.target[:10], world.targets[:10, 0])
    assert (world.current[:10] == 0).all()
    np.testing.assert_array_equal(world.target[10:], world.targets[np.arange(10, 500), world.current[10:]])


def test_shaped_two_targets_pay_minus_the_distance_to_the_current_one() -> None:
    env = make(MobileRobot2TargetGymEnv, (3.4, 3.0), shape_reward=True)
    assert env.step(LEFT)[1] == pytest.approx(-0.3)
    assert env.step(LEFT)[1] == pytest.approx(-2.8)


# one dimension


def test_in_one_dimension_the_robot_moves_along_x_only() -> None:
    env = make(MobileRobot1DGymEnv)
    assert env.action_space.n == 2
    assert env.observation_space.shape == env.target_pos().shape == (1,)
    observation, reward, *_ = env.step(RIGHT)
    np.testing.assert_allclose(observation, [2.1 - 3.6], rtol=1e-6)
    assert reward == 0
    env.world.position[0, 0] = 3.15
    # 0.35, 0.25, 0.15, 0.05 away, then the margin at 3.575
    assert [env.step(RIGHT)[1] for _ in range(5)] == [1, 1, 1, 1, -1]
    env.world.position[0, 0] = 0.5
    assert env.step(LEFT)[1] == -1
    assert env.world.position[0, 1] == 2.0
    np.testing.assert_allclose(make(MobileRobot1DGymEnv, relative_pos=False).ground_truth(), (2.0, 3.6), rtol=1e-6)


def test_starts_and_targets_of_one_dimension_lie_on_the_line() -> None:
    world = MobileRobot1DWorld(MobileRobot1DGymEnv.config_class(random_target=True), 1000)
    world.seed(list(range(world.num_envs)))
    world.reset()
    np.testing.assert_array_equal(world.position[:, 1], 2)
    np.testing.assert_array_equal(world.target[:, 1], 2)
    assert world.position[:, 0].min() < 0.69
    assert world.position[:, 0].max() > 3.31
    assert 0.4 <= world.target[:, 0].min() < 0.41
    assert 3.59 < world.target[:, 0].max() <= 3.6


# a line


@pytest.mark.parametrize(
    ("x", "action", "reward"),
    [(3.15, RIGHT, 0), (3.25, RIGHT, 1), (3.35, RIGHT, 1), (3.45, RIGHT, 0), (3.35, UP, 1), (3.5, RIGHT, -1)],
)
def test_the_line_pays_within_a_tenth_of_the_place_in_front_of_it(x: float, action: int, reward: float) -> None:
    assert make(MobileRobotLineTargetGymEnv, (x, 1.0)).step(action)[1] == reward


def test_the_line_is_the_same_at_every_height_and_the_dense_reward_is_the_way_along_x() -> None:
    for y in (0.5, 3.5):
        env = make(MobileRobotLineTargetGymEnv, (1.0, y), shape_reward=True)
        assert env.step(RIGHT)[1] == pytest.approx(1.1 - 3.4)


def test_ground_truth_of_the_line_is_relative_to_its_middle() -> None:
    """The S-RL Toolbox took the line's x from the robot's y, too."""
    env = make(MobileRobotLineTargetGymEnv, (1.0, 0.5))
    np.testing.assert_allclose(env.ground_truth(), (1.0 - 3.6, 0.5 - 2.0), rtol=1e-6)
    np.testing.assert_array_equal(env.target_pos(), (3.6, 2.0))
    env = make(MobileRobotLineTargetGymEnv, (1.0, 0.5), relative_pos=False)
    np.testing.assert_allclose(env.ground_truth(), (1.0, 0.5, 3.6, 2.0), rtol=1e-6)


def test_every_random_line_can_be_reached() -> None:
    """With the S-RL Toolbox's range, 0.4 to 3.6, a line at 0.45 asked for x = 0.25, beyond the wall's margin."""
    config = MobileRobotLineTargetGymEnv.config_class(random_target=True)
    world = MobileRobotLineTargetWorld(config, 2000)
    world.seed(list(range(world.num_envs)))
    world.reset()
    lines = world.target[:, 0]
    assert 0.625 <= lines.min() < 0.63
    assert 3.59 < lines.max() <= 3.6
    in_front = lines - 0.2
    assert ((in_front >= world.low[0]) & (in_front <= world.high[0])).all()


# all three


@pytest.mark.parametrize(
    ("face", "env_kwargs", "low", "high"),
    [
        (MobileRobot2TargetGymEnv, {}, 200, 211),
        (MobileRobot2TargetGymEnv, {"random_target": True}, 216, 227),
        (MobileRobot1DGymEnv, {}, 237, 243),
        (MobileRobot1DGymEnv, {"random_target": True}, 241, 248),
        (MobileRobotLineTargetGymEnv, {}, 236, 242),
        (MobileRobotLineTargetGymEnv, {"random_target": True}, 238, 246),
        (MobileRobotLineTargetGymEnv, {"is_discrete": False, "random_target": True}, 238, 246),
    ],
)
def test_what_the_greedy_policy_earns(
    face: type[BatchedGymEnv], env_kwargs: dict[str, Any], low: float, high: float
) -> None:
    world = face.world_class(face.config_class(srl_model="ground_truth", **env_kwargs), 100)
    returns = episode_returns(world, greedy_action, seed=0)
    assert low < returns.mean() < high
    np.testing.assert_array_equal(world.episode_terms[1], 0)  # it never bumps


def test_the_greedy_return_is_what_the_distance_predicts() -> None:
    """On a line: one step less than 250 for every 0.1 m until the target is within 0.4 m, then 1 for each."""
    world = MobileRobot1DWorld(MobileRobot1DGymEnv.config_class(srl_model="ground_truth"), 100)
    returns = episode_returns(world, greedy_action, seed=0)
    world.seed(list(range(100)))
    world.reset()
    outside = np.maximum(np.ceil((3.6 - 0.4 - world.position[:, 0]) / 0.1 - 1e-9), 1)
    np.testing.assert_array_equal(returns, 250 - outside + 1)


MODES: list[dict[str, Any]] = [
    {"srl_model": "ground_truth", "random_target": True, "shape_reward": True, "action_repeat": 2, "noise_std": 0.02},
    {"srl_model": "ground_truth", "relative_pos": False},
    {"srl_model": "raw_pixels", "img_shape": (36, 48), "random_target": True, "record_data": True},
]
EVERY_MODE = [(face, mode) for face in FACES for mode in MODES] + [
    (MobileRobotLineTargetGymEnv, {"is_discrete": False, "srl_model": "ground_truth", "random_target": True}),
    (MobileRobot1DGymEnv, {"multi_view": True, "img_shape": (36, 36)}),
    (MobileRobot2TargetGymEnv, {"multi_view": True, "img_shape": (36, 36)}),
]


@pytest.mark.parametrize(("face", "env_kwargs"), EVERY_MODE)
def test_the_three_faces_agree_to_the_last_bit(face: type[BatchedGymEnv], env_kwargs: dict[str, Any]) -> None:
    n, seed = 3, 11
    env_kwargs = {**env_kwargs, "max_steps": 12}
    env_id = face.config_class.env_id
    singles = [face(**env_kwargs) for _ in range(n)]
    vec_env = make_batched_vec_env(env_id, n, **env_kwargs)
    vector_env = make_vector_env(env_id, n, **env_kwargs)
    vec_env.seed(seed)
    first = np.stack([env.reset(seed=seed + i)[0] for i, env in enumerate(singles)])
    np.testing.assert_array_equal(vec_env.reset(), first)
    np.testing.assert_array_equal(vector_env.reset(seed=seed)[0], first)
    vector_env.action_space.seed(0)
    for _ in range(30):
        actions = vector_env.action_space.sample()
        observations, rewards, dones, _ = vec_env.step(actions)
        np.testing.assert_array_equal(vector_env.step(actions)[0], observations)
        for i, env in enumerate(singles):
            observation, reward, _, truncated, _ = env.step(actions[i])
            assert np.float32(reward) == rewards[i]
            assert dones[i] == truncated
            observation = env.reset()[0] if truncated else observation
            np.testing.assert_array_equal(observations[i], observation)


@pytest.mark.parametrize("face", FACES)
def test_a_resumed_world_goes_on_to_the_last_bit(face: type[BatchedGymEnv]) -> None:
    env = face(srl_model="ground_truth", random_target=True)
    env.reset(seed=2)
    env.world.position[0] = env.world.target[0].clip(0.6, 3.4)
    env.step(1)
    other = face(srl_model="ground_truth", random_target=True)
    other.restore_state(unpack(*pack(env.resume_state())))
    np.testing.assert_array_equal(env.get_image(), other.get_image())
    for action in (0, 1, 1, 0):
        np.testing.assert_array_equal(env.step(action)[0], other.step(action)[0])
    np.testing.assert_array_equal(env.reset()[0], other.reset()[0])


@pytest.mark.parametrize(
    ("face", "env_kwargs", "words"),
    [
        (MobileRobot2TargetGymEnv, {"is_discrete": False}, "only discrete actions"),
        (MobileRobot1DGymEnv, {"is_discrete": False}, "only discrete actions"),
        (MobileRobotLineTargetGymEnv, {"multi_view": True}, "no multi_view mode"),
        (MobileRobot2TargetGymEnv, {"second_targets": [1, 1]}, "did you mean second_target"),
        (MobileRobot2TargetGymEnv, {"second_target": [5, 1]}, "second_target .* must lie in the arena"),
        (MobileRobot1DGymEnv, {"target": [3.6, 3.0]}, "y = 2"),
        (MobileRobotLineTargetGymEnv, {"target": [3.6, 3.0]}, "y = 2"),
        (MobileRobotLineTargetGymEnv, {"line_width": 0}, "above 0"),
        (MobileRobotLineTargetGymEnv, {"line_offset": 3.5}, "no room for a random line"),
        (MobileRobot1DGymEnv, {"max_steps": 0}, "at least 1"),
    ],
)
def test_wrong_parameters_are_refused(face: type[BatchedGymEnv], env_kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        face(**env_kwargs)


@pytest.mark.parametrize("face", FACES)
def test_wrong_actions_are_refused(face: type[BatchedGymEnv]) -> None:
    env = make(face)
    with pytest.raises(ValueError, match=f"{env.config.env_id} takes actions 0 to {env.action_space.n - 1}"):
        env.step(env.action_space.n)


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasium_makes_one_and_many(env_id: str) -> None:
    env = gymnasium.make(env_id, srl_model="ground_truth", max_steps=2)
    many = gymnasium.make_vec(env_id, num_envs=4, srl_model="ground_truth", max_steps=2)
    np.testing.assert_array_equal(env.reset(seed=1)[0], many.reset(seed=1)[0][0])


# pictures

YELLOW, CRIMSON, GREY, FLOOR = (250, 210, 0), (225, 20, 60), (150, 150, 150), (205, 205, 205)


def color_at(env: Any, x: float, y: float) -> tuple[int, ...]:
    """The colour that the picture from above shows at a place (metres)."""
    height, width = env.config.img_shape
    scale = min(height, width) / (4 + 2 * 0.135 * 4)
    row, column = height / 2 - (y - 2) * scale, width / 2 + (x - 2) * scale
    return tuple(env.get_image()[int(row), int(column), :3].tolist())


@pytest.mark.parametrize("img_shape", [(84, 84), (224, 224)])
def test_the_first_target_turns_grey_once_it_was_reached(img_shape: tuple[int, int]) -> None:
    env = make(MobileRobot2TargetGymEnv, (2.0, 1.0), img_shape=img_shape)
    assert (color_at(env, 3.6, 3.0), color_at(env, 0.4, 3.0)) == (YELLOW, CRIMSON)
    env.world.position[0] = (3.4, 2.7)
    env.step(UP)
    env.world.position[0] = (2.0, 1.0)
    assert (color_at(env, 3.6, 3.0), color_at(env, 0.4, 3.0)) == (GREY, CRIMSON)


def test_the_on_board_view_shows_both_targets() -> None:
    env = make(MobileRobot2TargetGymEnv, (2.0, 3.0), multi_view=True)
    env.step(RIGHT)
    assert tuple(env.get_image()[42, 42, 3:]) == YELLOW
    env.step(LEFT)
    assert tuple(env.get_image()[42, 42, 3:]) == CRIMSON


def test_the_nearer_of_two_targets_hides_the_other() -> None:
    env = make(MobileRobot2TargetGymEnv, (1.0, 2.0), multi_view=True)
    for first, second, seen in ((2.0, 3.0, YELLOW), (3.0, 2.0, CRIMSON)):
        env.world.targets[0] = (first, 2.0), (second, 2.0)
        assert tuple(env.get_image()[42, 42, 3:]) == seen


@pytest.mark.parametrize("img_shape", [(84, 84), (224, 224), (96, 160)])
def test_the_line_is_a_band_from_wall_to_wall_below_the_robot(img_shape: tuple[int, int]) -> None:
    env = make(MobileRobotLineTargetGymEnv, (3.3, 2.0), img_shape=img_shape)
    for y in (0.1, 1.0, 3.0, 3.9):
        assert color_at(env, 3.6, y) == color_at(env, 3.42, y) == color_at(env, 3.78, y) == YELLOW
        assert color_at(env, 3.25, y) == color_at(env, 3.93, y) == FLOOR
    assert color_at(env, 3.4, 4.075) == (25, 25, 25)
    assert color_at(env, 3.4, 2.0) not in (YELLOW, FLOOR)


def test_the_band_moves_with_a_random_line_and_stays_inside_the_walls() -> None:
    world = MobileRobotLineTargetWorld(
        MobileRobotLineTargetGymEnv.config_class(random_target=True, line_width=1.0, img_shape=(224, 224)),
        40,
    )
    world.seed(list(range(world.num_envs)))
    world.reset()
    frames = world.images()
    scale = 224 / 5.08
    for frame, x in zip(frames, world.target[:, 0], strict=True):
        yellow = np.flatnonzero((frame[30] == YELLOW).all(axis=1))
        left, right = (112 + (edge - 2) * scale for edge in (max(x - 0.5, 0), min(x + 0.5, 4)))
        assert abs(yellow.min() - left) <= 1
        assert abs(yellow.max() + 1 - right) <= 1
    np.testing.assert_array_equal(world.images(np.array([7]))[0], frames[7])
