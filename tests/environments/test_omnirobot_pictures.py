"""Omnirobot's pictures: what a person sees in them, and their noise."""

from typing import Any

import numpy as np
import pytest

from environments.omnirobot_gym.config import OmnirobotConfig
from environments.omnirobot_gym.omnirobot_env import OmnirobotEnv, OmnirobotWorld

QUIET = {
    "position_noise": 0.0,
    "yaw_noise": 0.0,
    "marker_size_noise": 0.0,
    "marker_pixel_noise": 0.0,
    "luminosity_noise": 0.0,
}
RED, BLUE, GREEN, YELLOW = (205, 30, 35), (30, 75, 205), (20, 150, 60), (250, 205, 0)
PLATE, NOSE, FLOORS = (228, 228, 232), (0, 205, 230), ((184, 176, 163), (172, 164, 151))
HALF_VIEW = 0.85 + 0.27


def make(
    place: tuple[float, float] = (0.5, -0.3),
    target: tuple[float, float] = (-0.3, 0.4),
    target_yaw: float = 0.0,
    **env_kwargs: Any,
) -> OmnirobotEnv:
    env = OmnirobotEnv(**{**QUIET, **env_kwargs})
    env.reset(seed=0)
    env.world.position[0], env.world.target[0], env.world.target_yaw[0] = place, target, target_yaw
    return env


