"""Omnirobot: moves, noise, targets and rewards against values worked out by hand."""

from typing import Any

import numpy as np
import pytest

from environments.batched import make_batched_vec_env, make_vector_env
from environments.flags import CONTINUAL_TASKS
from environments.omnirobot_gym.config import PATHS, OmnirobotConfig, Task
from environments.omnirobot_gym.omnirobot_env import OmnirobotEnv, OmnirobotWorld

ENV = "OmnirobotEnv-v0"
FORWARD, BACKWARD, LEFT, RIGHT = range(4)
QUIET = {
    "position_noise": 0.0,
    "yaw_noise": 0.0,
    "marker_size_noise": 0.0,
    "marker_pixel_noise": 0.0,
    "luminosity_noise": 0.0,
}
TASKS: list[dict[str, Any]] = [{}, *({name: True} for name in CONTINUAL_TASKS)]


def make(
    place: tuple[float, float] = (0.0, 0.0), target: tuple[float, float] | None = None, **env_kwargs: Any
) -> OmnirobotEnv:
    """One robot without noise in ground-truth mode at ``place``, which it also started from."""
    env = OmnirobotEnv(**{"srl_model": "ground_truth", **QUIET, **env_kwargs})
    env.reset(seed=0)
    put(env, place)
    if target is not None:
        env.world.target[0] = target
    return env


def put(env: OmnirobotEnv, place: tuple[float, float]) -> None:
    env.world.position[0] = env.world.command[0] = env.world.recent[0] = place


def test_tasks_are_the_parameters_that_the_flags_set() -> None:
    assert [task.value for task in Task if task is not Task.REACH] == list(CONTINUAL_TASKS)
    assert OmnirobotConfig().task is Task.REACH
    assert [OmnirobotConfig(**kwargs).task for kwargs in TASKS] == list(Task)


# moves


@pytest.mark.parametrize(
    ("place", "action", "moved_to", "reward"),
    [
        ((0.5, 0.3), FORWARD, (0.6, 0.3), 0),
        ((0.5, 0.3), BACKWARD, (0.4, 0.3), 0),
        ((0.5, 0.3), LEFT, (0.5, 0.4), 0),
        ((0.5, 0.3), RIGHT, (0.5, 0.2), 0),
        ((0.74, 0.3), FORWARD, (0.84, 0.3), 0),
        ((0.76, 0.3), FORWARD, (0.76, 0.3), -1),
        ((-0.76, 0.3), BACKWARD, (-0.76, 0.3), -1),
        ((0.5, 0.76), LEFT, (0.5, 0.76), -1),
        ((0.5, -0.76), RIGHT, (0.5, -0.76), -1),
        # where noise has put it beyond a bound, it can still go along it
        ((0.86, 0.3), LEFT, (0.86, 0.4), 0),
    ],
)
def test_discrete_moves(place: tuple[float, float], action: int, moved_to: tuple[float, float], reward: float) -> None:
    env = make(place)
    observation, earned, terminated, truncated, _ = env.step(action)
    np.testing.assert_allclose(env.world.position[0], moved_to)
    np.testing.assert_allclose(observation, moved_to, atol=1e-6)  # the target is at (0, 0)
    assert (earned, terminated, truncated) == (reward, False, False)


@pytest.mark.parametrize(
    ("action", "move"),
    [
        ((1, 0), (0.1, 0)),
        ((0.3, -0.4), (0.03, -0.04)),
        ((0.6, 0.8), (0.06, 0.08)),
        ((1, 1), (0.1 / np.sqrt(2), 0.1 / np.sqrt(2))),
        ((-1, 0.5), (-0.1 / np.hypot(1, 0.5), 0.05 / np.hypot(1, 0.5))),
        ((0, 0), (0, 0)),
    ],
)
def test_continuous_moves_fill_a_disc(action: tuple[float, float], move: tuple[float, float]) -> None:
    env = make((0.5, 0.3), is_discrete=False)
    env.step(np.array(action, np.float32))
    np.testing.assert_allclose(env.world.position[0], np.add((0.5, 0.3), move), atol=1e-7)


def test_a_continuous_bump_cancels_both_axes() -> None:
    env = make((0.8, 0.3), is_discrete=False)
    assert env.step(np.array([0.8, 0.6], np.float32))[1] == -1
    np.testing.assert_array_equal(env.world.position[0], (0.8, 0.3))


