"""Recording: what is recorded is what happened, and the same whatever records it."""

import dataclasses
import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest

from environments import dataset_generator
from environments.config import GROUND_TRUTH, SRLConfig
from environments.datasets.dataset import Dataset, open_dataset
from environments.datasets.recording.policies import load_oracle
from environments.datasets.recording.processes import record_in_processes
from environments.datasets.recording.recorder import (
    RandomPerformer,
    Recorder,
    RecordingPlan,
    block_size_for,
    part_path,
)
from environments.datasets.recording.stage import make_stage, places
from environments.registry import find_env, registered_env
from srl3.errors import UserError

MOBILE = ["--env", "MobileRobotGymEnv-v0", "-r", "--img-shape", "40x40", "--env-kwargs", "max_steps:12"]
KUKA = ["--env", "KukaButtonGymEnv-v0", "-r", "--img-shape", "40x40", "--env-kwargs", "max_steps:8"]


def record(folder: Path, name: str, *flags: str) -> Dataset:
    status = dataset_generator.main(["--save-path", str(folder), "--name", name, "--no-progress", *flags])
    assert status == 0
    return open_dataset(folder / name)


def plan(env_id: str, num_episodes: int, toward_target: float = 0.0, **kwargs: object) -> RecordingPlan:
    config: SRLConfig = find_env(env_id).load_config().from_kwargs({"img_shape": (40, 40), **kwargs})
    return RecordingPlan(
        env_id=env_id,
        performer=RandomPerformer(env_id, config.as_dict()),
        seed=3,
        num_episodes=num_episodes,
        block_size=block_size_for(env_id, config, num_episodes),
        toward_target=toward_target,
        relative_pos=False,
    )


def assert_same_files(one: Path, other: Path) -> None:
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert [name for name in names if (one / name).read_bytes() != (other / name).read_bytes()] == []


@pytest.mark.parametrize(("flags", "episodes"), [(MOBILE, "35"), (KUKA, "3")], ids=["mobile", "kuka"])
def test_the_number_of_processes_changes_no_bit(tmp_path: Path, flags: list[str], episodes: str) -> None:
    common = [*flags, "--num-episode", episodes, "--toward-target-timesteps-proportion", "0.3"]
    alone = record(tmp_path, "alone", *common)
    assert alone.episodes == int(episodes)
    record(tmp_path, "together", *common, "--num-cpu", "2")
    assert_same_files(alone.path, tmp_path / "together")
    other = record(tmp_path, "other", *common, "--seed", "1")
    starts = np.flatnonzero(alone.episode_starts)
    assert not np.array_equal(alone.ground_truth[starts], other.ground_truth[starts])


def test_a_stop_is_heard_also_while_the_processes_are_ahead(tmp_path: Path) -> None:
    stopped = False
    episodes = record_in_processes(plan("MobileRobotGymEnv-v0", 4000, max_steps=4), 2, tmp_path, lambda: stopped)
    first = next(episodes)
    while not part_path(tmp_path, 1).exists():
        time.sleep(0.01)
    stopped = True
    second = next(episodes)
    assert not any(child.name.startswith("ForkServerProcess") for child in multiprocessing.active_children())
    assert [first.number, second.number] == [0, 1]
    assert len(list(episodes)) < 3998


@pytest.mark.parametrize("env_id", registered_env)
def test_every_world_is_recorded_as_its_environment_shows_it(env_id: str) -> None:
    """An episode owes nothing to those before it, and replaying its actions shows its frames and rewards."""
    recording = plan(env_id, 2, max_steps=4)
    first, second = (episode.rows for block in recording.blocks for episode in Recorder(recording).record(block))
    face = find_env(env_id).load_class()
    assert isinstance(recording.performer, RandomPerformer)
    relative = {"relative_pos": True} if face.config_class.has("relative_pos") else {}
    env = face(**{**recording.performer.env_kwargs, "srl_model": "raw_pixels", **relative})
    space = env.action_space
    observation, _ = env.reset(seed=recording.first_seed + 1)
    for step in range(4):
        np.testing.assert_array_equal(second.frames[step], observation)
        np.testing.assert_allclose(second.targets[step], env.target_pos(), rtol=1e-6)
        size = second.ground_truth.shape[1]
        if env.ground_truth_dim() == size:  # the escape task shows both positions
            moved = second.ground_truth[step].copy()
            moved[: second.targets.shape[1]] -= second.targets[step]
            np.testing.assert_allclose(moved, env.ground_truth(), atol=1e-5)
        assert space.contains(second.actions[step])
        observation, reward, _, truncated, _ = env.step(second.actions[step])
        assert second.rewards[step] == pytest.approx(reward)
    assert truncated
    assert second.episode_starts.tolist() == [True, False, False, False]
    assert not np.array_equal(first.actions, second.actions) or not np.array_equal(first.frames, second.frames)
    env.close()