def color_at(env: OmnirobotEnv, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place (metres)."""
    height, width = env.config.img_shape
    scale = min(height, width) / (2 * HALF_VIEW)
    return tuple(env.get_image()[int(height / 2 - y * scale), int(width / 2 + x * scale)].tolist())


@pytest.mark.parametrize("img_shape", [(84, 84), (224, 224), (96, 160)])
@pytest.mark.parametrize(
    ("task", "color", "square"),
    [
        (None, RED, False),
        ("simple_continual_target", RED, True),
        ("circular_continual_move", BLUE, True),
        ("square_continual_move", GREEN, True),
        ("eight_continual_move", GREEN, True),
    ],
)
def test_the_marker_shows_the_task(
    task: str | None, color: tuple[int, ...], square: bool, img_shape: tuple[int, int]
) -> None:
    env = make(img_shape=img_shape, **({task: True} if task else {}))
    assert color_at(env, -0.3, 0.4) == color
    # the corner of a square of 0.26 m is outside of a disc of that diameter
    corner = color_at(env, -0.3 + 0.105, 0.4 + 0.105)
    assert (corner == color) == square
    assert color_at(env, 0.4, 0.4) in FLOORS


@pytest.mark.parametrize("task", ["chasing_continual_move", "escape_continual_move"])
@pytest.mark.parametrize("yaw", [0.0, np.pi])
def test_the_moving_target_is_a_yellow_t(task: str, yaw: float) -> None:
    env = make(target_yaw=yaw, img_shape=(224, 224), **{task: True})
    up = 1 if yaw == 0 else -1
    assert color_at(env, -0.3, 0.4) == YELLOW
    assert color_at(env, -0.3 - 0.1, 0.4 + 0.09 * up) == color_at(env, -0.3 + 0.1, 0.4 + 0.09 * up) == YELLOW
    assert color_at(env, -0.3 - 0.1, 0.4 - 0.09 * up) != YELLOW
    assert color_at(env, -0.3, 0.4 - 0.09 * up) == YELLOW


@pytest.mark.parametrize("img_shape", [(84, 84), (224, 224)])
@pytest.mark.parametrize("yaw", [0.0, np.pi / 2, -3 * np.pi / 4])
def test_the_nose_shows_the_heading(yaw: float, img_shape: tuple[int, int]) -> None:
    env = make(img_shape=img_shape)
    env.world.yaw[0] = yaw
    ahead = np.array([np.cos(yaw), np.sin(yaw)])
    nose, plate = np.array([0.5, -0.3]) + 0.06 * ahead, np.array([0.5, -0.3]) - 0.025 * ahead
    assert color_at(env, *nose)[0] < 90  # bright blue, at this size mixed with the dark body
    assert color_at(env, *nose)[2] > 130
    assert min(color_at(env, *plate)) > 150


def test_the_arena_is_marked_where_the_robots_rim_meets_the_bound() -> None:
    env = make(img_shape=(224, 224))
    for x, y in ((0.985, 0.5), (-0.985, 0.5), (0.5, 0.985), (0.5, -0.985)):
        assert min(color_at(env, x, y)) > 200
        assert color_at(env, 0.9 * x, 0.9 * y) in FLOORS
        assert color_at(env, 1.08 * x, 1.08 * y) == (104, 108, 112)


def test_the_robot_is_in_the_picture_at_every_bound() -> None:
    for place in ((0.85, 0.85), (-0.85, -0.85), (0.89, -0.89)):
        env = make(place, img_shape=(84, 84))
        assert min(color_at(env, *np.array(place) - (0.025, 0))) > 150


def test_a_small_move_shows_in_a_small_picture() -> None:
    env = make(img_shape=(36, 36))
    before = env.get_image()
    env.world.position[0] += (0.03, 0.0)
    assert np.abs(env.get_image().astype(int) - before).max() > 20


def test_luminosity_is_a_gain_that_changes_with_every_frame() -> None:
    """With a standard deviation of 0.03; the pictures differ from the quiet ones by nothing else."""
    quiet = OmnirobotWorld(OmnirobotConfig(**{**QUIET, "luminosity_noise": 1e-9}), 200)
    noisy = OmnirobotWorld(OmnirobotConfig(**{**QUIET, "luminosity_noise": 0.03}), 200)
    gains = []
    for world in (quiet, noisy):
        world.seed(list(range(world.num_envs)))
        world.reset()
    for _ in range(2):
        one, other = quiet.images().astype(np.float64), noisy.images().astype(np.float64)
        gains.append(other.mean(axis=(1, 2, 3)) / one.mean(axis=(1, 2, 3)))
        expected = np.minimum(one * gains[-1][:, None, None, None], 255)
        assert np.abs(other - expected).max() < 2
        for world in (quiet, noisy):
            world.step(np.zeros(200, np.int64))
    assert np.mean(gains[0]) == pytest.approx(1, abs=0.006)
    assert np.std(gains[0]) == pytest.approx(0.03, rel=0.15)
    assert abs(np.corrcoef(gains)[0, 1]) < 0.2


def test_pixel_noise_is_on_the_markers_only() -> None:
    quiet, noisy = (
        make(img_shape=(224, 224)).get_image(),
        make(img_shape=(224, 224), marker_pixel_noise=2.0).get_image(),
    )
    difference = noisy.astype(int) - quiet
    scale = 112 / HALF_VIEW
    rows, columns = np.mgrid[:224, :224] + 0.5
    x, y = (columns - 112) / scale, (112 - rows) / scale
    robot, target = np.hypot(x - 0.5, y + 0.3), np.hypot(x + 0.3, y - 0.4)
    assert not difference[(robot > 0.15) & (target > 0.15)].any()
    assert difference[target < 0.11].std() == pytest.approx(2.0, rel=0.15)
    assert difference[robot < 0.05].std() == pytest.approx(2.0, rel=0.25)


def test_size_noise_changes_the_markers_between_episodes() -> None:
    world = OmnirobotWorld(OmnirobotConfig(img_shape=(224, 224), **{**QUIET, "marker_size_noise": 0.05}), 200)
    world.seed(list(range(world.num_envs)))
    world.reset()
    assert np.bincount(world.sizes[:, 0], minlength=5) / 200 == pytest.approx([0.07, 0.24, 0.38, 0.24, 0.07], abs=0.08)
    assert (world.sizes[:, 0] != world.sizes[:, 1]).any()
    before = world.sizes.copy()
    world.step(np.zeros(200, np.int64))
    np.testing.assert_array_equal(world.sizes, before)
    world.position[:], world.target[:], world.target_yaw[:] = (0.5, -0.3), (-0.3, 0.4), 0
    red = (np.abs(world.images().astype(int) - RED).sum(axis=3) < 30).sum(axis=(1, 2))
    area = np.array([red[world.sizes[:, 1] == size].mean() for size in range(5)])
    np.testing.assert_allclose(area / area[2], np.array([0.9, 0.95, 1, 1.05, 1.1]) ** 2, atol=0.05)


def test_pictures_of_many_are_the_pictures_of_each() -> None:
    world = OmnirobotWorld(OmnirobotConfig(escape_continual_move=True, is_discrete=False), 70)
    world.seed(list(range(world.num_envs)))
    world.reset()
    world.step(np.random.default_rng(0).uniform(-1, 1, (70, 2)).astype(np.float32))
    frames = world.images()
    assert frames.shape == (70, 84, 84, 3)
    for row in (0, 33, 69):
        np.testing.assert_array_equal(world.images(np.array([row]))[0], frames[row])
    other = OmnirobotWorld(world.config, 70)
    other.restore_state(world.resume_state())
    np.testing.assert_array_equal(other.images(np.array([69]))[0], frames[69])


def test_rendering_gives_the_picture() -> None:
    env = make(render_mode="rgb_array", srl_model="ground_truth", img_shape=(64, 96))
    picture = env.render()
    assert picture.shape == (64, 96, 3)
    np.testing.assert_array_equal(picture, env.get_image())
