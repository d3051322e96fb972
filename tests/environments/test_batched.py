"""The batched core and its three faces: they agree to the last bit, end episodes rightly, and can be resumed."""

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy

from environments.batched import make_batched_vec_env, make_vector_env
from environments.batched.arrays import in_one_copy
from environments.batched.monitor_file import MonitorFile
from environments.batched.sb3 import BatchedVecEnv
from environments.batched.single import BatchedGymEnv
from environments.batched.srl_world import SRLWorld
from environments.batched.world import ALL, SubstepResult
from environments.config import SRLConfig
from environments.mobile_robot.mobile_robot_env import MobileRobotGymEnv
from srl3.errors import UserError
from srl3.tree import pack, unpack

ENV = "MobileRobotGymEnv-v0"
STATES = {"srl_model": "ground_truth"}


class CountdownWorld(SRLWorld):
    """Robots that terminate once their counter, drawn from 2 to 6, is used up; every application costs 1."""

    state_arrays = ("left",)

    def __init__(self, config: SRLConfig, num_envs: int) -> None:
        super().__init__(config, num_envs)
        self.left = np.zeros(num_envs, np.int64)

    def _make_action_space(self) -> spaces.Space[Any]:
        return spaces.Discrete(2)

    def ground_truth_dim(self) -> int:
        return 1

    def term_names(self) -> tuple[str, ...]:
        return ("step", "end")

    def _draw_episode(self, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(2, 7, 1).astype(np.float64)

    def _begin(self, rows: np.ndarray, draws: np.ndarray) -> None:
        self.left[rows] = draws[:, 0]

    def _substep(self, actions: np.ndarray) -> SubstepResult:
        self.left -= 1
        over = self.left <= 0
        return SubstepResult(np.stack([-np.ones(self.num_envs), 10.0 * over]), over, self.left == 0)

    def ground_truth(self, rows: Any = ALL) -> np.ndarray:
        return self.left[rows][:, None].astype(np.float32)

    def target_pos(self, rows: Any = ALL) -> np.ndarray:
        return np.zeros((len(self.left[rows]), 1))

    def images(self, rows: Any = ALL) -> np.ndarray:
        raise AssertionError("drawn without need")


class CountdownEnv(BatchedGymEnv):
    config_class = SRLConfig
    world_class = CountdownWorld


def countdown(num_envs: int, **env_kwargs: Any) -> CountdownWorld:
    return CountdownWorld(SRLConfig(srl_model="ground_truth", **env_kwargs), num_envs)


MODES = [
    {"srl_model": "ground_truth"},
    {"srl_model": "ground_truth", "is_discrete": False, "random_target": True, "noise_std": 0.02, "action_repeat": 3},
    {"srl_model": "ground_truth", "shape_reward": True, "relative_pos": False, "noise_std": 0.02},
    {"srl_model": "raw_pixels", "img_shape": (40, 52), "multi_view": True, "is_discrete": False, "record_data": True},
]


@pytest.mark.parametrize("env_kwargs", MODES)
def test_the_three_faces_agree_to_the_last_bit(env_kwargs: dict[str, Any]) -> None:
    n, seed = 3, 11
    env_kwargs = {**env_kwargs, "max_steps": 12}
    singles = [MobileRobotGymEnv(**env_kwargs) for _ in range(n)]
    vec_env = make_batched_vec_env(ENV, n, **env_kwargs)
    vector_env = make_vector_env(ENV, n, **env_kwargs)
    assert singles[0].observation_space == vec_env.observation_space == vector_env.single_observation_space
    assert singles[0].action_space == vec_env.action_space == vector_env.single_action_space

    vec_env.seed(seed)
    first = np.stack([env.reset(seed=seed + i)[0] for i, env in enumerate(singles)])
    np.testing.assert_array_equal(vec_env.reset(), first)
    np.testing.assert_array_equal(vector_env.reset(seed=seed)[0], first)
    vector_env.action_space.seed(0)
    for step in range(1, 31):
        actions = vector_env.action_space.sample()
        observations, rewards, dones, infos = vec_env.step(actions)
        vector_step = vector_env.step(actions)
        np.testing.assert_array_equal(vector_step[0], observations)
        assert observations.dtype == vec_env.observation_space.dtype
        assert rewards.dtype == np.float32
        for i, env in enumerate(singles):
            observation, reward, terminated, truncated, info = env.step(actions[i])
            assert (reward, terminated, truncated) == (vector_step[1][i], vector_step[2][i], vector_step[3][i])
            assert np.float32(reward) == rewards[i]
            assert dones[i] == truncated == (step % 12 == 0)
            if env_kwargs.get("record_data"):
                np.testing.assert_array_equal(infos[i]["frame"], info["frame"])
            if truncated:
                np.testing.assert_array_equal(infos[i]["terminal_observation"], observation)
                np.testing.assert_array_equal(vector_step[4]["final_obs"][i], observation)
                assert infos[i]["is_success"] == info["is_success"] == vector_step[4]["final_info"]["is_success"][i]
                observation = env.reset()[0]
            np.testing.assert_array_equal(observations[i], observation)


def test_a_robot_does_not_depend_on_its_neighbours() -> None:
    def trajectory(n: int) -> np.ndarray:
        env = make_batched_vec_env(ENV, n, random_target=True, noise_std=0.05, is_discrete=False, **STATES)
        env.seed(5)
        rng = np.random.default_rng(0)
        observations = [env.reset()[0]]
        for _ in range(300):
            action = rng.uniform(-1, 1, 2).astype(np.float32)
            observations.append(env.step(np.tile(action, (n, 1)))[0][0])
        return np.stack(observations)

    np.testing.assert_array_equal(trajectory(1), trajectory(17))


@pytest.mark.parametrize("repeat", [1, 4])
def test_termination_time_limit_and_repeats_as_in_the_single_face(repeat: int) -> None:
    n = 8
    kwargs: dict[str, Any] = {"action_repeat": repeat, "max_steps": 3 if repeat == 1 else 1000}
    env = BatchedVecEnv(countdown(n, **kwargs))
    singles = [CountdownEnv(srl_model="ground_truth", **kwargs) for _ in range(n)]
    env.seed(0)
    env.reset()
    for i, single in enumerate(singles):
        single.reset(seed=i)
    endings = {"terminated": 0, "truncated": 0}
    for _ in range(20):
        observations, rewards, dones, infos = env.step(np.zeros(n, np.int64))
        for i, single in enumerate(singles):
            observation, reward, terminated, truncated, _ = single.step(0)
            assert rewards[i] == reward
            assert dones[i] == (terminated or truncated)
            if dones[i]:
                endings["terminated" if terminated else "truncated"] += 1
                assert infos[i]["TimeLimit.truncated"] == truncated
                assert infos[i]["is_success"] == terminated
                assert infos[i]["terminal_observation"] == observation
                assert infos[i]["episode"]["r"] == sum(infos[i]["reward_terms"].values())
                observation = single.reset()[0]
            assert observations[i] == observation
    assert endings["terminated"] > 5
    assert repeat > 1 or endings["truncated"] > 5


def test_time_running_out_at_the_goal_is_a_termination() -> None:
    world = countdown(1, max_steps=2)
    world.reset()
    world.left[:] = 2
    world.step(np.zeros(1, np.int64))
    step = world.step(np.zeros(1, np.int64))
    assert step.terminated[0]
    assert not step.truncated[0]


def test_only_robots_that_ended_have_infos_with_the_sums_of_their_episode() -> None:
    env = make_batched_vec_env(ENV, 4, max_steps=5, shape_reward=True, **STATES)
    env.reset()
    sums = np.zeros(4)
    for step in range(1, 6):
        _, rewards, dones, infos = env.step(np.full(4, 1))
        sums += rewards
        if step < 5:
            assert infos == [{}] * 4
            assert not dones.any()
    assert dones.all()
    for i, info in enumerate(infos):
        assert set(info) == {"terminal_observation", "TimeLimit.truncated", "episode", "is_success", "reward_terms"}
        assert info["TimeLimit.truncated"] is True
        assert info["episode"]["l"] == 5
        assert info["episode"]["r"] == pytest.approx(sums[i], abs=1e-4)
        assert info["reward_terms"] == {"distance": pytest.approx(sums[i], abs=1e-4)}
        assert isinstance(info["is_success"], bool)


def test_the_monitor_file_is_what_sb3_writes(tmp_path: Path) -> None:
    path = tmp_path / "0.monitor.csv"
    env = make_batched_vec_env(ENV, 3, path, max_steps=4, **STATES)
    env.reset()
    episodes = []
    for _ in range(8):
        infos = env.step(np.zeros(3, np.int64))[3]
        episodes += [info["episode"] for info in infos if info]
    header, rows = read_monitor(path)  # flushed while the environment is open
    assert header["env_id"] == ENV
    assert header["t_start"] > 1e9
    assert rows == [{name: pytest.approx(value) for name, value in episode.items()} for episode in episodes]
    assert [row["l"] for row in rows] == [4] * 6
    env.close()


def test_a_monitor_file_goes_on_after_a_cut_row(tmp_path: Path) -> None:
    path = tmp_path / "0.monitor.csv"
    first = MonitorFile(path, ENV)
    first.write([{"r": 1.5, "l": 4, "t": 0.25}])
    first.close()
    with path.open("a") as file:
        file.write("2.0,4")
    second = MonitorFile(path, ENV, append=True)
    second.write([{"r": 2.5, "l": 4, "t": 9.0}])
    second.close()
    assert second.t_start == first.t_start
    assert [row["r"] for row in read_monitor(path)[1]] == [1.5, 2.5]
    MonitorFile(path, ENV).close()
    assert read_monitor(path)[1] == []
    MonitorFile(tmp_path / "1.monitor.csv", ENV, append=True).close()
    path.write_text("something else\n")
    with pytest.raises(UserError, match="not a monitor file"):
        MonitorFile(path, ENV, append=True)


def read_monitor(path: Path) -> tuple[dict[str, Any], list[dict[str, float]]]:
    with path.open() as file:
        first = file.readline()
        assert first[0] == "#"
        rows = list(csv.DictReader(file))
    return json.loads(first[1:]), [{name: float(value) for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("single", [False, True])
def test_a_resumed_world_goes_on_to_the_last_bit(single: bool) -> None:
    kwargs = {"random_target": True, "noise_std": 0.05, "max_steps": 20, "is_discrete": False, **STATES}

    def make() -> BatchedVecEnv | MobileRobotGymEnv:
        return MobileRobotGymEnv(**kwargs) if single else make_batched_vec_env(ENV, 4, **kwargs)

    def run(env: Any, actions: np.ndarray) -> list[Any]:
        results = []
        for action in actions:
            step = env.step(action)
            results.append(step[:-1])
            if single and step[3]:
                results.append(env.reset()[0])
            elif not single:
                results.append([(info["episode"]["r"], info["episode"]["l"]) for info in step[-1] if info])
        return results

    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (60, 2) if single else (60, 4, 2)).astype(np.float32)
    env = make()
    if isinstance(env, BatchedVecEnv):
        env.seed(3)
        env.reset()
    else:
        env.reset(seed=3)
    run(env, actions[:27])
    state = unpack(*pack(env.resume_state()))
    other = make()
    if isinstance(other, BatchedVecEnv):
        other.seed(99)  # as whoever makes it does; the saved state goes before
    other.restore_state(state)
    np.testing.assert_array_equal(other.world.images(), env.world.images())
    expected, resumed = run(env, actions[27:]), run(other, actions[27:])
    expected.append(env.reset())
    resumed.append(other.reset())
    for left, right in zip(expected, resumed, strict=True):
        for a, b in zip(left, right, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_state_of_another_number_of_robots_is_refused() -> None:
    state = make_batched_vec_env(ENV, 2, **STATES).resume_state()
    with pytest.raises(UserError, match="2 robots, not 3"):
        make_batched_vec_env(ENV, 3, **STATES).restore_state(state)


@pytest.mark.parametrize(
    "actions",
    [[0, 4], [0, -1], [0], [0.5, 1.0], [float("nan"), 0.0], [[0], [1]]],
)
def test_wrong_discrete_actions_are_refused(actions: list[Any]) -> None:
    env = make_batched_vec_env(ENV, 2, **STATES)
    env.reset()
    before = env.resume_state()
    with pytest.raises(ValueError, match="takes"):
        env.step(np.array(actions))
    np.testing.assert_equal(env.resume_state(), before)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 1.5])
def test_wrong_continuous_actions_are_refused(wrong: float) -> None:
    env = make_batched_vec_env(ENV, 2, is_discrete=False, **STATES)
    env.reset()
    with pytest.raises(ValueError, match="takes numbers"):
        env.step(np.array([[0, 0], [0, wrong]], np.float32))
    with pytest.raises(ValueError, match="shape"):
        env.step(np.zeros((2, 3), np.float32))


def test_stepping_before_reset_is_refused() -> None:
    with pytest.raises(RuntimeError, match="call reset"):
        make_batched_vec_env(ENV, 2, **STATES).step(np.zeros(2, np.int64))
    with pytest.raises(RuntimeError, match="call reset"):
        make_vector_env(ENV, 2, **STATES).step(np.zeros(2, np.int64))


def test_wrong_parameters_are_refused_by_every_face() -> None:
    for make in (make_batched_vec_env, make_vector_env):
        with pytest.raises(UserError, match="did you mean random_target"):
            make(ENV, 2, random_targets=True)
        with pytest.raises(UserError, match="at least 1"):
            make(ENV, 0)
        with pytest.raises(UserError, match="rgb_array"):
            make(ENV, 2, render_mode="ansi")


def test_seeds_last_for_one_reset_and_the_next_goes_on() -> None:
    env = make_batched_vec_env(ENV, 2, **STATES)
    env.seed(1)
    first, second = env.reset(), env.reset()
    env.seed(1)
    np.testing.assert_array_equal(env.reset(), first)
    np.testing.assert_array_equal(env.reset(), second)
    assert not np.array_equal(first, second)


def test_make_vec_gives_the_batched_vector_env() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make_vec(ENV, num_envs=8, srl_model="ground_truth", max_steps=3)
    assert type(env).__name__ == "BatchedVectorEnv"
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert json.loads(gymnasium.spec(ENV).to_json())["id"] == ENV
    statistics = gymnasium.wrappers.vector.RecordEpisodeStatistics(env)
    observations, infos = statistics.reset(seed=0)
    assert observations in env.observation_space
    assert infos == {}
    for _ in range(3):
        *_, truncations, infos = statistics.step(env.action_space.sample())
    assert truncations.all()
    assert infos["episode"]["l"].tolist() == [3] * 8
    np.testing.assert_allclose(
        sum(infos["final_info"]["reward_terms"][name] for name in ("target", "bump")), infos["episode"]["r"]
    )
    masked = env.reset(seed=[None] * 8, options={"reset_mask": np.arange(8) < 2})[0]
    np.testing.assert_array_equal(masked[2:], env.unwrapped.world.observe()[2:])
    env.close()


def test_sb3_reads_robots_one_by_one() -> None:
    env = make_batched_vec_env(ENV, 3, random_target=True, render_mode="rgb_array", img_shape=(40, 40), **STATES)
    observations = env.reset()
    np.testing.assert_array_equal(env.env_method("ground_truth"), observations)
    np.testing.assert_array_equal(env.env_method("target_pos", indices=[2])[0], env.world.target[2])
    assert env.get_attr("config", indices=1)[0].random_target
    assert env.get_attr("spec")[0].id == ENV
    assert not env.has_attr("action_masks")
    env.set_attr("label", "second", indices=[1])
    assert env.get_attr("label", indices=1) == ["second"]
    assert env.env_method("get_image", indices=0)[0].shape == (40, 40, 3)
    assert [image.shape for image in env.get_images() if image is not None] == [(40, 40, 3)] * 3
    picture = env.render()
    assert picture is not None
    assert picture.shape == (80, 80, 3)
    assert make_batched_vec_env(ENV, 2, **STATES).get_images() == [None, None]


def test_human_mode_shows_all_robots_in_one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[int, ...]] = []
    monkeypatch.setattr("environments.batched.sb3.show_frame", lambda title, image: shown.append(image.shape))
    env = make_batched_vec_env(ENV, 2, renders=True, img_shape=(40, 40), **STATES)
    env.reset()
    env.step(np.zeros(2, np.int64))
    assert shown == [(80, 40, 3)] * 2


