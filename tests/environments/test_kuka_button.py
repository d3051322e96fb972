"""`KukaButtonGymEnv-v0`: its modes, rules, and that it can be solved from what it shows."""

import itertools

import gymnasium
import numpy as np
import pybullet as p
import pytest

import environments  # noqa: F401
from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv

ACTIONS = {
    "discrete": {},
    "continuous": {"is_discrete": False},
    "joint": {"is_discrete": False, "action_joints": True},
}
STATE_DIMS = {"ground_truth": (3, 6), "joints": (14, 14), "joints_position": (17, 20)}
QUIET = {"noise_std": 0.0, "noise_std_continuous": 0.0, "noise_std_joints": 0.0, "n_random_actions_at_init": 0}


@pytest.fixture
def make():
    made = []

    def build(**kwargs):
        made.append(KukaButtonGymEnv(**{"srl_model": "ground_truth", **kwargs}))
        return made[-1]

    yield build
    for env in made:
        env.close()


def above_then_down(state, is_discrete):
    """From the ground truth alone: come above the button, the more exactly the lower, then down."""
    dx, dy, dz = map(float, state)
    aligned = max(abs(dx), abs(dy)) <= 0.02 + 0.15 * max(dz, 0.0)
    if not is_discrete:
        return np.clip([-20 * dx, -20 * dy, -float(aligned)], -1, 1).astype(np.float32)
    if aligned:
        return 4
    if abs(dx) >= abs(dy):
        return 0 if dx > 0 else 1
    return 2 if dy > 0 else 3


def play(env, policy, seed):
    """Return, length and last info of one episode."""
    state, info = env.reset(seed=seed)
    total, steps, over = 0.0, 0, False
    while not over:
        state, reward, terminated, truncated, info = env.step(policy(state))
        total, steps, over = total + reward, steps + 1, terminated or truncated
    return total, steps, info


# modes


