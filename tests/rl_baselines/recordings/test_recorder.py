"""Recording: what a policy did, to its last moment, in worlds of every kind; the training is the same with it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_baselines import enjoy
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.evaluation import evaluate
from rl_baselines.acting.worlds import make_worlds
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.recordings import recorder
from rl_baselines.recordings.files import read_recording
from rl_baselines.recordings.recording import CUT, TERMINATED
from rl_baselines.runs.monitors import read_run
from rl_baselines.training.plan import read_plan
from srl3.errors import UserError
from tests.rl_baselines.conftest import KUKA, MOBILE
from tests.rl_baselines.recordings.drawing import record

ANT = ("--env", "Ant", "--num-timesteps", "64", "--num-envs", "2", "--hyperparam", "n_steps:16", "nminibatches:2")
TINY = ("--num-timesteps", "100", "--hyperparam", "n_steps:50")
SHORT = ("--env-kwargs", "max_steps:9")


@pytest.fixture(scope="module")
def ant(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An Ant's training of 64 steps that recorded 3 trajectories every 32."""
    from rl_baselines import train
    from rl_baselines.runs.run_folder import find_runs

    logs = tmp_path_factory.mktemp("recorded") / "logs"
    recorded = ("--record-trajectories", "3", "--record-interval", "32", "--seed", "3")
    quiet = ("--no-vis", "--no-progress", "--log-dir", str(logs))
    assert train.main([*ANT, *SHORT, *recorded, *quiet]) == 0
    return find_runs(logs)[-1]


def test_a_training_records_before_it_begins_on_the_way_and_at_its_end(ant: Any) -> None:
    assert [path.name for path in ant.all_recordings()] == ["step_0.npz", "step_32.npz", "step_64.npz"]
    first, last = (read_recording(ant.recording(steps)) for steps in (0, 64))
    assert (first.trained_steps, last.trained_steps, last.algo) == (0, 64, "batched_ppo")
    assert [each.length for each in last.trajectories] == [9, 9, 9]
    for here, there in zip(first.trajectories, last.trajectories, strict=True):
        assert here.poses is not None
        assert there.poses is not None
        np.testing.assert_array_equal(here.poses[0], there.poses[0], "both begin alike")
        assert not np.array_equal(here.actions, there.actions)


def test_the_last_recording_is_what_the_checkpoint_does(ant: Any) -> None:
    """Poses, rewards and actions against a second run of the policy, step by step."""
    recording = read_recording(ant.recording(64))
    checkpoint = load_checkpoint(ant.latest)
    actor = Actor.from_checkpoint(checkpoint)
    venv: Any = make_worlds(checkpoint.info, None, recording.env_kwargs, n_envs=3, seed=recording.seed)
    observations, starts = venv.reset(), np.ones(3, np.bool_)
    for step in range(9):
        for row, each in enumerate(recording.trajectories):
            assert each.poses is not None
            np.testing.assert_allclose(each.poses[step], venv.world.scene_poses()[row], atol=2e-6)
        actions = actor.act(observations, starts, True)
        observations, rewards, starts, _ = venv.step(actions)
        np.testing.assert_array_equal(actions, [each.actions[step] for each in recording.trajectories])
        np.testing.assert_allclose(rewards, [each.rewards[step] for each in recording.trajectories], rtol=1e-6)
    for each in recording.trajectories:
        np.testing.assert_allclose(each.terms.sum(1), each.rewards, rtol=1e-5, atol=1e-6)
        assert each.poses is not None
        assert np.abs(each.poses[9] - each.poses[8]).max() > 1e-5, "the last moment is after the last step"
    assert starts.all()
    venv.close()


def test_the_training_is_the_same_with_it(small_train: Any, tmp_path: Path) -> None:
    flags = (*MOBILE, *TINY, *SHORT, "--algo", "ppo2", "--eval-freq", "50")
    plain = small_train(*flags, log_dir=tmp_path / "plain")
    run = small_train(*flags, "--record-trajectories", "2", "--record-stochastic", log_dir=tmp_path / "recorded")
    assert not plain.recordings.exists()
    np.testing.assert_array_equal(read_run(plain.path).returns, read_run(run.path).returns)
    one, other = (load_checkpoint(each.latest).parameters["policy"] for each in (plain, run))
    assert all((one[name] == other[name]).all() for name in one)
    assert [path.stem for path in run.all_recordings()] == ["step_0", "step_50", "step_100"], "as often as evaluated"
    assert read_plan(run).evaluating["record_trajectories"] == 2, "a resumed run records on"

    recording = read_recording(run.recording(100))
    assert (recording.summary()["view"], recording.deterministic) == ("pictures", False)
    checkpoint = load_checkpoint(run.latest)
    worlds = make_worlds(checkpoint.info, None, checkpoint.info.env_kwargs_here, n_envs=2, seed=recording.seed)
    actor = Actor.from_checkpoint(checkpoint)
    actor.seed(recording.seed)
    found = evaluate(actor, worlds, 2, deterministic=False)
    assert sorted(found.returns) == pytest.approx(sorted(recording.figures()[0])), "the first episodes of an evaluation"
    worlds.close()


def test_an_engine_is_recorded_one_episode_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MAX_STEPS", 4)
    recording = record(KUKA[1], 2, seed=5, env_kwargs={"srl_model": "ground_truth"})
    one, two = recording.trajectories
    assert (one.length, one.ending) == (two.length, two.ending) == (4, CUT)
    assert one.poses is not None
    assert one.poses.shape == (5, len(recording.parts), 7)
    assert recording.term_names == ("contact", "table", "outside")
    assert recording.first_choice == 0
    assert not np.array_equal(one.actions, two.actions)


def test_a_world_of_gymnasium_is_recorded_with_its_pictures() -> None:
    recording = record("CartPole-v1", 2)
    for each in recording.trajectories:
        assert each.ending == TERMINATED
        assert len(each.pictures) == each.length + 1
        assert len(set(each.pictures)) > 1
    assert not recording.parts


def test_a_recording_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MAX_BYTES", 20_000)
    recording = record("Ant", 2)
    assert [each.ending for each in recording.trajectories] == [CUT, CUT]
    assert sum(each.poses.nbytes for each in recording.trajectories if each.poses is not None) < 25_000


def test_enjoy_records_a_policy_that_is_there(ant: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "ant.npz"
    line = ["--log-dir", str(ant.path), "--num-episodes", "2", "--recording", str(target), "--json"]
    assert enjoy.main(line) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["returns"] == read_recording(target).figures()[0]
    for wrong, sentence in (
        (["--recording", str(tmp_path / "a.mp4")], "--recording writes .npz; name a file that ends so"),
        (["--recording", str(target), "--num-steps", "5"], "use --num-episodes"),
        (["--recording", str(target), "--render"], "--render and --recording are two ways of looking"),
        (["--recording", str(target), "--num-episodes", "99"], "up to 64 trajectories"),
    ):
        with pytest.raises(UserError, match=sentence):
            enjoy.main(["--log-dir", str(ant.path), *wrong])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--record-interval", "10"], "--record-interval is for recordings; add --record-trajectories"),
        (["--record-stochastic"], "--record-stochastic is for recordings"),
        (["--record-trajectories", "65"], "up to 64 trajectories are recorded at once, not 65"),
    ],
)
def test_what_can_not_be_recorded_is_said(small_train: Any, tmp_path: Path, flags: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        small_train(*MOBILE, *TINY, *flags)
    assert not (tmp_path / "logs").exists()
