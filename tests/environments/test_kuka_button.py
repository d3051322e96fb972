"""`KukaButtonGymEnv-v0`: its modes, rules, and that it can be solved from what it shows."""

import itertools
import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pybullet as p
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import environments  # noqa: F401
from environments.kuka_gym import scene as scene_module
from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from srl3.errors import UserError

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


# modes


@pytest.mark.parametrize(
    ("actions", "srl_model", "relative"), itertools.product(ACTIONS, ["raw_pixels", *STATE_DIMS], [True, False])
)
def test_every_mode_passes_the_checkers(actions, srl_model, relative):
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env, skip_render_check=True)
        sb3_check_env(env, skip_render_check=True)
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


def test_nothing_is_drawn_in_state_modes(make, monkeypatch):
    monkeypatch.setattr(p, "getCameraImage", None)
    env = make(srl_model="joints_position")
    env.reset(seed=0)
    env.step(0)


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
    returns = [play(env, lambda state: above_then_down(state, is_discrete), seed)[0] for seed in range(8)]
    assert returns == [5.0] * 8


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
    monkeypatch.setattr(scene_module, "_has_display", lambda: False)
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
    with pytest.raises(UserError, match="KukaButtonGymEnv-v0|-joints"):
        KukaButtonGymEnv(**wrong)


def test_the_parameters_import_no_engine():
    code = (
        "import sys; from environments.registry import find_env; find_env('KukaButtonGymEnv-v0').load_config();"
        "sys.exit('pybullet' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert KukaButtonConfig().max_steps == 1000


def test_fifty_makes_and_closes_do_not_grow_the_memory():
    def resident_mb():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096 / 1e6

    def cycle():
        env = KukaButtonGymEnv(srl_model="ground_truth", settle_steps=5)
        env.reset(seed=0)
        env.close()
        env.close()

    for _ in range(10):
        cycle()
    before = resident_mb()
    for _ in range(50):
        cycle()
    assert resident_mb() - before < 10
