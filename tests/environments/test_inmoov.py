"""`InmoovGymEnv-v0`: its modes, actions, reward, and that it can be solved."""

import itertools

import gymnasium
import numpy as np
import pybullet as p
import pytest

import environments  # noqa: F401
from environments.inmoov.inmoov_gym_env import CLOSE_HAND, OPEN_HAND, InmoovGymEnv
from environments.inmoov.oracle import reach_action
from environments.inmoov.robot import JOINTS, RIGHT_FINGERS
from srl3.errors import UserError
from tests.cases import product

ACTIONS = {
    "discrete": {},
    "continuous": {"is_discrete": False},
    "joint": {"is_discrete": False, "action_joints": True},
}
STATE_DIMS = {"ground_truth": (3, 6), "joints": (53, 53), "joints_position": (56, 59)}
QUIET = {"n_random_actions_at_init": 0}


@pytest.fixture
def make():
    made = []

    def build(**kwargs):
        made.append(InmoovGymEnv(**{"srl_model": "ground_truth", **kwargs}))
        return made[-1]

    yield build
    for env in made:
        env.close()


def play(env, seed):
    """Return, steps until within 0.1 m, and last info of one scripted episode."""
    state, info = env.reset(seed=seed)
    total, steps, first, over = 0.0, 0, None, False
    while not over:
        state, reward, terminated, truncated, info = env.step(reach_action(env))
        total, steps, over = total + reward, steps + 1, terminated or truncated
        if first is None and np.linalg.norm(state) < 0.1:
            first = steps
    return total, first, info


# modes