def test_noise_is_added_to_where_a_command_leads_and_does_not_add_up() -> None:
    world = OmnirobotWorld(OmnirobotConfig(srl_model="ground_truth"), 4000)
    world.seed(list(range(world.num_envs)))
    world.reset()
    assert abs((world.position - world.command).std() - 0.01) < 0.001  # the start is a command too
    start = world.command.copy()
    bumped = np.zeros(4000, np.bool_)
    for action in (FORWARD, FORWARD, LEFT, BACKWARD, BACKWARD, RIGHT):
        before, command, yaw = world.position.copy(), world.command.copy(), world.yaw.copy()
        world.step(np.full(4000, action))
        stayed = (world.position == before).all(axis=1)
        np.testing.assert_array_equal(world.command[stayed], command[stayed])
        np.testing.assert_array_equal(world.yaw[stayed], yaw[stayed])
        bumped |= stayed
    assert 0 < bumped.mean() < 0.2
    np.testing.assert_allclose(world.command[~bumped], start[~bumped], atol=1e-12)
    noise = world.position - world.command
    assert noise.std(axis=0) == pytest.approx([0.01, 0.01], rel=0.05)
    assert noise.mean(axis=0) == pytest.approx([0, 0], abs=0.001)
    assert np.degrees(world.yaw.std()) == pytest.approx(2.5, rel=0.05)


def test_each_noise_can_be_turned_off() -> None:
    world = OmnirobotWorld(OmnirobotConfig(srl_model="ground_truth", **QUIET), 20)
    world.seed(list(range(world.num_envs)))
    world.reset()
    world.step(np.full(20, LEFT))
    np.testing.assert_array_equal(world.position, world.command)
    assert not world.yaw.any()
    assert world.noise.size == 0
    for name in ("position_noise", "yaw_noise"):
        world = OmnirobotWorld(OmnirobotConfig(srl_model="ground_truth", **{name: 0.0}), 20)
        world.seed(list(range(world.num_envs)))
        world.reset()
        world.step(np.full(20, LEFT))
        assert (world.position == world.command).all() == (name == "position_noise")
        assert (not world.yaw.any()) == (name == "yaw_noise")


def test_the_first_observation_is_where_the_robot_is() -> None:
    """The S-RL Toolbox reported [0, 0] until the first step."""
    for seed in range(5):
        env = OmnirobotEnv(srl_model="ground_truth")
        first, _ = env.reset(seed=seed)
        np.testing.assert_array_equal(first, env.world.position[0].astype(np.float32))
        assert np.abs(first).max() > 0.03
        second = env.step(FORWARD if first[0] < 0.5 else BACKWARD)[0]
        assert np.linalg.norm(second - first) < 0.1 + 0.07


# targets


@pytest.mark.parametrize("env_kwargs", TASKS)
def test_who_has_a_random_target(env_kwargs: dict[str, Any]) -> None:
    always = {"simple_continual_target", "chasing_continual_move", "escape_continual_move"} & set(env_kwargs)
    for random_target in (False, True):
        config = OmnirobotConfig(srl_model="ground_truth", random_target=random_target, **env_kwargs)
        world = OmnirobotWorld(config, 400)
        world.seed(list(range(world.num_envs)))
        world.reset()
        if random_target or always:
            assert 0.68 < np.abs(world.target).max() <= 0.7
            assert len(np.unique(world.target)) == 800
        else:
            assert not world.target.any()
        assert 0.68 < np.abs(world.command).max() <= 0.7


@pytest.mark.parametrize("env_kwargs", TASKS)
def test_ground_truth_is_relative_but_for_escaping(env_kwargs: dict[str, Any]) -> None:
    place, target = (0.5, 0.3), (-0.2, 0.4)
    absolute = make(place, target, relative_pos=False, **env_kwargs)
    np.testing.assert_allclose(absolute.ground_truth(), (*place, *target), rtol=1e-6)
    relative = make(place, target, **env_kwargs)
    expected = (*place, *target) if "escape_continual_move" in env_kwargs else (0.7, -0.1)
    np.testing.assert_allclose(relative.ground_truth(), expected, rtol=1e-5)
    assert relative.observation_space.shape == (relative.ground_truth_dim(),) == (len(expected),)
    np.testing.assert_array_equal(relative.target_pos(), target)


