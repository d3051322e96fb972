"""The Kuka worlds that vary the push of one button: their rules, and that they can be solved."""

import math

import numpy as np
import pybullet as p
import pytest

import environments  # noqa: F401
from environments.kuka_gym.oracle import scripted_action
from environments.kuka_gym.scene import CAP_LINK
from environments.registry import find_env, registered_env
from srl3.errors import UserError
from tests.cases import product

RAND, TWO, MOVING = "KukaRandButtonGymEnv-v0", "Kuka2ButtonGymEnv-v0", "KukaMovingButtonGymEnv-v0"
WORLDS = (RAND, TWO, MOVING)
ACTIONS = {
    "discrete": {},
    "continuous": {"is_discrete": False},
    "joint": {"is_discrete": False, "action_joints": True},
}


@pytest.fixture
def make():
    made = []

    def build(world, **kwargs):
        made.append(find_env(world).load_class()(**{"srl_model": "ground_truth", **kwargs}))
        return made[-1]

    yield build
    for env in made:
        env.close()


def everything(env):
    """All that the engine simulates: poses and speeds of joints and loose bodies."""
    scene = env._scene
    values = []
    for body in (scene.arm.body, *scene.buttons):
        joints = range(p.getNumJoints(body, physicsClientId=scene.client))
        values += [
            value for state in p.getJointStates(body, joints, physicsClientId=scene.client) for value in state[:2]
        ]
    for body in (*scene.buttons, *scene.loose_bodies):
        position, orientation = p.getBasePositionAndOrientation(body, physicsClientId=scene.client)
        values += [*position, *orientation, *sum(p.getBaseVelocity(body, physicsClientId=scene.client), ())]
    return values


def trajectory(env, seed, actions):
    """Everything simulated, observed and earned in an episode, until it ends."""
    rows = [[*env.reset(seed=seed)[0], *everything(env)]]
    for action in actions:
        state, reward, terminated, truncated, _ = env.step(action)
        rows.append([*state, *everything(env), reward])
        if terminated or truncated:
            break
    return rows


def sample(env, seed, count):
    env.action_space.seed(seed)
    return [env.action_space.sample() for _ in range(count)]


def play(env, seed):
    """Return, length and last info of the scripted policy's episode."""
    env.reset(seed=seed)
    total, steps, over, info = 0.0, 0, False, {}
    while not over:
        _, reward, terminated, truncated, info = env.step(scripted_action(env))
        total, steps, over = total + reward, steps + 1, terminated or truncated
    return total, steps, info


# all three


@pytest.mark.parametrize("world", WORLDS)
def test_it_is_registered_as_a_variant(world):
    assert registered_env[world].parent == "KukaButtonGymEnv-v0"
    assert registered_env[world].load_config().env_id == world
    assert issubclass(registered_env[world].load_class(), registered_env["KukaButtonGymEnv-v0"].load_class())


@pytest.mark.parametrize(
    ("world", "actions"),
    product(WORLDS, ACTIONS, gate=lambda world, actions: WORLDS.index(world) == list(ACTIONS).index(actions)),
)
def test_an_episode_does_not_depend_on_what_ran_before(make, world, actions):
    kwargs = {**ACTIONS[actions], "random_target": True, "max_steps": 350, "workspace_z": (0.0, 0.2)}
    fresh, used, other = make(world, **kwargs), make(world, **kwargs), make(world, **kwargs)
    chosen = sample(fresh, 1, 350)
    rows = trajectory(fresh, 1, chosen)
    for history in range(2):
        trajectory(used, history, sample(used, history, 150 + 200 * history))
        trajectory(other, history, sample(other, history + 9, 30))
        assert trajectory(used, 1, chosen) == rows


@pytest.mark.parametrize("world", WORLDS)
def test_resuming_in_mid_episode_goes_on_to_the_last_bit(make, world):
    kwargs = {"random_target": True, "max_steps": 400}
    env, other = make(world, **kwargs), make(world, **kwargs)
    chosen = sample(env, 4, 400)
    trajectory(env, 1, chosen)  # so that the episode that is resumed has a history
    trajectory(other, 2, chosen[:200])
    env.reset()
    for action in chosen[:180]:
        env.step(action)
    other.restore_state(env.resume_state())
    for action in chosen[180:300]:
        one, two = env.step(action), other.step(action)
        assert everything(env) == everything(other)
        assert one[1:4] == two[1:4]
        if one[2] or one[3]:
            break
    np.testing.assert_array_equal(env.reset()[0], other.reset()[0])


@pytest.mark.parametrize(
    ("world", "is_discrete", "random_target"),
    product(
        WORLDS, (True, False), (True, False), gate=lambda world, *switches: switches[0] != switches[1] or world == TWO
    ),
)
def test_the_scripted_policy_earns_the_greatest_return(make, world, is_discrete, random_target):
    best = 10.0 if world == TWO else 5.0
    env = make(world, is_discrete=is_discrete, random_target=random_target)
    for seed in range(2):
        total, _, info = play(env, seed)
        assert (total, info["is_success"]) == (best, True)