@pytest.mark.parametrize(
    ("actions", "srl_model", "relative"), list(itertools.product(ACTIONS, ["raw_pixels", *STATE_DIMS], [True, False]))
)
def test_observations_have_the_shape_of_their_mode(actions, srl_model, relative):
    env = gymnasium.make(
        "InmoovGymEnv-v0",
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


def test_action_spaces(make):
    assert make().action_space.n == 8
    assert make(is_discrete=False).action_space.shape == (3,)
    assert make(is_discrete=False, action_joints=True).action_space.shape == (13,)


def test_ground_truth_is_relative_or_agent_then_target(make):
    relative = make(random_target=True).reset(seed=3)[0]
    absolute_env = make(random_target=True, relative_pos=False)
    absolute = absolute_env.reset(seed=3)[0]
    np.testing.assert_allclose(absolute[:3] - absolute[3:], relative, atol=1e-6)
    np.testing.assert_allclose(absolute[3:], absolute_env.target_pos(), atol=1e-6)
    np.testing.assert_allclose(absolute[:3], absolute_env.hand_pos(), atol=1e-6)


def test_joints_position_is_joints_then_ground_truth(make):
    joints, position, both = (
        make(srl_model=kind).reset(seed=3)[0] for kind in ("joints", "ground_truth", "joints_position")
    )
    np.testing.assert_array_equal(both, np.concatenate([joints, position]))


@pytest.mark.parametrize("random_target", [False, True])
def test_the_target_is_the_fruit(make, random_target):
    env = make(random_target=random_target)
    targets = []
    for seed in range(20):
        env.reset(seed=seed)
        targets.append(env.target_pos())
        fruit = p.getLinkState(env._scene.plant, 0, physicsClientId=env._scene.client)[0]
        np.testing.assert_allclose(fruit, targets[-1], atol=1e-6)
    low, high = np.min(targets, axis=0), np.max(targets, axis=0)
    if not random_target:
        np.testing.assert_array_equal(low, (0.5, -0.05, 1.18))
        np.testing.assert_array_equal(high, low)
    else:
        assert 0.45 <= low[0] < 0.47 < 0.52 < high[0] <= 0.54
        assert -0.45 <= low[1] < -0.35 < -0.05 < high[1] <= 0.05
        assert low[2] == high[2] == 1.18


def test_action_repeat_is_that_many_steps_with_their_rewards_summed(make):
    one, four = make(), make(action_repeat=4)
    one.reset(seed=5)
    four.reset(seed=5)
    singles = [one.step(1) for _ in range(4)]
    state, reward, _, _, info = four.step(1)
    np.testing.assert_array_equal(state, singles[-1][0])
    assert reward == pytest.approx(sum(single[1] for single in singles))
    assert info["reward_terms"]["distance"] == pytest.approx(reward)


# actions


def test_discrete_actions_move_the_hands_goal(make):
    env = make(**QUIET)
    for action, move in enumerate([(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)]):
        env.reset(seed=0)
        start, goal = env.hand_pos(), np.array(env.robot.hand_goal)
        env.step(action)
        np.testing.assert_allclose(env.robot.hand_goal, goal + np.multiply(0.03, move), atol=1e-9)
        for _ in range(7):
            env.step(action)
        moved = float((env.hand_pos() - start) @ move)
        assert 0.02 < moved < 0.25  # slowest along x, for which the shoulder lifts the arm at 0.1 rad/s


def test_the_hands_goal_stays_in_the_workspace_and_near_the_hand(make):
    env = make(**QUIET)
    env.reset(seed=0)
    for action in (2, 0, 4):
        for _ in range(25):
            before = env.hand_pos()
            env.step(action)
            goal = np.array(env.robot.hand_goal)
            assert np.linalg.norm(goal - before) <= 0.1  # 0.08, more where the workspace ends
            assert (goal >= np.array((0.15, -0.60, 0.85)) - 1e-9).all()


def test_the_hand_opens_and_closes(make):
    env = make(**QUIET, srl_model="joints")
    fingers = [list(JOINTS).index(name) for name in RIGHT_FINGERS]
    signs = np.array(list(RIGHT_FINGERS.values()))
    angles, _ = env.reset(seed=0)
    np.testing.assert_allclose(angles[fingers] * signs, 0.15, atol=0.02)
    for action, bend in ((CLOSE_HAND, 0.75), (OPEN_HAND, 0.15)):
        start = env.hand_pos()
        for _ in range(25):
            angles, *_ = env.step(action)
        np.testing.assert_allclose(angles[fingers] * signs, bend, atol=0.02)
        np.testing.assert_allclose(env.hand_pos(), start, atol=0.005)


def test_motors_turn_no_faster_than_the_model_says(make):
    env = make(**QUIET, **ACTIONS["joint"], srl_model="joints")
    before, _ = env.reset(seed=0)
    after, *_ = env.step(np.ones(13, np.float32))
    speeds = np.array([joint.velocity for joint in JOINTS.values()])
    moved = np.abs(after - before)
    assert (moved <= 0.2 * np.minimum(speeds, 0.5) + 2e-3).all()
    assert (moved > 0.05).sum() >= 8
    shoulder = list(JOINTS).index("right_shoulder_up")
    assert 0.015 < moved[shoulder] <= 0.0201


def test_one_physics_step_an_action_turns_a_shoulder_by_four_tenths_in_an_episode(make):
    env = make(
        **QUIET, **ACTIONS["joint"], srl_model="joints", physics_steps_per_action=1, timestep=1 / 240, max_steps=1000
    )
    shoulder = list(JOINTS).index("right_shoulder_up")
    before, _ = env.reset(seed=0)
    action = np.zeros(13, np.float32)
    action[4] = 1.0
    for _ in range(1000):
        after, *_ = env.step(action)
    assert after[shoulder] - before[shoulder] == pytest.approx(0.1 * 1000 / 240, abs=0.02)


def test_joint_actions_move_every_control_joint_and_no_other(make):
    env = make(**QUIET, **ACTIONS["joint"], srl_model="joints")
    before, _ = env.reset(seed=0)
    for _ in range(5):
        after, *_ = env.step(np.full(13, -0.5, np.float32))
    moved = {name for name, change in zip(JOINTS, np.abs(after - before), strict=True) if change > 0.01}
    arms = {f"{side}_{part}" for side in ("right", "left") for part in ("shoulder_side", "shoulder_up")}
    assert moved >= arms | {"head_updown", "head_leftright", "eyes_updown", "right_bicep", "left_bicep", "left_hand"}
    assert moved <= set(list(JOINTS)[3:5]) | {"eyes_updown"} | {n for n in JOINTS if n.startswith(("right", "left_"))}
    assert not any(name in RIGHT_FINGERS for name in moved)


def test_welding_idle_joints_changes_little(make):
    welded, free = make(**QUIET), make(**QUIET, lock_idle_joints=False)
    for env in (welded, free):
        env.reset(seed=0)
        for action in [5] * 6 + [1] * 4 + [3] * 3:
            env.step(action)
    np.testing.assert_allclose(welded.hand_pos(), free.hand_pos(), atol=0.005)
    np.testing.assert_allclose(welded.joints(), free.joints(), atol=0.03)


@pytest.mark.parametrize(
    ("actions", "wrong"),
    [("discrete", w) for w in (-1, 8, 0.5, float("nan"), None, "0", [1], True)]
    + [("continuous", w) for w in ([0, 0], [0, 0, 1.5], [0, 0, float("nan")], [0, float("-inf"), 0], 0.0, None)]
    + [("joint", [0.0] * 3)],
)
def test_a_wrong_action_is_refused_before_the_physics(make, actions, wrong):
    env = make(**ACTIONS[actions], settle_steps=20)
    env.reset(seed=0)
    before = env.joints()
    with pytest.raises(ValueError):
        env.step(wrong)
    np.testing.assert_array_equal(env.joints(), before)
    assert env._elapsed_steps == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("physics_steps_per_action", 0),
        ("workspace_x", (0.5, 0.1)),
        ("reach_distance", -0.1),
        ("start_right_arm", (9.0, 0, 0, 0, 0)),
        ("head_field_of_view", 180.0),
        ("open_finger", -0.1),
        ("max_steps", 0),
        ("no_such_name", 1),
    ],
)
def test_a_wrong_parameter_is_refused(name, value):
    with pytest.raises(UserError, match=name.replace("start_right_arm", "right_shoulder_side")):
        InmoovGymEnv(srl_model="ground_truth", **{name: value})