def test_two_views_are_recorded(tmp_path: Path) -> None:
    dataset = record(tmp_path, "two", *MOBILE, "--multi-view", "--num-episode", "1")
    assert dataset.info.frame_shape == (40, 40, 6)
    assert dataset.info.multi_view
    frame = dataset.frames(np.array([0]))[0]
    assert not np.array_equal(frame[..., :3], frame[..., 3:])


def test_positions_are_in_the_world_frame_unless_asked_for(tmp_path: Path) -> None:
    here = record(tmp_path, "here", *MOBILE, "--num-episode", "2")
    there = record(tmp_path, "there", *MOBILE, "relative_pos:true", "--num-episode", "2")
    assert not here.info.relative_pos
    assert there.info.relative_pos
    np.testing.assert_array_equal(there.ground_truth, here.ground_truth - here.targets)
    np.testing.assert_array_equal(there.targets, here.targets)


def test_the_share_toward_the_target_is_kept_to() -> None:
    rows = Recorder(plan("MobileRobotGymEnv-v0", 4, 0.5, random_target=True)).record(range(4))
    config = plan("MobileRobotGymEnv-v0", 4, random_target=True)
    assert isinstance(config.performer, RandomPerformer)
    stage = make_stage("MobileRobotGymEnv-v0", config.performer.env_kwargs, 4)
    stage.reset(config.first_seed)
    oracle = load_oracle("MobileRobotGymEnv-v0")
    agreed = []
    for step in range(250):
        truth, _ = places(stage)
        np.testing.assert_array_equal(truth, [episode.rows.ground_truth[step] for episode in rows])
        actions = np.array([episode.rows.actions[step] for episode in rows])
        agreed.append(actions == oracle(stage))
        stage.step(actions)
    # half of the steps by the policy, and a quarter of the others by chance
    assert np.mean(agreed) == pytest.approx(0.5 + 0.5 / 4, abs=0.05)


@pytest.mark.parametrize(
    ("env_id", "kwargs"),
    [
        ("KukaButtonGymEnv-v0", {"random_target": True}),
        ("InmoovGymEnv-v0", {"random_target": True}),
        ("InmoovButtonGymEnv-v0", {"is_discrete": False}),
    ],
)
def test_arms_have_scripted_policies(env_id: str, kwargs: dict[str, object]) -> None:
    recording = plan(env_id, 1, 1.0, max_steps=120, **kwargs)
    (episode,) = Recorder(recording).record(range(1))
    distance = np.linalg.norm(episode.rows.ground_truth[:, :3] - episode.rows.targets, axis=1)
    assert distance[-1] < 0.75 * distance[0]


def test_steps_toward_the_target_are_part_of_no_other_draw() -> None:
    """The random actions are the same with and without: only those of the policy are others."""
    without = Recorder(plan("MobileRobotGymEnv-v0", 1)).record(range(1))[0].rows.actions
    some = Recorder(plan("MobileRobotGymEnv-v0", 1, 0.25)).record(range(1))[0].rows.actions
    assert 0.1 < np.mean(without != some) < 0.3


def test_a_block_depends_on_the_world_only() -> None:
    config = find_env("MobileRobotGymEnv-v0").load_config()
    assert block_size_for("MobileRobotGymEnv-v0", config(img_shape=(64, 64)), 100) == 16
    assert block_size_for("MobileRobotGymEnv-v0", config(img_shape=(64, 64)), 5) == 5
    assert block_size_for("MobileRobotGymEnv-v0", config(img_shape=(224, 224)), 100) == 1
    assert block_size_for("KukaButtonGymEnv-v0", find_env("KukaButtonGymEnv-v0").load_config()(), 100) == 1
    blocks = dataclasses.replace(plan("MobileRobotGymEnv-v0", 7), block_size=3).blocks
    assert blocks == [range(3), range(3, 6), range(6, 7)]