# rewards


@pytest.mark.parametrize("env_kwargs", [{}, {"random_target": True}, {"simple_continual_target": True}])
@pytest.mark.parametrize(
    ("place", "action", "reward", "terms"),
    [
        ((0.09, 0.1), FORWARD, 0, {"target": 0, "bump": 0}),  # at (0.19, 0.1), 0.215 away
        ((0.07, 0.1), FORWARD, 1, {"target": 1, "bump": 0}),  # 0.197 away
        ((-0.8, 0.0), BACKWARD, -1, {"target": 0, "bump": -1}),
    ],
)
def test_reaching(
    env_kwargs: dict[str, Any], place: tuple[float, float], action: int, reward: float, terms: dict[str, float]
) -> None:
    _, earned, _, _, info = make(place, (0, 0), **env_kwargs).step(action)
    assert earned == reward
    assert info == {"reward_terms": terms}


def test_a_bump_at_the_target_pays_one() -> None:
    _, reward, _, _, info = make((0.8, 0.0), (0.7, 0.1), random_target=True).step(FORWARD)
    assert reward == 1
    assert info["reward_terms"] == {"target": 1, "bump": 0}


def test_the_dense_reward_is_minus_the_distance() -> None:
    assert make((0.5, 0.4), shape_reward=True).step(BACKWARD)[1] == pytest.approx(-np.hypot(0.4, 0.4))


def test_short_episodes_end_as_a_success_at_the_fifteenth_contact() -> None:
    env = make((0.15, 0.0), (0.0, 0.0), simple_continual_target=True, contacts_to_end=15)
    results = [env.step(BACKWARD if step % 2 == 0 else FORWARD) for step in range(15)]
    assert [result[1] for result in results] == [1] * 15
    assert [result[2] for result in results] == [False] * 14 + [True]
    assert results[-1][4]["is_success"] is True


def test_circle_rewards_at_named_poses() -> None:
    """λ (1 - (‖p‖ - R)²) D from the first step on, D being the way since the start; -λ² for a bump."""
    env = make((0.3, 0.4), circular_continual_move=True)
    # to (0.4, 0.4): 0.566 from the centre, 0.1 from the start. The S-RL Toolbox left D out until move 10: 9.98
    expected = 10 * (1 - (np.hypot(0.4, 0.4) - 0.6125) ** 2) * 0.1
    _, reward, _, _, info = env.step(FORWARD)
    assert reward == pytest.approx(expected, rel=1e-12)
    assert info == {"reward_terms": {"path": pytest.approx(expected), "bump": 0}}
    expected = 10 * (1 - (np.hypot(0.4, 0.5) - 0.6125) ** 2) * np.hypot(0.1, 0.1)
    assert env.step(LEFT)[1] == pytest.approx(expected, rel=1e-12)
    put(env, (0.8, 0.0))
    _, reward, _, _, info = env.step(FORWARD)
    assert reward == -100
    assert info["reward_terms"] == {"path": 0, "bump": -100}


def test_displacement_is_over_ten_moves_and_since_the_start_before() -> None:
    env = make((-0.8, 0.0), circular_continual_move=True)
    for move in range(1, 17):
        reward = env.step(FORWARD)[1]
        x = -0.8 + 0.1 * move
        assert reward == pytest.approx(10 * (1 - (abs(x) - 0.6125) ** 2) * min(0.1 * move, 1.0), rel=1e-9)
    # going back: the place of ten moves ago comes nearer by 0.2 with every move
    for move in range(1, 5):
        x = 0.8 - 0.1 * move
        assert env.step(BACKWARD)[1] == pytest.approx(10 * (1 - (x - 0.6125) ** 2) * (1 - 0.2 * move), rel=1e-9)


def test_displacement_starts_anew_with_every_episode() -> None:
    env = make((-0.5, 0.0), circular_continual_move=True, max_steps=12)
    for _ in range(12):
        env.step(FORWARD)
    (x, y), _ = env.reset()
    action, x = (FORWARD, x + 0.1) if x < 0 else (BACKWARD, x - 0.1)
    assert env.step(action)[1] == pytest.approx(10 * (1 - (np.hypot(x, y) - 0.6125) ** 2) * 0.1, rel=1e-5)


