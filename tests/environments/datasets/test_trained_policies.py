"""Datasets that trained policies record."""

import os
from pathlib import Path

import numpy as np
import pytest

from environments import dataset_generator
from environments.datasets.dataset import Dataset, open_dataset
from environments.datasets.info import TEACHER_FILE
from environments.datasets.recording.recorder import RandomPerformer, RecordingPlan
from environments.registry import find_env
from rl_baselines import train
from rl_baselines.runs.run_folder import find_checkpoint
from srl3.errors import UserError

WORLD = "MobileRobotGymEnv-v0"
KWARGS = ["--env-kwargs", "max_steps:30", "random_target:true"]
TRAIN = ["--no-vis", "--no-progress", "--env", WORLD, "--img-shape", "36x36", *KWARGS]


def record(name: str, *flags: str) -> Dataset:
    assert dataset_generator.main(["--name", name, "--num-episode", "20", "--no-progress", *flags]) == 0
    return open_dataset(Path("data") / name)


def assert_replayed(dataset: Dataset) -> None:
    """The world, given the actions of the first two episodes, shows their frames and pays their rewards."""
    recording = RecordingPlan(WORLD, RandomPerformer(WORLD, {}), dataset.info.seed, 20, 16, 0.0, False)
    env = find_env(WORLD).load_class()(**dataset.info.env_kwargs)
    for number, part in enumerate(dataset.episode_slices()[:2]):
        observation, _ = env.reset(seed=recording.first_seed + number)
        for step in range(part.start, part.stop):
            np.testing.assert_array_equal(dataset.frames(np.array([step]))[0], observation)
            observation, reward, *_ = env.step(dataset.actions[step])
            assert dataset.rewards[step] == reward
    env.close()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of four algorithms: from the ground truth, from stacked pixels, with continuous actions of two kinds."""
    folder = tmp_path_factory.mktemp("trained")
    for flags in (
        ["--algo", "ppo2", "--srl-model", "ground_truth", "--num-timesteps", "64", "--hyperparam", "n_steps:32"],
        ["--algo", "dqn", "--num-stack", "2", "--num-timesteps", "40", "--hyperparam", "buffer_size:100"],
        ["--algo", "sac", "--srl-model", "ground_truth", "-c", "--num-timesteps", "40"],
        ["--algo", "a2c", "--srl-model", "ground_truth", "-c", "--num-timesteps", "40"],
    ):
        assert train.main([*TRAIN, *flags, "--log-dir", str(folder / "logs")]) == 0
    return folder / "logs"


@pytest.mark.parametrize("algo", ["ppo2", "dqn", "sac"])
def test_a_checkpoint_acts_from_its_own_observation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: Path, algo: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = logs.glob(f"{WORLD}/*/{algo}/*")
    flags = ["--run-policy", "custom", "--log-custom-policy", str(run)]
    dataset = record("alone", *flags)
    assert (len(dataset), dataset.episodes) == (600, 20)
    assert dataset.info.policy == algo
    assert dataset.info.env_kwargs["srl_model"] == "raw_pixels"
    assert dataset.info.frame_shape == (36, 36, 3)
    assert not dataset.info.relative_pos
    assert_replayed(dataset)
    if algo == "ppo2":
        assert dataset.action_probabilities is not None
        np.testing.assert_allclose(dataset.action_probabilities.sum(axis=1), 1, rtol=1e-5)
        taken = dataset.action_probabilities[np.arange(600), dataset.actions]
        expected = (dataset.action_probabilities**2).sum(axis=1)
        assert taken.mean() == pytest.approx(expected.mean(), abs=0.05), "actions are drawn from them"
        record("together", *flags, "--num-cpu", "2")
        for file in ("frames.npy", "preprocessed_data.npz", "ground_truth.npz"):
            assert (tmp_path / "data" / "together" / file).read_bytes() == (dataset.path / file).read_bytes()
        larger = record("larger", *flags, "--img-shape", "48x40")
        np.testing.assert_array_equal(larger.actions, dataset.actions)
        assert larger.info.frame_shape == (48, 40, 3)
    else:
        assert dataset.action_probabilities is None
    assert dataset.actions.dtype == (np.float32 if algo == "sac" else np.int64)
    np.testing.assert_array_equal(dataset.teacher_actions, dataset.actions)
    assert (dataset.path / TEACHER_FILE).read_bytes() == find_checkpoint(str(run), Path("logs")).read_bytes()


def test_continuous_actions_have_a_mean_and_a_spread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = logs.glob(f"{WORLD}/*/a2c/*")
    dataset = record("gaussian", "--run-policy", "custom", "--log-custom-policy", str(run))
    means, stds = dataset.action_means, dataset.action_stds
    assert means is not None
    assert stds is not None
    assert means.shape == stds.shape == dataset.actions.shape
    inside = (abs(dataset.actions) < 1).all(axis=1)
    drawn = (dataset.actions - means)[inside] / stds[inside]
    assert abs(drawn.mean()) < 0.2
    assert 0.3 < drawn.std() < 1.1, "what chance brought beyond the bounds is not among them"


def test_chance_acts_and_the_teacher_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = logs.glob(f"{WORLD}/*/ppo2/*")
    flags = ["--run-policy", "custom", "--log-custom-policy", str(run), "--deterministic"]
    dataset = record("perturbed", *flags, "--perturbed-actions-proportion", "0.4")
    assert dataset.info.perturbed == 0.4
    assert_replayed(dataset)
    assert dataset.teacher_actions is not None
    assert dataset.action_probabilities is not None
    np.testing.assert_array_equal(dataset.teacher_actions, dataset.action_probabilities.argmax(axis=1))
    other = dataset.actions != dataset.teacher_actions
    assert other.mean() == pytest.approx(0.4 * 3 / 4, abs=0.06), "a random action is the teacher's one in four times"
    record("together", *flags, "--perturbed-actions-proportion", "0.4", "--num-cpu", "2")
    same = (tmp_path / "data" / "together" / "preprocessed_data.npz").read_bytes()
    assert same == (dataset.path / "preprocessed_data.npz").read_bytes()
    with pytest.raises(UserError, match="is for a trained policy; add --run-policy"):
        record("random", "--env", WORLD, "--perturbed-actions-proportion", "0.4")


def test_what_does_not_fit_the_checkpoint_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = logs.glob(f"{WORLD}/*/dqn/*")
    for flags, words in (
        (["--env", "KukaButtonGymEnv-v0"], f"was trained on {WORLD}, not on KukaButtonGymEnv-v0"),
        (["--img-shape", "64x64"], "observation space"),
        (["-c"], "action space"),
    ):
        with pytest.raises(UserError, match=words):
            record("wrong", "--run-policy", "custom", "--log-custom-policy", str(run), *flags)
    assert not list(tmp_path.glob("data/*"))
    assert not list(tmp_path.glob("data/.*"))


def test_ppo2_is_trained_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ["--run-policy", "ppo2", "--ppo2-timesteps", "64", "--env", WORLD, "--img-shape", "36x36", *KWARGS]
    dataset = record("taught", *flags)
    assert dataset.info.policy == "ppo2"
    assert_replayed(dataset)
    (run,) = (tmp_path / "logs" / WORLD / "ground_truth" / "ppo2").iterdir()
    assert run.name.endswith("-for_taught")
    assert os.listdir(tmp_path / "data") == ["taught"]