def test_only_playing_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [*MOBILE, "--num-episode", "3", "--no-record-data", "--reward-dist", "--save-path", str(tmp_path / "data")]
    assert dataset_generator.main([*flags, "--no-progress"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("nothing written: 3 episodes, 36 frames")
    assert "  0  " in said.splitlines()[1] or "  0  " in said.splitlines()[2]
    assert list(tmp_path.iterdir()) == []


def test_the_distance_that_is_outside_can_be_set(tmp_path: Path) -> None:
    near = record(tmp_path, "near", *KUKA, "--num-episode", "1", "--max-distance", "0.05")
    assert near.rewards.tolist() == [-1] * 8
    assert near.info.env_kwargs["max_distance"] == 0.05


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ["--env", "KukaButtonGymEnv-v0", "-c", "-joints", "--toward-target-timesteps-proportion", "1"],
            "does not move joints",
        ),
        (["--toward-target-timesteps-proportion", "1.5"], "not from 0 to 1"),
        (["--env", "MobileRobotGymEnv-v0", "--max-distance", "1"], "has no max_distance"),
        (["--name", "../kuka"], "is no folder name"),
        (["--run-policy", "custom"], "go together"),
        (["--log-custom-policy", "logs"], "go together"),
        (["--run-policy", "custom", "--log-custom-policy", "nowhere"], "nowhere"),
        (["--run-policy", "walker"], "invalid choice"),
        (["--num-episode", "0"], "at least 1"),
        (["--env", "MobileRobot1DGymEnv-v0", "-c"], "only discrete actions"),
        (["--img-shape", "12x12"], "at least 36x36"),
    ],
)
def test_wrong_flags_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], words: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        dataset_generator.main(flags)
    assert list(tmp_path.iterdir()) == []


def test_a_world_without_a_scripted_policy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    without = dataclasses.replace(registered_env["MobileRobotGymEnv-v0"], oracle=None)
    monkeypatch.setitem(registered_env, "MobileRobotGymEnv-v0", without)
    flags = ["--env", "MobileRobotGymEnv-v0", "--toward-target-timesteps-proportion", "0.1"]
    with pytest.raises(UserError, match="has no scripted policy that goes toward the target; these have: Kuka"):
        dataset_generator.main(flags)


def test_an_existing_dataset_is_replaced_only_by_force(tmp_path: Path) -> None:
    flags = [*MOBILE, "--num-episode", "1"]
    record(tmp_path, "one", *flags)
    with pytest.raises(UserError, match="exists already"):
        record(tmp_path, "one", *flags)
    assert record(tmp_path, "one", *flags, "--num-episode", "2", "--force").episodes == 2


def test_stopping_leaves_out_the_unfinished() -> None:
    asked = iter([False] * 5 + [True] * 100)
    assert Recorder(plan("MobileRobotGymEnv-v0", 3)).record(range(3), stopped=lambda: next(asked)) == []


def test_a_cheap_observation_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are drawn once a step, and only for the episodes that are recorded."""
    recording = plan("MobileRobotGymEnv-v0", 2, max_steps=5)
    recorder = Recorder(dataclasses.replace(recording, block_size=3))
    world = recorder.stage.world
    assert world.config.srl_model == GROUND_TRUTH
    drawn: list[int] = []
    images = world.images
    monkeypatch.setattr(world, "images", lambda rows: drawn.append(len(rows)) or images(rows))
    assert [episode.number for episode in recorder.record(range(2))] == [0, 1]
    assert drawn == [2] * 5


@pytest.mark.parametrize("episodes", ["1", "17"])
def test_a_last_block_of_one_robot_whose_world_is_of_tensors(tmp_path: Path, episodes: str) -> None:
    flags = ["--env", "AntGymEnv-v0", "--num-episode", episodes, "--img-shape", "36x36", "--env-kwargs", "max_steps:2"]
    dataset = record(tmp_path, "ants", *flags)
    assert dataset.episodes == int(episodes)
    assert dataset.arrays()["rewards"].shape == (2 * int(episodes),)