@pytest.mark.parametrize(
    ("actions", "srl_model", "relative"), list(itertools.product(ACTIONS, ["raw_pixels", *STATE_DIMS], [True, False]))
)
def test_observations_have_the_shape_of_their_mode(actions, srl_model, relative):
    env = gymnasium.make(
        "KukaButtonGymEnv-v0",
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


def test_ground_truth_is_relative_or_agent_then_target(make):
    relative = make(random_target=True).reset(seed=3)[0]
    absolute_env = make(random_target=True, relative_pos=False)
    absolute = absolute_env.reset(seed=3)[0]
    np.testing.assert_allclose(absolute[:3] - absolute[3:], relative, atol=1e-6)
    np.testing.assert_allclose(absolute[3:], absolute_env.target_pos(), atol=1e-6)


def test_joints_position_is_joints_then_ground_truth(make):
    joints, position, both = (
        make(srl_model=kind).reset(seed=3)[0] for kind in ("joints", "ground_truth", "joints_position")
    )
    np.testing.assert_array_equal(both, np.concatenate([joints, position]))


def test_random_target_stays_in_its_range_and_moves_the_button(make):
    env = make(random_target=True)
    targets = []
    for seed in range(30):
        env.reset(seed=seed)
        targets.append(env.target_pos())
        foot = p.getBasePositionAndOrientation(env._scene.button, physicsClientId=env._scene.client)[0]
        np.testing.assert_allclose(foot, targets[-1] - (0, 0, 0.28))
    low, high = np.min(targets, axis=0), np.max(targets, axis=0)
    assert 0.35 <= low[0] < 0.4 < 0.6 < high[0] <= 0.65
    assert -0.3 <= low[1] < -0.2 < 0.2 < high[1] <= 0.3
    assert low[2] == high[2] == pytest.approx(0.08)


def test_action_repeat_is_that_many_steps_with_their_rewards_summed(make):
    one, four = make(shape_reward=True), make(shape_reward=True, action_repeat=4)
    one.reset(seed=5)
    four.reset(seed=5)
    singles = [one.step(1) for _ in range(4)]
    state, reward, _, _, info = four.step(1)
    np.testing.assert_array_equal(state, singles[-1][0])
    assert reward == pytest.approx(sum(single[1] for single in singles))
    assert info["reward_terms"]["distance"] == pytest.approx(reward)


# actions


def test_discrete_actions_move_the_hands_goal(make):
    env = make(**QUIET, force_down=False, small_workspace_x=(0.3, 0.7), start_effector_pos=(0.5, 0.0, 0.3))
    for action, move in enumerate([(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)]):
        env.reset(seed=0)
        env.step(action)
        np.testing.assert_allclose(env._arm.effector_goal, np.add((0.5, 0, 0.3), np.multiply(0.03, move)))


def test_force_down_turns_up_into_down(make):
    discrete = make(**QUIET)
    discrete.reset(seed=0)
    discrete.step(5)
    assert discrete._arm.effector_goal[2] == pytest.approx(0.47)
    continuous = make(**QUIET, is_discrete=False)
    continuous.reset(seed=0)
    continuous.step(np.array([0, 0, 1], np.float32))
    assert continuous._arm.effector_goal[2] == pytest.approx(0.4965)


def test_the_hands_goal_stays_in_the_workspace(make):
    env = make(**QUIET)
    env.reset(seed=0)
    for action in (1, 3, 4):
        for _ in range(20):
            env.step(action)
    assert env._arm.effector_goal == (0.65, 0.22, 0.0)


def test_joint_actions_go_on_from_the_current_goals_and_joints_are_live(make):
    env = make(**QUIET, **ACTIONS["joint"], srl_model="joints")
    before, _ = env.reset(seed=0)
    turn = np.array([0, 0, 0, 0, 0, 0, 1], np.float32)
    for _ in range(3):
        env.step(turn)
    assert env._arm.joint_goals[6] == pytest.approx(-0.006539 + 0.3)
    for _ in range(300):
        after = env.step(0 * turn)[0]
    np.testing.assert_allclose(after[6] - before[6], 0.3, atol=0.01)
    np.testing.assert_allclose(after[:6], before[:6], atol=0.01)
    for _ in range(50):
        env.step(turn)
    assert env._arm.joint_goals[6] == pytest.approx(3.05433)


def test_the_continuous_random_start_has_a_direction_in_space(make):
    env = make(is_discrete=False, n_random_actions_at_init=1, start_effector_pos=(0.6, 0.0, 0.3))
    moves = []
    for seed in range(10):
        env.reset(seed=seed)
        moves.append(np.subtract(env._arm.effector_goal, (0.6, 0.0, 0.3)))
    assert np.linalg.matrix_rank(moves, tol=1e-4) == 3
    np.testing.assert_allclose(np.linalg.norm(moves, axis=1), 0.0035)


@pytest.mark.parametrize(
    ("actions", "wrong"),
    [("discrete", w) for w in (-1, 6, 0.5, float("nan"), None, "0", [1], True)]
    + [("continuous", w) for w in ([0, 0], [0, 0, 1.5], [0, 0, float("nan")], [0, float("-inf"), 0], 0.0, None)]
    + [("joint", [0.0] * 3)],
)
def test_a_wrong_action_is_refused_before_the_physics(make, actions, wrong):
    env = make(**ACTIONS[actions], settle_steps=20)
    env.reset(seed=0)
    before = env.joints(), env.resume_state()["rng"]
    with pytest.raises(ValueError):
        env.step(wrong)
    np.testing.assert_array_equal(env.joints(), before[0])
    assert env.resume_state()["rng"] == before[1]
    assert env._elapsed_steps == 0


# rewards and ends


def test_five_steps_of_contact_are_the_greatest_return(make):
    env = make()
    env.reset(seed=0)
    env._scene.contacts = lambda: (True, False)
    steps = [env.step(0) for _ in range(5)]
    assert [step[1] for step in steps] == [1.0] * 5
    assert [step[2] for step in steps] == [False] * 4 + [True]
    assert steps[-1][4]["is_success"] is True
    with pytest.raises(RuntimeError, match="reset"):
        env.step(0)


def test_touching_the_table_overrides_the_contact_and_ends_the_episode(make):
    env = make()
    env.reset(seed=0)
    env._scene.contacts = lambda: (True, True)
    _, reward, terminated, truncated, info = env.step(0)
    assert (reward, terminated, truncated, info["is_success"]) == (-1.0, True, False, False)
    assert info["reward_terms"] == {"contact": 0.0, "table": -1.0, "outside": 0.0}


def test_outside_costs_one_a_step_until_the_episode_fails(make):
    env = make(max_distance=0.28, max_steps_outside=3)
    env.reset(seed=0)
    steps = [env.step(0) for _ in range(3)]
    assert [step[1] for step in steps] == [-1.0] * 3
    assert [step[2] for step in steps] == [False, False, True]
    assert steps[-1][4]["is_success"] is False


def test_an_episode_is_truncated_at_max_steps_and_not_later(make):
    env = make(max_steps=4)
    env.reset(seed=0)
    assert [env.step(0)[2:4] for _ in range(4)] == [(False, False)] * 3 + [(False, True)]


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


def test_the_arm_that_misses_the_button_hits_the_table(make):
    env = make(start_effector_pos=(0.6, 0.2, 0.5))
    total, steps, info = play(env, lambda state: 4, seed=0)
    assert total == -1.0
    assert info["reward_terms"]["table"] == -1.0
    assert info["is_success"] is False
    assert steps < 1000


@pytest.mark.parametrize("is_discrete", [True, False])
def test_a_rule_that_sees_only_the_ground_truth_pushes_the_fixed_button(make, is_discrete):
    env = make(is_discrete=is_discrete)
    for seed in range(4):
        total, steps, info = play(env, lambda state: above_then_down(state, is_discrete), seed)
        assert (total, info["is_success"]) == (5.0, True)
        assert steps < 500


@pytest.mark.parametrize("is_discrete", [True, False])
def test_a_rule_that_sees_only_the_ground_truth_pushes_the_random_button(make, is_discrete):
    env = make(is_discrete=is_discrete, random_target=True)
    returns = [play(env, lambda state: above_then_down(state, is_discrete), seed)[0] for seed in range(16)]
    assert returns.count(5.0) >= 15
