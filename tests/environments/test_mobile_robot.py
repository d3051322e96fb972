"""The mobile robot: its rules against values worked out by hand, what can be earned, and its pictures."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from environments.batched.episodes import episode_returns
from environments.mobile_robot.config import MobileRobotConfig
from environments.mobile_robot.mobile_robot_env import MobileRobotGymEnv, MobileRobotWorld
from environments.mobile_robot.oracle import greedy_action
from srl3.errors import UserError

LEFT, RIGHT, DOWN, UP = range(4)


def make(place: tuple[float, float] = (2.0, 2.0), **env_kwargs: Any) -> MobileRobotGymEnv:
    """One robot in ground-truth mode at ``place``."""
    env = MobileRobotGymEnv(**{"srl_model": "ground_truth", **env_kwargs})
    env.reset(seed=0)
    env.world.position[0] = place
    return env


@pytest.mark.parametrize(
    ("place", "action", "moved_to", "reward", "terms"),
    [
        ((2.0, 2.0), LEFT, (1.9, 2.0), 0, {"target": 0, "bump": 0}),
        ((2.0, 2.0), RIGHT, (2.1, 2.0), 0, {"target": 0, "bump": 0}),
        ((2.0, 2.0), DOWN, (2.0, 1.9), 0, {"target": 0, "bump": 0}),
        ((2.0, 2.0), UP, (2.0, 2.1), 0, {"target": 0, "bump": 0}),
        # the target at (3.6, 3.0) is reached within 0.4
        ((3.0, 3.0), RIGHT, (3.1, 3.0), 0, {"target": 0, "bump": 0}),
        ((3.11, 3.0), RIGHT, (3.21, 3.0), 1, {"target": 1, "bump": 0}),
        ((3.4, 2.5), UP, (3.4, 2.6), 0, {"target": 0, "bump": 0}),  # 0.447 away
        ((3.4, 2.6), UP, (3.4, 2.7), 1, {"target": 1, "bump": 0}),  # 0.361 away
        # walls: x from 0.425 to 3.575, y from 0.2 to 3.8; a bump cancels the move and overrides the target
        ((3.5, 3.0), RIGHT, (3.5, 3.0), -1, {"target": 0, "bump": -1}),
        ((3.47, 3.0), RIGHT, (3.57, 3.0), 1, {"target": 1, "bump": 0}),
        ((0.52, 2.0), LEFT, (0.52, 2.0), -1, {"target": 0, "bump": -1}),
        ((0.53, 2.0), LEFT, (0.43, 2.0), 0, {"target": 0, "bump": 0}),
        ((2.0, 0.29), DOWN, (2.0, 0.29), -1, {"target": 0, "bump": -1}),
        ((2.0, 0.31), DOWN, (2.0, 0.21), 0, {"target": 0, "bump": 0}),
        ((2.0, 3.71), UP, (2.0, 3.71), -1, {"target": 0, "bump": -1}),
        ((2.0, 3.69), UP, (2.0, 3.79), 0, {"target": 0, "bump": 0}),
    ],
)
def test_discrete_moves_and_sparse_reward(
    place: tuple[float, float], action: int, moved_to: tuple[float, float], reward: float, terms: dict[str, float]
) -> None:
    env = make(place)
    observation, earned, terminated, truncated, info = env.step(action)
    np.testing.assert_allclose(env.world.position[0], moved_to)
    np.testing.assert_allclose(observation, np.array(moved_to) - (3.6, 3.0), atol=1e-6)
    assert (earned, terminated, truncated) == (reward, False, False)
    assert info == {"reward_terms": terms}


def test_continuous_moves_and_a_bump_cancels_both_axes() -> None:
    env = make((3.5, 2.0), is_discrete=False)
    env.step(np.array([0.5, -1.0], np.float32))
    np.testing.assert_allclose(env.world.position[0], (3.55, 1.9))
    assert env.step(np.array([0.5, 1.0], np.float32))[1] == -1
    np.testing.assert_allclose(env.world.position[0], (3.55, 1.9))


def test_the_dense_reward_is_minus_the_distance_bump_or_not() -> None:
    env = make((0.7, 3.0), shape_reward=True)
    _, reward, _, _, info = env.step(LEFT)
    assert reward == pytest.approx(-3.0)
    assert info["reward_terms"] == {"distance": reward}
    env.world.position[0] = (0.5, 3.0)
    assert env.step(LEFT)[1] == pytest.approx(-3.1)  # a bump: it stays


def test_action_repeat_adds_the_rewards_of_its_moves() -> None:
    env = make((3.0, 3.0), action_repeat=7)
    # 3.1, 3.2 (0.4 away), 3.3, 3.4, 3.5, then two bumps; floating point decides at exactly 0.4
    env.world.position[0, 0] += 0.001
    _, reward, _, _, info = env.step(RIGHT)
    assert info["reward_terms"] == {"target": 4, "bump": -2}
    assert reward == 2


def test_an_episode_is_truncated_after_max_steps_and_never_terminated() -> None:
    env = make()
    for step in range(1, 251):
        _, _, terminated, truncated, info = env.step(UP if step % 2 else DOWN)
        assert not terminated
        assert truncated == (step == 250)
        assert ("is_success" in info) == truncated
    assert info["is_success"] is False
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(UP)
    env = make((3.45, 3.0), max_steps=1)
    assert env.step(UP)[4]["is_success"] is True


def test_starts_and_targets_fill_their_boxes() -> None:
    world = MobileRobotWorld(MobileRobotConfig(random_target=True), 2000)
    world.seed(list(range(2000)))
    world.reset()
    assert 2 - 4 / 3 <= world.position.min() < 0.68
    assert 3.32 < world.position.max() <= 2 + 4 / 3
    assert 0.4 <= world.target.min() < 0.41
    assert 3.59 < world.target.max() <= 3.6
    np.testing.assert_allclose(world.position.mean(axis=0), 2, atol=0.07)
    np.testing.assert_allclose(world.target.mean(axis=0), 2, atol=0.08)
    assert abs(np.corrcoef(world.position[:, 0], world.target[:, 0])[0, 1]) < 0.1


def test_ground_truth_is_relative_or_robot_then_target() -> None:
    env = make((1.0, 2.0), relative_pos=False)
    np.testing.assert_allclose(env.ground_truth(), (1.0, 2.0, 3.6, 3.0), rtol=1e-6)
    np.testing.assert_allclose(make((1.0, 2.0)).ground_truth(), (-2.6, -1.0), rtol=1e-6)
    np.testing.assert_array_equal(env.target_pos(), (3.6, 3.0))
    assert env.ground_truth_dim() == 4


def test_noise_is_on_the_length_of_moves() -> None:
    world = MobileRobotWorld(MobileRobotConfig(noise_std=0.02), 4000)
    world.reset()
    before = world.position.copy()
    world.step(np.full(4000, UP))
    lengths = (world.position - before)[:, 1]
    np.testing.assert_array_equal(world.position[:, 0], before[:, 0])
    assert lengths.mean() == pytest.approx(0.1, abs=0.002)
    assert lengths.std() == pytest.approx(0.02, abs=0.002)


def test_same_seed_and_actions_same_trajectory_whatever_ran_before() -> None:
    def trajectory() -> list[Any]:
        env = MobileRobotGymEnv(random_target=True, srl_model="raw_pixels", img_shape=(36, 36), max_steps=20)
        frames = [env.reset(seed=4)[0]]
        for step in range(20):
            frames.append(env.step(step % 4)[0])
        return [*frames, env.reset()[0]]

    first = trajectory()
    np.random.seed(0)
    make().step(UP)
    np.testing.assert_array_equal(first, trajectory())


@pytest.mark.parametrize(
    ("env_kwargs", "words"),
    [
        ({"random_targets": True}, "did you mean random_target"),
        ({"max_steps": "many"}, "max_steps"),
        ({"action_joints": True, "is_discrete": False}, "no joint actions"),
        ({"srl_model": "joints"}, "raw_pixels, ground_truth"),
        ({"img_shape": "20x20"}, "at least 36x36"),
        ({"step_length": 0}, "above 0"),
        ({"noise_std": -1.0}, "below 0"),
        ({"start_half_width": 1.8}, "at most 1.575"),
        ({"target": [3.6, 5.0]}, "in the arena"),
        ({"target_margin": 2.5}, "at most 2"),
        ({"arena_size": 0.5}, "above 0.85"),
    ],
)
def test_wrong_parameters_are_refused(env_kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        MobileRobotGymEnv(**env_kwargs)


@pytest.mark.parametrize("action", [[np.nan, 0], [0, 1.01], [0, 0, 0]])
def test_wrong_continuous_actions_are_refused(action: list[float]) -> None:
    env = make(is_discrete=False)
    with pytest.raises(ValueError, match="takes 2 numbers"):
        env.step(np.array(action, np.float32))


def test_state_modes_do_not_import_opencv() -> None:
    code = (
        "import sys\n"
        "from environments.mobile_robot.mobile_robot_env import MobileRobotGymEnv\n"
        "env = MobileRobotGymEnv(srl_model='ground_truth'); env.reset(); env.step(0); assert 'cv2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# what can be earned


@pytest.mark.parametrize(
    ("discrete", "random_target", "low", "high"),
    [(True, False, 229, 233), (False, False, 235, 239), (True, True, 234, 238), (False, True, 238, 242)],
)
def test_what_the_greedy_policy_earns(discrete: bool, random_target: bool, low: float, high: float) -> None:
    config = MobileRobotConfig(is_discrete=discrete, random_target=random_target, srl_model="ground_truth")
    world = MobileRobotWorld(config, 200)
    returns = episode_returns(world, greedy_action, seed=0)
    assert low < returns.mean() < high
    assert returns.min() > 200
    # it never bumps: all that it earned is the target's
    np.testing.assert_array_equal(world.episode_terms[1], 0)


@pytest.mark.parametrize("discrete", [True, False])
def test_an_evaluation_can_repeat_the_oracle_episode_by_episode(discrete: bool) -> None:
    kwargs = {"is_discrete": discrete, "random_target": True, "srl_model": "ground_truth"}
    returns = episode_returns(MobileRobotWorld(MobileRobotConfig(**kwargs), 8), greedy_action, seed=20)
    env = MobileRobotGymEnv(**kwargs)
    for i in (0, 7):
        env.reset(seed=20 + i)
        assert isinstance(env.world, MobileRobotWorld)
        assert sum(env.step(greedy_action(env.world)[0])[1] for _ in range(250)) == returns[i]


# pictures


def color_at(env: MobileRobotGymEnv, x: float, y: float) -> tuple[int, ...]:
    """The colour that the picture from above shows at a place (metres)."""
    height, width = env.config.img_shape
    scale = min(height, width) / (4 + 2 * 0.135 * 4)
    row, column = height / 2 - (y - 2) * scale, width / 2 + (x - 2) * scale
    return tuple(env.get_image()[int(row), int(column), :3].tolist())


RED, GREEN, BLUE, BLACK, YELLOW = (200, 30, 30), (30, 150, 50), (40, 70, 200), (25, 25, 25), (250, 210, 0)
FLOOR, BODY, NOSE = (205, 205, 205), (120, 50, 175), (0, 210, 230)


@pytest.mark.parametrize("img_shape", [(84, 84), (224, 224), (96, 160), (128, 90)])
def test_the_picture_from_above_shows_walls_target_and_robot(img_shape: tuple[int, int]) -> None:
    env = make((1.0, 1.5), img_shape=img_shape)
    assert color_at(env, -0.075, 2) == RED
    assert color_at(env, 4.075, 2) == GREEN
    assert color_at(env, 2, -0.075) == BLUE
    assert color_at(env, 2, 4.075) == BLACK
    assert color_at(env, 3.6, 3.0) == YELLOW
    assert color_at(env, 3.0, 1.0) == FLOOR
    assert color_at(env, 1.0 - 0.1, 1.5) == BODY
    assert env.get_image().shape == (*img_shape, 3)


@pytest.mark.parametrize(("action", "ahead"), [(LEFT, (-1, 0)), (RIGHT, (1, 0)), (DOWN, (0, -1)), (UP, (0, 1))])
def test_the_nose_points_where_the_robot_drives(action: int, ahead: tuple[int, int]) -> None:
    env = make((2.0, 2.0), img_shape=(128, 128))
    env.step(action)
    x, y = env.world.position[0]
    assert color_at(env, x + 0.13 * ahead[0], y + 0.13 * ahead[1]) == NOSE
    assert color_at(env, x - 0.15 * ahead[0], y - 0.15 * ahead[1]) == BODY


def test_a_small_move_shows_in_a_small_picture() -> None:
    env = make((2.0, 2.0), is_discrete=False, img_shape=(36, 36))
    before = env.get_image()
    env.step(np.array([0.6, 0.0], np.float32))
    assert np.abs(env.get_image().astype(int) - before).max() > 20


def test_pictures_of_many_are_the_pictures_of_each() -> None:
    world = MobileRobotWorld(MobileRobotConfig(random_target=True, multi_view=True, is_discrete=False), 70)
    world.reset()
    world.step(np.random.default_rng(0).uniform(-1, 1, (70, 2)).astype(np.float32))
    frames = world.images()
    assert frames.shape == (70, 84, 84, 6)
    for row in (0, 33, 69):
        np.testing.assert_array_equal(world.images(np.array([row]))[0], frames[row])


def test_the_on_board_view_shows_what_is_ahead() -> None:
    env = make((2.0, 3.0), multi_view=True, img_shape=(84, 84))
    env.step(RIGHT)  # looks along +x, at the target, 1.5 m away, before the green wall
    view = env.get_image()[..., 3:]
    middle = view[42]
    assert tuple(middle[42]) == YELLOW
    # focal length 42 pixels, radius 0.2 m at 1.5 m: 5.6 pixels to each side
    yellow = np.flatnonzero((middle == YELLOW).all(axis=1))
    assert (yellow.min(), yellow.max()) == (37, 46) or (yellow.min(), yellow.max()) == (36, 47)
    # the green wall is 1.9 m ahead; the black one, 1 m to the left, meets it at 42 - 42 * 1 / 1.9 = 19.9
    assert tuple(middle[25]) == GREEN
    assert tuple(middle[15]) == BLACK
    # half the wall's height at 1.9 m: 42 * 0.25 / 1.9 = 5.5 pixels
    assert tuple(view[42 - 4, 25]) == GREEN
    assert tuple(view[42 - 8, 25]) == (190, 215, 235)
    assert tuple(view[42 + 8, 25]) == FLOOR
    env.step(LEFT)
    assert tuple(env.get_image()[42, 42, 3:]) == RED


def test_rendering_gives_the_view_from_above() -> None:
    env = make(multi_view=True, render_mode="rgb_array", img_shape=(64, 96))
    picture = env.render()
    assert picture.shape == (64, 96, 3)
    np.testing.assert_array_equal(picture, env.get_image()[..., :3])
    assert make().render() is None