@pytest.mark.parametrize(("world", "steps"), [(RAND, 1000), (TWO, 1500), (MOVING, 1500)])
def test_the_length_of_an_episode(world, steps):
    assert find_env(world).load_config()().max_steps == steps


@pytest.mark.parametrize("world", WORLDS)
def test_an_episode_is_truncated_at_max_steps_and_not_later(make, world):
    env = make(world, max_steps=3)
    env.reset(seed=0)
    assert [env.step(0)[2:4] for _ in range(3)] == [(False, False)] * 2 + [(False, True)]


@pytest.mark.parametrize(
    ("world", "wrong"),
    [
        (RAND, {"n_distractor": 3}),
        (RAND, {"n_distractors": -1}),
        (RAND, {"distractor_x": (0.6, 0.5)}),
        (TWO, {"second_button": (0, 0, 0)}),
        (TWO, {"second_random_target_y": (0.0, -0.1)}),
        (MOVING, {"button_speed": "fast"}),
        (MOVING, {"button_turns_y": (0.1, -0.1)}),
    ],
)
def test_wrong_parameters_are_refused_naming_the_world(world, wrong):
    with pytest.raises(UserError, match=world):
        find_env(world).load_class()(**wrong)


# among distractors


def test_distractors_lie_around_the_button_on_the_table(make):
    env = make(RAND, random_target=True)
    scene, places = env._scene, []
    for seed in range(12):
        env.reset(seed=seed)
        positions = np.array(
            [p.getBasePositionAndOrientation(body, physicsClientId=scene.client)[0] for body in scene.distractors]
        )
        assert positions.shape == (10, 3)
        assert (np.linalg.norm(positions[:, :2] - env.target_pos()[:2], axis=1) > 0.095).all()
        assert (np.abs(positions[:, :2] - (0.5, 0.0)) <= (0.16, 0.31)).all()
        assert (positions[:, 2] > -0.2).all()
        assert (positions[:, 2] < -0.14).all()
        places.append(positions)
    spread = np.ptp(np.concatenate(places), axis=0)
    assert (spread[:2] > (0.28, 0.55)).all()
    assert len(set(scene.distractors)) == 10


def test_where_distractors_lie_comes_from_the_seed_alone(make):
    env, other = make(RAND), make(RAND)
    np.random.seed(1)
    env.reset(seed=5)
    np.random.seed(2)
    other.reset(seed=5)
    first = everything(env)
    assert everything(other) == first
    env.reset(seed=6)
    assert everything(env) != first


def test_the_ball_is_kicked_at_the_tenth_step(make):
    speeds = []
    for kick_step in (10, 0):
        env = make(RAND, kick_step=kick_step)
        env.reset(seed=0)
        speeds.append([])
        for _ in range(12):
            env.step(0)
            speeds[-1].append(p.getBaseVelocity(env._scene.ball, physicsClientId=env._scene.client)[0][1])
    kicked, left = speeds
    assert kicked[:9] == left[:9]
    assert kicked[9] - left[9] == pytest.approx(10 / 240 / 0.1, rel=0.1)  # force × time / mass


def test_distractors_for_which_there_is_no_room_are_a_users_mistake(make):
    env = make(RAND, n_distractors=40)
    with pytest.raises(UserError, match="no room"):
        env.reset(seed=0)


# two buttons


def test_each_button_pays_in_its_turn_and_only_then(make):
    env = make(TWO)
    env.reset(seed=0)
    light, dark = env._scene.buttons
    touched = light
    env._scene.contacts = lambda: (env._scene.button == touched, False)
    np.testing.assert_allclose(env.target_pos(), (0.5, 0.125, 0.08))
    rewards = [env.step(5)[1] for _ in range(7)]
    assert rewards == [1.0] * 5 + [0.0] * 2
    np.testing.assert_allclose(env.target_pos(), (0.5, -0.125, 0.08))
    touched = dark
    steps = [env.step(5) for _ in range(5)]
    assert [step[1] for step in steps] == [1.0] * 5
    assert [step[2] for step in steps] == [False] * 4 + [True]
    assert steps[-1][4]["is_success"] is True


def test_touching_the_dark_button_first_earns_nothing(make):
    env = make(TWO)
    env.reset(seed=0)
    env._aim_at(env._positions[1])
    scene, earned, n_touches = env._scene, 0.0, 0
    while n_touches < 8:
        earned += env.step(scripted_action(env))[1]
        contacts = p.getContactPoints(scene.arm.body, scene.buttons[1], physicsClientId=scene.client)
        n_touches += any(contact[4] == CAP_LINK for contact in contacts)
    assert earned == 0.0


