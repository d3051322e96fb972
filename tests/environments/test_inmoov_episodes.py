"""The InMoov worlds: the same seed gives the same episode; pictures, engines, speed."""

import itertools
import statistics
import time

import numpy as np
import pybullet as p
import pytest

from environments.inmoov.inmoov_button_gym_env import InmoovButtonGymEnv
from environments.inmoov.inmoov_gym_env import InmoovGymEnv
from environments.inmoov.oracle import press_action, reach_action
from environments.inmoov.robot import HAND_LINK, JOINTS, RIGHT_ARM
from tests.cases import product

ACTIONS = {
    "discrete": {},
    "continuous": {"is_discrete": False},
    "joint": {"is_discrete": False, "action_joints": True},
}
WORLDS = {"reach": (InmoovGymEnv, reach_action), "button": (InmoovButtonGymEnv, press_action)}


@pytest.fixture
def make():
    made = []

    def build(world, **kwargs):
        made.append(WORLDS[world][0](**{"srl_model": "ground_truth", **kwargs}))
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


def scripted(env, policy, seed, count):
    """Actions that bring the hand into contact."""
    env.reset(seed=seed)
    actions = []
    for _ in range(count):
        actions.append(policy(env))
        if any(env.step(actions[-1])[2:4]):
            break
    return actions


@pytest.mark.parametrize(
    ("world", "actions", "random_target"),
    product(WORLDS, ACTIONS, (False, True), gate=lambda world, _, random_target: random_target == (world == "button")),
)
def test_an_episode_does_not_depend_on_what_ran_before(make, world, actions, random_target):
    kwargs = {
        **ACTIONS[actions],
        "random_target": random_target,
        "srl_model": "joints_position",
        "relative_pos": False,
        "max_steps": 120,
    }
    policy = WORLDS[world][1]
    fresh, used, other = make(world, **kwargs), make(world, **kwargs), make(world, **kwargs)
    chosen = scripted(other, policy, 1, 60) + sample(fresh, 1, 60)
    states, rewards = trajectory(fresh, 1, chosen)
    for history in range(3):
        scripted(used, policy, history + 2, 40 + 20 * history)
        trajectory(other, history, sample(other, history + 9, 20))
        again, again_rewards = trajectory(used, 1, chosen)
        np.testing.assert_array_equal(again, states)
        assert again_rewards == rewards


@pytest.mark.parametrize(("world", "actions"), list(itertools.product(WORLDS, ACTIONS)))
def test_resuming_in_mid_episode_goes_on_to_the_last_bit(make, world, actions):
    kwargs = {**ACTIONS[actions], "srl_model": "joints_position", "max_steps": 100}
    env, other = make(world, **kwargs), make(world, **kwargs)
    chosen = sample(env, 4, 200)
    trajectory(env, 1, chosen)  # so that the episode that is resumed has a history
    trajectory(other, 2, chosen[:60])
    env.reset()
    for action in chosen[:15]:
        env.step(action)
    other.restore_state(env.resume_state())
    for action in chosen[15:]:
        one, two = env.step(action), other.step(action)
        np.testing.assert_array_equal(one[0], two[0])
        assert one[1:4] == two[1:4]
        if one[2] or one[3]:
            break
    np.testing.assert_array_equal(env.reset()[0], other.reset()[0])


def red_pixels(view):
    red, green, blue = np.moveaxis(view.astype(int), -1, 0)
    return np.nonzero((red > 90) & (green < 60) & (blue < 60))


@pytest.mark.parametrize("world", WORLDS)
def test_both_cameras_see_the_red_target(make, world):
    env = make(world, render_mode="rgb_array", multi_view=True, img_shape=(120, 160), record_data=True)
    _, info = env.reset(seed=0)
    image = env.render()
    assert (image.shape, image.dtype) == ((120, 160, 3), np.uint8)
    np.testing.assert_array_equal(info["frame"][..., :3], image)
    for view in (info["frame"][..., :3], info["frame"][..., 3:]):
        assert len(red_pixels(view)[0]) > 12
    assert image[:10].mean() > image[-40:].mean()  # the sky is above, and bright
    assert env.step(4)[4]["frame"].shape == (120, 160, 6)


def test_the_head_camera_turns_with_the_head(make):
    env = make("reach", **ACTIONS["joint"], multi_view=True, srl_model="raw_pixels", n_random_actions_at_init=0)
    before, _ = env.reset(seed=0)
    action = np.zeros(13, np.float32)
    action[1] = 1.0  # head_leftright, to the left
    for _ in range(3):
        after, *_ = env.step(action)
    assert red_pixels(after[..., 3:])[1].mean() > red_pixels(before[..., 3:])[1].mean() + 5
    np.testing.assert_allclose(
        red_pixels(after[..., :3])[1].mean(), red_pixels(before[..., :3])[1].mean(), atol=1
    )  # the other camera stands still


@pytest.mark.slow
@pytest.mark.parametrize(("world", "actions"), list(itertools.product(WORLDS, ("discrete", "continuous"))))
def test_a_step_costs_little_more_than_a_bare_loop(make, world, actions):
    env = make(world, **ACTIONS[actions], max_steps=1000)
    level = {"discrete": (0, 1, 2, 3), "continuous": np.float32([(-1, 0.5, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0)])}
    plan = [level[actions][i] for i in np.random.default_rng(0).integers(4, size=60)]
    env.reset(seed=0)
    goals = []
    for action in plan:
        env.step(action)
        goals.append(env.robot.joint_goals.tolist())
    client, body, config = env._scene.client, env.robot.body, env.config
    arm = [list(JOINTS).index(name) for name in RIGHT_ARM]

    def ours():
        for action in plan:
            env.step(action)

    def bare():
        for goal in goals:
            p.setJointMotorControlArray(
                body,
                arm,
                p.POSITION_CONTROL,
                targetPositions=goal,
                forces=[config.max_force] * len(arm),
                physicsClientId=client,
            )
            for _ in range(config.physics_steps_per_action):
                p.stepSimulation(client)
            p.getLinkState(body, HAND_LINK, physicsClientId=client)
            p.getContactPoints(body, physicsClientId=client)

    def seconds(work):
        env.reset(seed=0)
        start = time.process_time()
        work()
        return time.process_time() - start

    ratios = []
    for _ in range(7):
        mine = seconds(ours)
        ratios.append(seconds(bare) / mine)
    assert statistics.median(ratios) >= 0.7
