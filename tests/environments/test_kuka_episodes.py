"""`KukaButtonGymEnv-v0`: the same seed gives the same episode; its pictures, parameters and engine."""

import subprocess
import sys

import numpy as np
import pytest

from environments import bullet
from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from srl3.errors import UserError

ACTIONS = {
    "discrete": {},
    "continuous": {"is_discrete": False},
    "joint": {"is_discrete": False, "action_joints": True},
}


@pytest.fixture
def make():
    made = []

    def build(**kwargs):
        made.append(KukaButtonGymEnv(**{"srl_model": "ground_truth", **kwargs}))
        return made[-1]

    yield build
    for env in made:
        env.close()


def trajectory(env, seed, actions):
    """All observations and rewards of an episode, until it ends."""
    states, rewards = [env.reset(seed=seed)[0]], []
    for action in actions:
        state, reward, terminated, truncated, _ = env.step(action)
        states.append(state)
        rewards.append(reward)
        if terminated or truncated:
            break
    return np.array(states), rewards


def sample(env, seed, count):
    env.action_space.seed(seed)
    return [env.action_space.sample() for _ in range(count)]


# the same seed, the same episode


@pytest.mark.parametrize("actions", ACTIONS)
@pytest.mark.parametrize("random_target", [False, True])
def test_an_episode_does_not_depend_on_what_ran_before(make, actions, random_target):
    kwargs = {
        **ACTIONS[actions],
        "random_target": random_target,
        "srl_model": "joints_position",
        "relative_pos": False,
        "max_steps": 600,
    }
    fresh, used, other = make(**kwargs), make(**kwargs), make(**kwargs)
    chosen = sample(fresh, 1, 600)
    states, rewards = trajectory(fresh, 1, chosen)
    for history in range(3):
        trajectory(used, history, sample(used, history, 150 + 200 * history))
        trajectory(other, history, sample(other, history + 9, 50))
        again, again_rewards = trajectory(used, 1, chosen)
        np.testing.assert_array_equal(again, states)
        assert again_rewards == rewards


@pytest.mark.parametrize("actions", ACTIONS)
def test_resuming_in_mid_episode_goes_on_to_the_last_bit(make, actions):
    kwargs = {**ACTIONS[actions], "srl_model": "joints_position", "max_steps": 500}
    env, other = make(**kwargs), make(**kwargs)
    chosen = sample(env, 4, 1000)
    trajectory(env, 1, chosen)  # so that the episode that is resumed has a history
    trajectory(other, 2, chosen[:300])
    env.reset()
    for action in chosen[:230]:
        env.step(action)
    other.restore_state(env.resume_state())
    for action in chosen[230:]:
        one, two = env.step(action), other.step(action)
        np.testing.assert_array_equal(one[0], two[0])
        assert one[1:4] == two[1:4]
        if one[2] or one[3]:
            break
    np.testing.assert_array_equal(env.reset()[0], other.reset()[0])


# pictures


def test_pictures_are_upright_and_show_the_button(make):
    env = make(render_mode="rgb_array", multi_view=True, img_shape=(120, 160), record_data=True)
    _, info = env.reset(seed=0)
    image = env.render()
    assert (image.shape, image.dtype) == ((120, 160, 3), np.uint8)
    np.testing.assert_array_equal(info["frame"][..., :3], image)
    for view in (info["frame"][..., :3], info["frame"][..., 3:]):
        red, green, blue = np.moveaxis(view.astype(int), -1, 0)
        rows, _ = np.nonzero((red > 90) & (green < 60) & (blue < 60))
        assert len(rows) > 20
        assert rows.mean() > 60
    assert env.step(4)[4]["frame"].shape == (120, 160, 6)


def test_a_moved_arm_changes_the_picture(make):
    env = make(srl_model="raw_pixels", img_shape=(64, 64))
    before, _ = env.reset(seed=0)
    for _ in range(60):
        after = env.step(4)[0]
    assert np.abs(after.astype(int) - before).mean() > 1


def test_a_window_without_a_display_is_a_users_mistake(monkeypatch):
    monkeypatch.setattr(bullet, "_has_display", lambda: False)
    with pytest.raises(UserError, match="display"):
        KukaButtonGymEnv(srl_model="ground_truth", renders=True)


# parameters and the engine


@pytest.mark.parametrize(
    "wrong",
    [
        {"delta_w": 1},
        {"max_force": 0},
        {"noise_std": -1.0},
        {"small_workspace_x": [0.6, 0.5]},
        {"button_pos": [1, 2]},
        {"action_joints": True},
        {"srl_model": "vae"},
        {"img_shape": (8, 8)},
    ],
)
def test_wrong_parameters_are_refused_naming_the_world_or_the_flag(wrong):
    with pytest.raises(UserError, match=r"KukaButtonGymEnv-v0|-joints"):
        KukaButtonGymEnv(**wrong)


def test_the_parameters_import_no_engine():
    code = (
        "import sys; from environments.registry import find_env; find_env('KukaButtonGymEnv-v0').load_config();"
        "sys.exit('pybullet' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert KukaButtonConfig().max_steps == 1000
