"""The racing car: actions, rewards and states against hand-made values, a driver that goes round, no display."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from srl3.errors import UserError

pytest.importorskip("Box2D")

from gymnasium.envs.box2d import car_racing

import environments  # noqa: F401  (registers the ids)
from environments.car_racing.car_racing_env import CONTROLS, CarRacingGymEnv
from environments.car_racing.config import CarRacingConfig
from environments.car_racing.oracle import drive_action
from environments.registry import ThreadingType, find_env

ROOT = Path(__file__).parents[2]
RIGHT, LEFT, GAS, BRAKE = range(4)


def make(**kwargs) -> CarRacingGymEnv:
    return CarRacingGymEnv(**{"srl_model": "ground_truth", **kwargs})


def test_it_is_registered_for_worker_processes():
    entry = find_env("CarRacingGymEnv-v0")
    assert entry.threading is ThreadingType.PROCESS
    assert entry.load_config() is CarRacingConfig
    assert CarRacingConfig().max_steps == 10_000


def test_a_discrete_action_is_one_control_and_no_other():
    env = make()
    for action, (steer, gas, brake) in {
        RIGHT: (-1, 0, 0),
        LEFT: (1, 0, 0),
        GAS: (0, 0.1, 0),
        BRAKE: (0, 0, 1),
    }.items():
        env.reset(seed=0)
        env.step(action)
        front, rear = env._car.wheels[0], env._car.wheels[2]
        assert (front.steer, rear.gas, rear.brake) == pytest.approx((steer, gas, brake))  # gas grows by 0.1 a step
    env.reset(seed=0)
    for _ in range(3):
        env.step(GAS)
    env.step(LEFT)
    assert (env._car.wheels[0].steer, env._car.wheels[2].gas) == (1, 0)


def test_a_continuous_action_steers_right_and_ignores_pedals_below_zero():
    env = make(is_discrete=False)
    env.reset(seed=0)
    for _ in range(50):
        env.step(np.array((0, 0.5, -1), np.float32))
    angle = env.car_pose()[2]
    assert env._car.hull.linearVelocity.length > 5
    for _ in range(10):
        env.step(np.array((1, -1, -1), np.float32))
    assert env.car_pose()[2] < angle
    assert env._car.wheels[2].gas == 0
    with pytest.raises(ValueError, match=r"3 numbers in \[-1, 1\]"):
        env.step(np.array((np.nan, 0, 0), np.float32))


def test_rewards_by_hand():
    env = make()
    env.reset(seed=1)
    n_tiles = len(env.track)
    at_start = env._engine.tile_visited_count
    assert at_start > 0
    _, reward, *_, info = env.step(BRAKE)
    assert reward == pytest.approx(-0.1 + at_start * 1000 / n_tiles)
    assert info["reward_terms"] == {"step": -0.1, "tiles": at_start * 1000 / n_tiles, "outside": 0.0}
    assert env.step(BRAKE)[1] == -0.1
    total = 0.0
    for _ in range(100):
        total += env.step(GAS)[1]
    more = env._engine.tile_visited_count - at_start
    assert more > 5
    assert total == pytest.approx(-10 + more * 1000 / n_tiles)


def test_leaving_the_playfield_pays_minus_100_and_ends_the_episode():
    env = make()
    env.reset(seed=0)
    env.step(GAS)
    for body in (env._car.hull, *env._car.wheels):
        body.position += (2 * car_racing.PLAYFIELD, 0)
    _, reward, terminated, truncated, info = env.step(GAS)
    assert (reward, terminated, truncated, info["is_success"]) == (-100, True, False, False)
    assert info["reward_terms"]["outside"] == -100


@pytest.mark.parametrize("seed", [0, 5])
def test_a_driver_goes_round_and_earns_what_the_formula_says(seed):
    env = make(is_discrete=False)
    env.reset(seed=seed)
    total, steps, over = 0.0, 0, False
    while not over:
        _, reward, terminated, truncated, info = env.step(drive_action(env))
        total, steps, over = total + reward, steps + 1, terminated or truncated
    assert terminated
    assert info["is_success"]
    assert total == pytest.approx(1000 - 0.1 * steps)
    assert total > 700


def test_max_steps_truncates():
    env = make(max_steps=3)
    env.reset(seed=0)
    ends = [env.step(GAS)[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


def test_ground_truth_has_the_real_speed_and_the_target_ahead():
    env = make(is_discrete=False)
    env.reset(seed=2)
    for _ in range(60):
        before = env.car_pose()
        observation, *_ = env.step(drive_action(env))
    x, y, angle = env.car_pose()
    assert observation[3] == pytest.approx(50 * np.hypot(x - before[0], y - before[1]), rel=0.02)
    assert observation[3] > 5
    assert observation[2] == pytest.approx(angle)
    assert observation[4] == pytest.approx(env._car.hull.angularVelocity)
    nearest = np.linalg.norm(env.track - (x, y), axis=1).argmin()
    target = env.track[(nearest + 5) % len(env.track)]
    np.testing.assert_allclose(env.target_pos(), target)
    np.testing.assert_allclose(observation[:2], (x - target[0], y - target[1]), atol=1e-3)

    absolute = make(relative_pos=False, is_discrete=False)
    first, _ = absolute.reset(seed=2)
    assert first.shape == absolute.observation_space.shape == (7,)
    np.testing.assert_allclose(first[[0, 1]], absolute.car_pose()[:2], rtol=1e-6)
    np.testing.assert_allclose(first[5:], absolute.target_pos(), rtol=1e-6)


def trajectory(env: CarRacingGymEnv, seed: int, n_steps: int = 80) -> np.ndarray:
    actions = np.random.default_rng(0).integers(4, size=n_steps)
    rows = [env.reset(seed=seed)[0]]
    rows += [env.step(int(action))[0] for action in actions]
    return np.array(rows)


def test_same_seed_same_trajectory_whatever_ran_before():
    env, other = make(), make()
    first = trajectory(env, 7)
    trajectory(env, 8, 200)
    other.reset(seed=3)
    np.testing.assert_array_equal(trajectory(env, 7), first)
    np.testing.assert_array_equal(trajectory(other, 7), first)
    assert not np.array_equal(trajectory(env, 9), first)


def test_it_resumes_in_mid_episode():
    env, other = make(), make()
    trajectory(env, 4)
    other.restore_state(env.resume_state())
    for action in (GAS, GAS, LEFT, RIGHT) * 20:
        assert env.step(action)[1] == other.step(action)[1]
        assert env.car_pose() == other.car_pose()
    np.testing.assert_array_equal(env.reset()[0], other.reset()[0])


def test_nothing_is_drawn_unless_it_is_seen(monkeypatch):
    def draw(*_):
        raise AssertionError("drawn")

    monkeypatch.setattr("environments.car_racing.drawing.CarPicture.draw", draw)
    monkeypatch.setattr(car_racing.CarRacing, "_render", draw)
    env = make()
    trajectory(env, 0)
    with pytest.raises(AssertionError, match="drawn"):
        make(srl_model="raw_pixels").reset(seed=0)


def test_the_picture_is_gymnasiums():
    env = make(is_discrete=False, img_shape=(96, 96))
    env.reset(seed=3)
    for _ in range(3):
        for _ in range(40):
            env.step(drive_action(env))
        ours, theirs = env.get_image(), car_racing.CarRacing._render(env._engine, "state_pixels")
        assert ours.shape == (96, 96, 3)
        difference = np.abs(ours[:84].astype(int) - theirs[:84])
        assert difference.mean() < 3
        assert np.median(difference) <= 2  # pygame rounds down when it makes a picture smaller
    assert env.get_image()[60:76, 40:56, 0].max() > 180, "the red car is below the middle"


@pytest.mark.parametrize("img_shape", [(64, 64), (84, 84), (120, 224)])
def test_pixels_have_any_size(img_shape):
    env = make(srl_model="raw_pixels", img_shape=img_shape)
    observation, _ = env.reset(seed=0)
    assert observation.shape == (*img_shape, 3)
    assert env.observation_space.contains(observation)


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"random_target": True}, "no random_target mode"),
        ({"shape_reward": True}, "no shape_reward mode"),
        ({"lap_complete_fraction": 0.0}, "lap_complete_fraction"),
        ({"tiles_ahead": -1}, "tiles_ahead"),
        ({"max_steps": 0}, "max_steps"),
        ({"fps": 3}, "unknown parameter of CarRacingGymEnv-v0 'fps'"),
    ],
)
def test_wrong_parameters_are_named(kwargs, sentence):
    with pytest.raises(UserError, match=sentence):
        make(**kwargs)


def test_a_part_of_the_tiles_can_make_a_lap():
    env = make(is_discrete=False, lap_complete_fraction=0.5)
    env.reset(seed=0)
    over = False
    while not over:
        *_, over, truncated, info = env.step(drive_action(env))
        assert not truncated
    assert info["is_success"]


def run_python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    without = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**without, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_display_is_needed_and_nothing_is_printed():
    done = run_python(
        "import environments, gymnasium\n"
        "env = gymnasium.make('CarRacingGymEnv-v0', render_mode='rgb_array')\n"
        "env.reset(seed=0); env.step(2); assert env.render().any()\n"
        "import pygame; assert not pygame.display.get_init()"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("missing", ["Box2D", "pygame"])
def test_without_the_extra_one_sentence_names_it(missing, tmp_path):
    done = run_python(
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from rl_baselines import train\n"
        "from srl3.errors import run_command\n"
        f"run_command(train.main, ['--env', 'CarRacingGymEnv-v0', '--no-vis', '--log-dir', '{tmp_path}/logs'])"
    )
    assert done.returncode == 2, done.stderr
    (sentence,) = done.stderr.splitlines()
    assert "pip install 'srl3[box2d]'" in sentence
    assert list(tmp_path.iterdir()) == []


def test_controls_are_full():
    assert np.abs(CONTROLS).sum(axis=1).tolist() == [1, 1, 1, 1]
