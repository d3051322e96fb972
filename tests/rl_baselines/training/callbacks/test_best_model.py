"""Which model is kept as the best."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from environments.config import EnvConfig
from environments.mujoco_gym.tasks.locomotion_config import AntConfig
from rl_baselines import train
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.evaluation import evaluate
from rl_baselines.acting.worlds import make_worlds
from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.runs.monitors import read_run
from rl_baselines.runs.run_folder import RunFolder, find_runs
from rl_baselines.training.callbacks.best_model import WINDOW, BestModelCallback
from rl_baselines.training.callbacks.checkpoints import Best
from rl_baselines.training.session import EVAL_SEED_OFFSET
from tests.rl_baselines.conftest import MOBILE

NO_CURRICULUM = EnvConfig()


class Writer:
    """Notes the means of the models that it is given."""

    def __init__(self) -> None:
        self.best = Best()
        self.written: list[float] = []
        self.info = SimpleNamespace(control_steps=lambda timesteps: timesteps // 2)

    def write_best(self, _model: Any, mean: float) -> None:
        self.best.mean = mean
        self.written.append(mean)


def callback(
    log: EpisodeLog, min_episodes: int, on_policy: bool = True, n_envs: int = 1, config: EnvConfig = NO_CURRICULUM
) -> tuple[BestModelCallback, Writer]:
    writer = Writer()
    made = BestModelCallback(writer, log, min_episodes, on_policy, config)  # type: ignore[arg-type]
    env = SimpleNamespace(num_envs=n_envs)
    made.model = SimpleNamespace(get_env=lambda: env)  # type: ignore[assignment]
    return made, writer


def test_nothing_before_the_first_episodes():
    log = EpisodeLog()
    best, writer = callback(log, min_episodes=3)
    best._on_rollout_end()
    for number in range(2):
        log.append(number + 1, 5.0, 1)
        best._on_rollout_end()
    assert writer.written == []
    log.append(3, 5.0, 1)
    best._on_rollout_end()
    assert writer.written == [5.0]


def test_only_a_better_mean_of_the_last_hundred_is_kept():
    log = EpisodeLog()
    best, writer = callback(log, min_episodes=0)
    for value in (1.0, 3.0, 0.0, 0.0):
        log.append(log.count + 1, value, 1)
        best._on_rollout_end()
    assert writer.written == [1.0, 2.0]
    for _ in range(WINDOW):
        log.append(log.count + 1, 7.0, 1)
    best._on_rollout_end()
    best._on_rollout_end()
    assert writer.written == [1.0, 2.0, 7.0]


def test_of_many_environments_the_last_four_rounds_count():
    log = EpisodeLog()
    best, writer = callback(log, min_episodes=0, n_envs=50)
    for value in (1.0, 2.0, 3.0, 4.0, 9.0):
        for _ in range(50):
            log.append(log.count + 1, value, 1)
        best._on_rollout_end()
    assert writer.written == [1.0, 1.5, 2.0, 2.5, 4.5]


def test_a_stage_has_a_best_of_its_own_of_episodes_that_began_in_it():
    log = EpisodeLog()
    config = AntConfig.from_kwargs({"max_steps": 10, "curriculum": [{"after": 30, "values": {"rewards.alive": 0.0}}]})
    best, writer = callback(log, min_episodes=1, n_envs=2, config=config)

    def look(timesteps: int, episodes: list[float]) -> None:
        best.num_timesteps = timesteps
        for value in episodes:
            log.append(timesteps, value, 1)
        best._on_rollout_end()

    look(40, [8.0, 9.0])
    look(60, [20.0])  # the stage begins
    look(78, [20.0] * 200)
    assert writer.written == [8.5]
    look(80, [20.0])  # from here on whatever ends began in it
    assert writer.best == Best(stage=30, first=204)
    look(100, [4.0] * (WINDOW - 1))
    assert writer.written == [8.5]
    look(120, [4.0])
    look(140, [3.0] * WINDOW)
    assert writer.written == [8.5, 4.0]


def test_without_rollouts_it_looks_every_200_steps():
    log = EpisodeLog()
    best, writer = callback(log, min_episodes=1, on_policy=False)
    for step in range(1, 601):
        log.append(step, float(step), 1)
        best.num_timesteps = step
        best._on_rollout_end()
        assert best._on_step()
    assert writer.written == [np.mean(range(101, 201)), np.mean(range(301, 401)), np.mean(range(501, 601))]


FLAGS = (*MOBILE, "--hyperparam", "n_steps:50", "--eval-freq", "80", "--env-kwargs", "max_steps:10")
SHOWN = ("--no-vis", "--no-progress")


def evaluated(run: RunFolder) -> tuple[list[int], np.ndarray]:
    with np.load(run.path / "evaluations.npz", allow_pickle=False) as file:
        return file["timesteps"].tolist(), file["results"]


def test_evaluations_go_on_in_a_resumed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tests.rl_baselines.training.test_resume import stop_at

    with monkeypatch.context() as patch:
        stop_at(patch, 130)
        assert train.main([*FLAGS, *SHOWN, "--num-timesteps", "400", "--log-dir", str(tmp_path)]) == 130
    (run,) = find_runs(tmp_path)
    assert evaluated(run)[0] == [80]
    (run.path / ".evaluations.tmp.npz").write_bytes(b"half")  # what a kill in mid-write leaves
    assert train.main(["--resume", str(run.path), *SHOWN]) == 0
    timesteps, results = evaluated(run)
    assert timesteps == [80, 160, 240, 320, 400]
    assert results.shape == (5, 10)
    assert not list(run.path.glob(".*"))
    best = load_checkpoint(run.best_model).info.num_timesteps
    assert best == timesteps[int(results.mean(axis=1).argmax())]


@pytest.mark.parametrize("kept", [0, 200])
def test_damaged_evaluations_are_set_aside_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kept: int
):
    from tests.rl_baselines.training.test_resume import stop_at

    with monkeypatch.context() as patch:
        stop_at(patch, 130)
        assert train.main([*FLAGS, *SHOWN, "--num-timesteps", "200", "--log-dir", str(tmp_path)]) == 130
    (run,) = find_runs(tmp_path)
    file = run.path / "evaluations.npz"
    content = file.read_bytes()[:kept]
    file.write_bytes(content)
    assert train.main(["--resume", str(run.path), *SHOWN]) == 0
    assert evaluated(run)[0] == [160]
    assert (run.path / "evaluations.npz.damaged").read_bytes() == content
    assert f"warning: {file} is damaged (" in capsys.readouterr().err


@pytest.mark.parametrize(("algo", "draws"), [("a2c", True), ("dqn", False)])
def test_an_evaluation_acts_as_the_policy_is_shown_and_leaves_the_training_alone(
    tmp_path: Path, algo: str, draws: bool
):
    flags = (*MOBILE, "--algo", algo, "--env-kwargs", "max_steps:10", "--num-timesteps", "120", *SHOWN)
    assert train.main([*flags, "--log-dir", str(tmp_path / "alone")]) == 0
    assert train.main([*flags, "--log-dir", str(tmp_path / "judged"), "--eval-freq", "60"]) == 0
    (alone,), (run,) = find_runs(tmp_path / "alone"), find_runs(tmp_path / "judged")
    assert read_run(run.path).returns.tolist() == read_run(alone.path).returns.tolist()

    timesteps, results = evaluated(run)
    checkpoint = load_checkpoint(run.best_model)
    actor = Actor.from_checkpoint(checkpoint)
    assert actor.deterministic != draws
    info = checkpoint.info
    worlds = make_worlds(info, None, info.env_kwargs, n_envs=results.shape[1])
    worlds.seed(EVAL_SEED_OFFSET)
    actor.seed(EVAL_SEED_OFFSET)
    again = evaluate(actor, worlds, results.shape[1])
    worlds.close()
    assert again.returns == results[timesteps.index(info.num_timesteps)].tolist()