def test_square_rewards_at_named_poses() -> None:
    env = make((0.3, -0.5), square_continual_move=True)
    assert env.step(FORWARD)[1] == pytest.approx(10 * (1 - (0.5 - 0.6125) ** 2) * 0.1, rel=1e-12)


def test_eight_rewards_at_named_poses() -> None:
    """λ (1 - ((x² + y²)² - 2 R² (x² - y²))²) D. The S-RL Toolbox had x² + y² in the place of its square."""
    env = make((0.4, 0.5), eight_continual_move=True)
    # to (0.5, 0.5): (0.5)² - 0 = 0.25, where the old formula has 0.5
    assert env.step(FORWARD)[1] == pytest.approx(10 * (1 - 0.25**2) * 0.1, rel=1e-12)
    # to (0, 0.6) from (0, 0.5): 0.1296 + 2 * 0.6125² * 0.36 = 0.3997
    put(env, (0.0, 0.5))
    assert env.step(LEFT)[1] == pytest.approx(10 * (1 - (0.1296 + 0.75031250 * 0.36) ** 2) * 0.1, rel=1e-9)
    # on the curve nothing is lost: x = R √(3/2), y = R √(1/2) is at 30 degrees: (x² + y²) = 2 R² cos 60° = R²
    place = 0.6125 * np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])
    put(env, (float(place[0]) - 0.1, float(place[1])))
    assert env.step(FORWARD)[1] == pytest.approx(10 * 0.1, rel=1e-9)


@pytest.mark.parametrize(
    ("place", "action", "reward"),
    [
        ((0.25, 0.0), FORWARD, 1),  # about 0.35 away
        ((0.35, 0.0), FORWARD, 0),  # 0.45
        ((0.15, 0.0), FORWARD, 0),  # 0.25
        ((0.8, 0.0), FORWARD, -1),
    ],
)
def test_chasing(place: tuple[float, float], action: int, reward: float) -> None:
    env = make(place, (0.0, 0.0), chasing_continual_move=True, target_step=1e-9)
    assert env.step(action)[1] == reward


def test_leaning_on_the_wall_at_the_right_distance_pays() -> None:
    env = make((0.8, 0.0), (0.45, 0.0), chasing_continual_move=True, target_step=1e-9)
    assert env.step(FORWARD)[1] == 1


def test_the_chased_target_moves_before_the_reward_is_given() -> None:
    env = make((0.12, 0.0), (-0.12, 0.0), chasing_continual_move=True)
    # the robot goes to 0.22, 0.34 away; the target's first move of 0.05 is nearly along -x: 0.39 away
    assert env.step(FORWARD)[1] == 1
    assert env.world.target[0, 0] == pytest.approx(-0.12 + 0.05 * np.cos(np.pi * (2 / 70 - 1)))


def test_the_chased_target_goes_round_in_70_moves_and_stays_in_bounds() -> None:
    env = make((0.0, 0.0), (0.1, 0.6), chasing_continual_move=True)
    places = []
    for step in range(140):
        env.step(step % 2)
        places.append(env.world.target[0].copy())
    steps = np.linalg.norm(np.diff([(0.1, 0.6), *places], axis=0), axis=1)
    np.testing.assert_allclose(steps, 0.05)
    np.testing.assert_allclose(places[69], (0.1, 0.6), atol=1e-12)
    radius = 0.025 / np.sin(np.pi / 70)
    middle = np.mean(places[:70], axis=0)
    np.testing.assert_allclose(np.linalg.norm(places - middle, axis=1), radius, rtol=1e-9)
    world = OmnirobotWorld(OmnirobotConfig(chasing_continual_move=True, srl_model="ground_truth"), 300)
    world.seed(list(range(world.num_envs)))
    world.reset()
    for _ in range(140):
        before = world.target.copy()
        world.step(np.zeros(300, np.int64))
        moved = np.linalg.norm(world.target - before, axis=1)
        assert (np.isclose(moved, 0.05) | (moved == 0)).all()
        assert np.abs(world.target).max() < 0.85


@pytest.mark.parametrize(
    ("place", "reward", "terms"),
    [
        ((0.31, 0.0), 1, {"apart": 1, "caught": 0, "bump": 0}),
        ((0.25, 0.0), -1, {"apart": 0, "caught": -1, "bump": 0}),
        ((0.8, 0.0), -1, {"apart": 0, "caught": 0, "bump": -1}),
    ],
)
def test_escaping(place: tuple[float, float], reward: float, terms: dict[str, float]) -> None:
    _, earned, _, _, info = make(place, (0.0, 0.0), escape_continual_move=True).step(FORWARD)
    assert earned == reward
    assert info["reward_terms"] == terms


