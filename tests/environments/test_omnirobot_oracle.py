"""What Omnirobot's tasks can earn: motions whose return the reward's formula predicts, and the scripted policies."""

from typing import Any

import numpy as np
import pytest

from environments.batched.episodes import episode_returns, random_policy
from environments.omnirobot_gym.config import OmnirobotConfig, Task
from environments.omnirobot_gym.omnirobot_env import OmnirobotWorld
from environments.omnirobot_gym.oracle import path, scripted_action

QUIET = {"position_noise": 0.0, "yaw_noise": 0.0, "marker_size_noise": 0.0, "luminosity_noise": 0.0}
RADIUS, STEP, SCALE, HISTORY, MOVES = 0.6125, 0.1, 10.0, 10, 250


def world_at(place: np.ndarray, **env_kwargs: Any) -> OmnirobotWorld:
    """One robot without noise, which starts at ``place``."""
    world = OmnirobotWorld(OmnirobotConfig(srl_model="ground_truth", **QUIET, **env_kwargs), 1)
    world.seed(list(range(world.num_envs)))
    world.reset()
    world.position[0] = world.command[0] = world.recent[0] = place
    return world


def test_circling_earns_what_the_formula_predicts() -> None:
    """On the circle of radius R, moves of 0.1 turn by a = 2 asin(0.05 / R), so that D = 2 R sin(m a / 2) after m."""
    turn = 2 * np.arcsin(STEP / 2 / RADIUS)
    places = RADIUS * np.stack([np.cos(turn * np.arange(MOVES + 1)), np.sin(turn * np.arange(MOVES + 1))], axis=1)
    world = world_at(places[0], circular_continual_move=True, is_discrete=False)
    rewards = [
        world.step(((after - world.position) / STEP).clip(-1, 1).astype(np.float32)).reward[0] for after in places[1:]
    ]
    displacement = 2 * RADIUS * np.sin(np.minimum(np.arange(1, MOVES + 1), HISTORY) * turn / 2)
    np.testing.assert_allclose(rewards, SCALE * displacement, rtol=1e-4)
    assert sum(rewards) == pytest.approx(2195.9, abs=0.5)  # 8.935 a move but for the first ten


def test_walking_round_the_square_earns_what_the_formula_predicts() -> None:
    """On a square with sides of 1.2 m, D is 1 along a side, and the way from 0.1 n to 0.1 (10 - n) round a corner."""
    world = world_at(np.array([0.6, -0.6]), square_continual_move=True, radius=0.6)
    left, backward, right, forward = 2, 1, 3, 0
    rewards = [
        world.step(np.array([action])).reward[0]
        for _ in range(2)
        for action in np.repeat([left, backward, right, forward], 12)
    ]
    side = [*np.hypot(0.1 * np.arange(1, 10), 0.1 * np.arange(9, 0, -1)), 1.0, 1.0, 1.0]
    first_side = [*(0.1 * np.arange(1, 10)), 1.0, 1.0, 1.0]
    np.testing.assert_allclose(rewards, SCALE * np.array([*first_side, *side * 7]), rtol=1e-9)


def test_following_the_lemniscate_loses_nothing() -> None:
    """On the curve each move pays λ D; with a bound of 0.9 m it lies in the arena whole."""
    points = path(Task.EIGHT, RADIUS)
    assert points.max() == pytest.approx(RADIUS * np.sqrt(2))
    places = points[::9]  # about 0.1 m apart, up to 0.11 m at the crossing
    world = world_at(places[0], eight_continual_move=True, is_discrete=False, bound=0.9, step_length=0.2)
    trail = [places[0]]
    for after in [*places[1:], places[0]] * 2:
        reward = world.step(((after - world.position) / 0.2).astype(np.float32)).reward[0]
        trail.append(world.position[0].copy())
        assert reward == pytest.approx(SCALE * np.linalg.norm(trail[-1] - trail[max(0, len(trail) - 11)]), rel=1e-5)
    assert {bool(x > 0) for x, _ in trail} == {True, False}


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize(
    ("env_kwargs", "discrete_range", "continuous_range"),
    [
        ({}, (245, 249), (245, 249)),
        ({"random_target": True}, (242, 247), (243, 248)),
        ({"simple_continual_target": True}, (242, 247), (243, 248)),
        # the reference's best circling, with discrete moves, was 1850 to 1920
        ({"circular_continual_move": True}, (1890, 1925), (2165, 2196)),
        ({"square_continual_move": True}, (2040, 2080), (2090, 2125)),
        ({"eight_continual_move": True}, (1570, 1630), (1945, 1985)),
        ({"chasing_continual_move": True}, (218, 230), (242, 249)),
    ],
)
def test_what_the_scripted_policies_earn(
    env_kwargs: dict[str, Any],
    discrete: bool,
    discrete_range: tuple[float, float],
    continuous_range: tuple[float, float],
) -> None:
    config = OmnirobotConfig(srl_model="ground_truth", is_discrete=discrete, **env_kwargs)
    world = OmnirobotWorld(config, 30)
    low, high = discrete_range if discrete else continuous_range
    assert low < episode_returns(world, scripted_action, 0).mean() < high
    np.testing.assert_array_equal(world.episode_terms[1], 0)  # they never bump


@pytest.mark.parametrize(
    ("env_kwargs", "low"), [({}, 55), ({"escape_overshoot": 0.0}, 210), ({"is_discrete": False}, 205)]
)
def test_what_the_escaping_policy_earns(env_kwargs: dict[str, Any], low: float) -> None:
    """Along the axes a robot hardly escapes a target that comes 0.05 to 0.1 m; a slower one, or freely, it does."""
    config = OmnirobotConfig(srl_model="ground_truth", escape_continual_move=True, **env_kwargs)
    assert low < episode_returns(OmnirobotWorld(config, 8), scripted_action, 0).mean() < 250


def test_a_random_agent_is_caught_and_bumps() -> None:
    def mean(**env_kwargs: Any) -> float:
        world = OmnirobotWorld(OmnirobotConfig(srl_model="ground_truth", **env_kwargs), 50)
        return float(episode_returns(world, random_policy(np.random.default_rng(0)), 0).mean())

    assert -250 < mean(escape_continual_move=True) < -220
    assert mean(circular_continual_move=True) < -300
    assert -20 < mean(simple_continual_target=True) < 20


def test_an_evaluation_can_repeat_the_oracle_episode_by_episode() -> None:
    from environments.omnirobot_gym.omnirobot_env import OmnirobotEnv

    kwargs: dict[str, Any] = {"srl_model": "ground_truth", "chasing_continual_move": True}
    returns = episode_returns(OmnirobotWorld(OmnirobotConfig(**kwargs), 3), scripted_action, seed=7)
    env = OmnirobotEnv(**kwargs)
    env.reset(seed=9)
    assert isinstance(env.world, OmnirobotWorld)
    assert sum(env.step(scripted_action(env.world)[0])[1] for _ in range(MOVES)) == returns[2]