def test_sb3_evaluates_and_trains_on_it() -> None:
    env = make_batched_vec_env(ENV, 4, max_steps=10, **STATES)
    env.seed(0)
    model = PPO("MlpPolicy", env, n_steps=16, batch_size=32, n_epochs=1, seed=0, device="cpu").learn(128)
    assert model.ep_info_buffer is not None
    assert {episode["l"] for episode in model.ep_info_buffer} == {10}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        returns, lengths = evaluate_policy(model, env, n_eval_episodes=6, return_episode_rewards=True)
    assert lengths == [10] * 6
    assert len(returns) == 6


@pytest.mark.parametrize("left", ["", "#{}", "#{}\nr,l"])
def test_a_monitor_file_that_was_emptied_begins_anew(tmp_path: Path, left: str):
    path = tmp_path / "0.monitor.csv"
    path.write_text(left)
    monitor = MonitorFile(path, ENV, append=True)
    monitor.write([{"r": 1.0, "l": 2, "t": 0.5}])
    monitor.close()
    head, columns, row = path.read_text().splitlines()
    assert head.startswith('#{"t_start": ')
    assert (columns, row) == ("r,l,t", "1.0,2,0.5")


def test_numbers_of_all_types_leave_a_device_in_one_copy() -> None:
    values = [
        torch.arange(3),
        torch.tensor([1.25, -2.5], dtype=torch.float64),
        torch.tensor([[True, False]]),
        torch.zeros(2, 0, dtype=torch.float64),
        torch.tensor([0.5]),
    ]
    copies = in_one_copy(values, torch.device("cpu"))
    for copied, value in zip(copies, values, strict=True):
        assert copied.dtype == value.numpy().dtype
        np.testing.assert_array_equal(copied, value.numpy())