def test_a_bump_while_caught_costs_one() -> None:
    assert make((0.8, 0.0), (0.7, 0.0), escape_continual_move=True).step(FORWARD)[1] == -1


def test_the_hunting_target_comes_along_the_longer_axis_after_the_reward() -> None:
    for overshoot, low, high in ((0.0, 0.05, 0.05), (1.0, 0.05, 0.1)):
        world = OmnirobotWorld(
            OmnirobotConfig(escape_continual_move=True, escape_overshoot=overshoot, srl_model="ground_truth", **QUIET),
            500,
        )
        world.seed(list(range(world.num_envs)))
        world.reset()
        before = world.target.copy()
        world.step(np.zeros(500, np.int64))
        offset, move = world.position - before, world.target - before
        axis = np.abs(offset).argmax(axis=1)
        rows = np.arange(500)
        assert not move[rows, 1 - axis].any()
        np.testing.assert_array_equal(np.sign(move[rows, axis]), np.sign(offset[rows, axis]))
        length = np.abs(move[rows, axis])
        assert length.min() == pytest.approx(low, abs=1e-3)
        assert length.max() == pytest.approx(high, abs=1e-3)
    # 0.41 apart when the robot has moved, which pays; 0.36 apart afterwards, which the observation shows
    env = make((0.31, 0.0), (0.0, 0.0), escape_continual_move=True, escape_overshoot=0.0)
    observation, reward, *_ = env.step(FORWARD)
    assert reward == 1
    np.testing.assert_allclose(observation, (0.41, 0.0, 0.05, 0.0), atol=1e-6)


def test_action_repeat_adds_the_rewards_of_its_moves() -> None:
    env = make((-0.8, 0.0), circular_continual_move=True, action_repeat=3)
    x = -0.8 + 0.1 * np.arange(1, 4)
    expected = (10 * (1 - (np.abs(x) - 0.6125) ** 2) * (x + 0.8)).sum()
    assert env.step(FORWARD)[1] == pytest.approx(expected, rel=1e-9)


# episodes


@pytest.mark.parametrize("env_kwargs", TASKS)
def test_episodes_last_250_steps_and_tell_success_where_the_task_knows_it(env_kwargs: dict[str, Any]) -> None:
    env = OmnirobotEnv(srl_model="ground_truth", **env_kwargs)
    env.reset(seed=0)
    for step in range(1, 251):
        _, _, terminated, truncated, info = env.step(step % 2)
        assert not terminated
        assert truncated == (step == 250)
    knows = OmnirobotConfig(**env_kwargs).task not in PATHS
    assert ("is_success" in info) == knows
    many = make_batched_vec_env(ENV, 2, srl_model="ground_truth", max_steps=1, **env_kwargs)
    many.reset()
    assert ("is_success" in many.step(np.zeros(2, np.int64))[3][0]) == knows
    vector = make_vector_env(ENV, 2, srl_model="ground_truth", max_steps=1, **env_kwargs)
    vector.reset()
    assert ("is_success" in vector.step(np.zeros(2, np.int64))[4]["final_info"]) == knows


@pytest.mark.parametrize(
    ("env_kwargs", "place", "target", "success"),
    [
        ({}, (0.0, 0.0), (0.15, 0.0), True),
        ({}, (0.0, 0.0), (0.5, 0.0), False),
        ({"chasing_continual_move": True, "target_step": 1e-9}, (0.0, 0.0), (0.45, 0.0), True),
        ({"chasing_continual_move": True, "target_step": 1e-9}, (0.0, 0.0), (0.2, 0.0), False),
        ({"escape_continual_move": True}, (0.0, 0.0), (-0.35, 0.0), True),
        ({"escape_continual_move": True}, (0.0, 0.0), (0.45, 0.0), False),
    ],
)
def test_success_is_how_things_stand_at_the_end(
    env_kwargs: dict[str, Any], place: tuple[float, float], target: tuple[float, float], success: bool
) -> None:
    assert make(place, target, max_steps=1, **env_kwargs).step(FORWARD)[4]["is_success"] is success