# reward and end


def test_the_reward_is_minus_the_distance(make):
    env = make(**QUIET, relative_pos=False)
    env.reset(seed=0)
    state, reward, terminated, _, info = env.step(1)
    hand, fruit = state[:3], np.array((0.5, -0.05, 1.18))
    assert reward == pytest.approx(-float(np.sqrt(((hand - fruit) ** 2).sum())), abs=1e-6)
    assert info["reward_terms"] == {"distance": pytest.approx(reward), "contacts": 0.0}
    assert not terminated


@pytest.mark.parametrize(
    ("hand", "contacts", "shape", "expected"),
    [
        ((0.5, -0.05, 0.88), 0, False, -0.3),
        ((0.2, -0.45, 1.18), 2, False, 1.5),
        ((0.5, -0.05, 1.27), 0, False, 0.0),
        ((0.5, -0.05, 1.27), 3, False, 3.0),
        ((0.5, -0.05, 1.27), 3, True, 2.91),
        ((0.5, -0.16, 1.18), 1, False, 0.89),
    ],
)
def test_the_reward_at_named_poses(make, monkeypatch, hand, contacts, shape, expected):
    env = make(shape_reward=shape)
    env.reset(seed=0)
    monkeypatch.setattr(env.robot, "hand_pos", lambda: hand)
    monkeypatch.setattr(env._scene, "finger_contacts", lambda: contacts)
    assert env.step(OPEN_HAND)[1] == pytest.approx(expected, abs=1e-6)


def test_closing_the_hand_at_the_fruit_makes_contacts_that_pay(make):
    env = make()
    env.reset(seed=0)
    rewards = []
    for _ in range(100):
        _, reward, _, _, info = env.step(reach_action(env))
        rewards.append(reward)
    assert info["reward_terms"]["distance"] == 0.0
    assert reward == info["reward_terms"]["contacts"] == env._scene.finger_contacts() >= 3
    points = p.getContactPoints(env.robot.body, env._scene.plant, physicsClientId=env._scene.client)
    touching = {list(JOINTS)[point[3]] for point in points}
    assert len(touching & set(RIGHT_FINGERS)) == reward


def test_an_episode_is_truncated_at_max_steps_and_never_terminated(make):
    env = make(max_steps=4)
    env.reset(seed=0)
    assert [env.step(0)[2:4] for _ in range(4)] == [(False, False)] * 3 + [(False, True)]
    with pytest.raises(RuntimeError, match="reset"):
        env.step(0)


@pytest.mark.parametrize(
    ("actions", "random_target"),
    product(ACTIONS, (False, True), gate=lambda actions, random_target: random_target == (actions == "continuous")),
)
def test_a_scripted_hand_reaches_the_fruit_and_stays(make, actions, random_target):
    env = make(**ACTIONS[actions], random_target=random_target)
    episodes = [play(env, seed) for seed in range(12)]
    assert sum(info["is_success"] for _, _, info in episodes) >= 11.4
    assert np.median([first for _, first, _ in episodes if first]) <= 30
    assert np.mean([total for total, _, _ in episodes]) > 0


def test_doing_nothing_is_no_success(make):
    env = make(is_discrete=False, max_steps=20)
    env.reset(seed=0)
    for _ in range(20):
        *_, info = env.step(np.zeros(3, np.float32))
    assert info["is_success"] is False