def test_the_ground_truth_points_to_the_button_whose_turn_it_is(make):
    env = make(TWO)
    state, _ = env.reset(seed=0)
    np.testing.assert_allclose(state, env._arm.gripper_pos() - np.array((0.5, 0.125, 0.08)), atol=1e-6)
    env._scene.contacts = lambda: (True, False)
    for _ in range(5):
        state, *_ = env.step(5)
    np.testing.assert_allclose(state, env._arm.gripper_pos() - np.array((0.5, -0.125, 0.08)), atol=1e-6)
    assert env.reset(seed=0)[0][1] < 0  # from the light button again


@pytest.mark.parametrize("is_discrete", [True, False])
def test_the_dense_reward_of_two_buttons(make, is_discrete):
    env = make(TWO, shape_reward=True, is_discrete=is_discrete)
    action = 0 if is_discrete else np.zeros(3, np.float32)
    state, _ = env.reset(seed=0)
    state, reward, *_ = env.step(action)
    assert reward == pytest.approx(-math.dist(state, (0, 0, 0)), abs=1e-6)
    env._scene.contacts = lambda: (True, False)
    assert [env.step(action)[1] for _ in range(10)] == [25.0] * 9 + [50.0]
    env.reset(seed=0)
    env._scene.contacts = lambda: (False, True)
    assert env.step(action)[1:3] == (-250.0, True)
    far = make(TWO, shape_reward=True, is_discrete=is_discrete, max_distance=0.1)
    far.reset(seed=0)
    assert far.step(action)[1:3] == (-20.0, False)


def test_both_buttons_are_random_with_a_random_target(make):
    env = make(TWO, random_target=True)
    episodes = []
    for seed in range(20):
        env.reset(seed=seed)
        bodies = env._scene.buttons
        feet = [p.getBasePositionAndOrientation(body, physicsClientId=env._scene.client)[0] for body in bodies]
        np.testing.assert_allclose(env.target_pos(), feet[0] + np.array((0, 0, 0.28)))
        episodes.append(feet)
    places = np.array(episodes)
    assert (places.std(axis=0)[:, :2] > 0.03).all()  # the reference left the first one where it was
    assert (np.linalg.norm(places[:, 0] - places[:, 1], axis=1) >= 0.15).all()


def test_the_hand_can_rise_between_two_buttons(make):
    env = make(TWO, noise_std=0.0, n_random_actions_at_init=0)
    env.reset(seed=0)
    env.step(4)
    low = env._arm.effector_goal[2]
    env.step(5)
    assert env._arm.effector_goal[2] == pytest.approx(low + 0.03)


def test_the_caps_are_light_and_dark(make):
    scene = make(TWO)._scene
    colors = [
        next(row[7] for row in p.getVisualShapeData(button, physicsClientId=scene.client) if row[1] == CAP_LINK)
        for button in scene.buttons
    ]
    assert sum(colors[0][:3]) > 1.5 > 0.7 > sum(colors[1][:3])


# a moving button


def test_the_button_moves_a_millimetre_a_step_and_turns_round(make):
    env = make(MOVING)
    env.reset(seed=0)
    places = []
    for _ in range(1000):
        env.step(1)
        places.append(env.target_pos()[1])
    foot = p.getBasePositionAndOrientation(env._scene.button, physicsClientId=env._scene.client)[0]
    np.testing.assert_allclose(foot, env.target_pos() - (0, 0, 0.28))
    np.testing.assert_allclose(np.abs(np.diff(places)).max(), 0.001)
    assert places[0] == pytest.approx(0.001)
    assert max(places) == pytest.approx(0.3)
    assert min(places) == pytest.approx(-0.3)
    turns = np.diff(np.sign(np.diff(places))) != 0
    assert turns.sum() in (2, 4)  # one or two steps for each of the two turns


def test_the_ground_truth_follows_the_moving_button(make):
    env = make(MOVING)
    env.reset(seed=0)
    for _ in range(50):
        state, *_ = env.step(0)
    np.testing.assert_allclose(state, env._arm.gripper_pos() - env.target_pos(), atol=1e-6)
    assert env.target_pos()[1] == pytest.approx(0.05)


@pytest.mark.parametrize("is_discrete", [True, False])
@pytest.mark.parametrize(("table", "last"), [(False, 50.0), (True, -250.0)])
def test_the_dense_reward_of_a_moving_button(make, is_discrete, table, last):
    env = make(MOVING, shape_reward=True, is_discrete=is_discrete, n_contacts_to_end=1)
    action = 0 if is_discrete else np.zeros(3, np.float32)
    env.reset(seed=0)
    state, reward, *_ = env.step(action)
    assert reward == pytest.approx(-math.dist(state, (0, 0, 0)), abs=1e-6)
    env._scene.contacts = lambda: (not table, table)
    assert env.step(action)[1:3] == (last, True)
