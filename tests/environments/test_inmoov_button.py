"""`InmoovButtonGymEnv-v0`: the rules of the Kuka worlds with the humanoid's right fist."""

import itertools

import gymnasium
import numpy as np
import pybullet as p
import pytest

import environments  # noqa: F401
from environments.inmoov.inmoov_button_gym_env import InmoovButtonGymEnv
from environments.inmoov.oracle import press_action

ACTIONS = {
    "discrete": {},
    "continuous": {"is_discrete": False},
    "joint": {"is_discrete": False, "action_joints": True},
}
STATE_DIMS = {"ground_truth": (3, 6), "joints": (53, 53), "joints_position": (56, 59)}


@pytest.fixture
def make():
    made = []

    def build(**kwargs):
        made.append(InmoovButtonGymEnv(**{"srl_model": "ground_truth", **kwargs}))
        return made[-1]

    yield build
    for env in made:
        env.close()


def play(env, policy, seed):
    """Return, length and last info of one episode."""
    env.reset(seed=seed)
    total, steps, over = 0.0, 0, False
    while not over:
        _, reward, terminated, truncated, info = env.step(policy(env))
        total, steps, over = total + reward, steps + 1, terminated or truncated
    return total, steps, info


@pytest.mark.parametrize(
    ("actions", "srl_model", "relative"), list(itertools.product(ACTIONS, ["raw_pixels", *STATE_DIMS], [True, False]))
)
def test_observations_have_the_shape_of_their_mode(actions, srl_model, relative):
    env = gymnasium.make(
        "InmoovButtonGymEnv-v0",
        **ACTIONS[actions],
        srl_model=srl_model,
        relative_pos=relative,
        multi_view=srl_model == "raw_pixels" and relative,
        random_target=relative,
        shape_reward=not relative,
        img_shape=(36, 48),
        settle_steps=20,
    ).unwrapped
    if srl_model == "raw_pixels":
        assert env.observation_space.shape == (36, 48, 6 if relative else 3)
    else:
        assert env.observation_space.shape == (STATE_DIMS[srl_model][0 if relative else 1],)
    assert env.observation_space.contains(env.reset(seed=0)[0])
    env.close()


@pytest.mark.parametrize("actions", ACTIONS)
@pytest.mark.parametrize("random_target", [False, True])
def test_a_scripted_fist_pushes_the_button_for_five(make, actions, random_target):
    env = make(**ACTIONS[actions], random_target=random_target)
    episodes = [play(env, press_action, seed) for seed in range(12)]
    assert [total for total, _, _ in episodes].count(5.0) >= 11
    assert np.median([steps for _, steps, _ in episodes]) < 60


def test_random_target_moves_the_button_on_the_table(make):
    env = make(random_target=True)
    feet = []
    for seed in range(20):
        env.reset(seed=seed)
        feet.append(p.getBasePositionAndOrientation(env._scene.button, physicsClientId=env._scene.client)[0])
        np.testing.assert_allclose(env.target_pos() - feet[-1], (0, 0, 0.18), atol=1e-9)
    low, high = np.min(feet, axis=0), np.max(feet, axis=0)
    assert 0.42 <= low[0] < 0.44 < 0.5 < high[0] <= 0.52
    assert -0.4 <= low[1] < -0.3 < -0.1 < high[1] <= 0.0
    assert low[2] == high[2] == 0.92


def test_force_down_turns_up_into_down(make):
    for kwargs, up in (({}, 5), (ACTIONS["continuous"], np.array([0, 0, 1], np.float32))):
        for force_down, sign in ((True, -1), (False, 1)):
            env = make(**kwargs, force_down=force_down, n_random_actions_at_init=0)
            env.reset(seed=0)
            before = env.robot.hand_goal
            env.step(up)
            np.testing.assert_allclose(np.subtract(env.robot.hand_goal, before), (0, 0, sign * 0.03), atol=1e-9)


def test_five_steps_of_contact_are_the_greatest_return(make):
    env = make()
    env.reset(seed=0)
    env._scene.contacts = lambda: (True, False)
    steps = [env.step(0) for _ in range(5)]
    assert [step[1] for step in steps] == [1.0] * 5
    assert [step[2] for step in steps] == [False] * 4 + [True]
    assert steps[-1][4]["is_success"] is True


def test_touching_the_table_overrides_the_contact_and_ends_the_episode(make):
    env = make()
    env.reset(seed=0)
    env._scene.contacts = lambda: (True, True)
    _, reward, terminated, truncated, info = env.step(0)
    assert (reward, terminated, truncated, info["is_success"]) == (-1.0, True, False, False)
    assert info["reward_terms"] == {"contact": 0.0, "table": -1.0, "outside": 0.0}


def test_a_fist_that_misses_hits_the_table(make):
    env = make(button_pos=(0.5, 0.2, 0.92))
    total, steps, info = play(env, lambda env: 4, seed=0)
    assert (total, info["is_success"]) == (-1.0, False)
    assert steps < 100


def test_outside_costs_one_a_step_until_the_episode_fails(make):
    env = make(max_distance=0.05, max_steps_outside=3)
    env.reset(seed=0)
    steps = [env.step(0) for _ in range(3)]
    assert [step[1] for step in steps] == [-1.0] * 3
    assert [step[2] for step in steps] == [False, False, True]
    assert steps[-1][4]["is_success"] is False


@pytest.mark.parametrize("is_discrete", [True, False])
def test_the_dense_reward_is_minus_the_distance(make, is_discrete):
    env = make(shape_reward=True, is_discrete=is_discrete)
    env.reset(seed=0)
    state, reward, *_ = env.step(1 if is_discrete else np.ones(3, np.float32))
    assert reward == pytest.approx(-np.linalg.norm(state), abs=1e-6)


@pytest.mark.parametrize(
    ("is_discrete", "table", "last"), [(True, False, None), (False, False, 50.0), (False, True, -250.0)]
)
def test_the_dense_reward_of_the_last_step(make, is_discrete, table, last):
    env = make(shape_reward=True, is_discrete=is_discrete, n_contacts_to_end=1)
    env.reset(seed=0)
    env._scene.contacts = lambda: (not table, table)
    state, reward, terminated, *_ = env.step(0 if is_discrete else np.zeros(3, np.float32))
    assert terminated
    assert reward == pytest.approx(-np.linalg.norm(state) if last is None else last, abs=1e-6)


def test_an_episode_is_truncated_at_max_steps(make):
    env = make(max_steps=3)
    env.reset(seed=0)
    assert [env.step(0)[2:4] for _ in range(3)] == [(False, False)] * 2 + [(False, True)]
