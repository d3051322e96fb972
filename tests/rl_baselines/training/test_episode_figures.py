"""What the reward of the episodes was made of, and why they ended, in the logs of every kind of training."""

import csv

import numpy as np
import pytest

from rl_baselines.runs.episodes import EpisodeBatch
from rl_baselines.runs.monitors import read_run
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.episode_figures import EpisodeFigures
from tests.rl_baselines.conftest import Train

OMNIROBOT = ("--env", "OmnirobotEnv-v0", "-cc", "--srl-model", "ground_truth", "--env-kwargs", "max_steps:7")
MOBILE = ("--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--env-kwargs", "max_steps:7")
OFF_POLICY = ("--hyperparam", "learning_starts:20", "batch_size:8", "buffer_size:100", "n_envs:1")


def batch(count: int, terms: dict[str, list[float]], endings: dict[str, list[bool]] | None = None) -> EpisodeBatch:
    sums = {name: np.array(values) for name, values in terms.items()}
    reasons = {name: np.array(flags) for name, flags in (endings or {}).items()}
    return EpisodeBatch(0, np.zeros(count), np.ones(count, np.int64), np.full(count, np.nan), sums, reasons)


def rows_of(run: RunFolder) -> list[dict[str, str]]:
    with run.progress.open(newline="") as file:
        return list(csv.DictReader(file))


def test_means_are_over_episodes_not_over_batches() -> None:
    figures = EpisodeFigures()
    figures.add(batch(1, {"a": [4.0], "b": [0.0]}, {"fallen": [True]}))
    figures.add(batch(3, {"a": [0.0, 1.0, 1.0], "b": [3.0, 0.0, 0.0]}, {"fallen": [False, False, True]}))
    assert figures.take() == {"episode/a": 1.5, "episode/b": 0.75, "ending/fallen": 0.5}
    assert figures.take() == {}


def test_a_reward_of_one_term_is_the_return_and_is_not_said_again() -> None:
    figures = EpisodeFigures()
    figures.add(batch(2, {"distance": [1.0, 2.0]}))
    assert figures.take() == {}


def test_what_was_not_taken_goes_on_in_another_process() -> None:
    first, second = EpisodeFigures(), EpisodeFigures()
    first.add(batch(1, {"a": [0.1], "b": [2.0]}))
    second.load_state(first.save_state())
    for figures in (first, second):
        figures.add(batch(2, {"a": [0.2, 0.7], "b": [0.0, 0.0]}))
    assert first.take() == second.take()
    second.load_state(None)
    assert second.take() == {}


def check_sums_are_returns(run: RunFolder) -> None:
    """The terms of each row add up to the mean return of the episodes that ended since the row before."""
    episodes, before, said = read_run(run.path), 0, 0
    for row in rows_of(run):
        now = int(row["time/total_timesteps"])
        ended = (episodes.timesteps > before) & (episodes.timesteps <= now)
        terms = [float(value) for name, value in row.items() if name.startswith("episode/") and value]
        assert bool(terms) == ended.any()
        if terms:
            said += 1
            assert sum(terms) == pytest.approx(episodes.returns[ended].mean(), abs=1e-4)
        before = now
    assert said > 1


@pytest.mark.parametrize(
    ("algo", "more"),
    [
        ("a2c", ("--num-timesteps", "1000")),  # writes a row every hundred rollouts
        ("ppo2", ("--num-cpu", "1", "--hyperparam", "n_steps:24", "batch_size:8", "--num-timesteps", "90")),
        ("dqn", (*OFF_POLICY, "--num-timesteps", "90")),
    ],
)
def test_the_terms_of_a_row_add_up_to_the_return(small_train: Train, algo: str, more: tuple[str, ...]) -> None:
    check_sums_are_returns(small_train(*OMNIROBOT, "--algo", algo, *more))


def test_terms_of_worlds_in_workers_are_sums_over_the_episode(small_train: Train) -> None:
    world = ("--env", "KukaButtonGymEnv-v0", "--srl-model", "ground_truth", "--env-kwargs", "max_steps:6")
    few = ("--hyperparam", "n_steps:15", "batch_size:10", "n_epochs:1")
    run = small_train(*world, "--algo", "ppo2", "--num-cpu", "2", "--num-timesteps", "60", *few)
    assert {name for name in rows_of(run)[-1] if name.startswith("episode/")} == {
        "episode/contact",
        "episode/table",
        "episode/outside",
    }
    check_sums_are_returns(run)


@pytest.mark.parametrize(
    ("algo", "more"),
    [
        ("ppo2", ("--num-cpu", "1", "--hyperparam", "n_steps:16", "batch_size:16", "n_epochs:1")),
        ("sac", OFF_POLICY),
        ("batched_ppo", ("--num-cpu", "1", "--hyperparam", "n_steps:16", "batch_size:16", "n_epochs:1")),
    ],
)
def test_algorithms_on_a_robot_log_its_terms_and_why_its_episodes_ended(
    small_train: Train, algo: str, more: tuple[str, ...]
) -> None:
    harder = "curriculum:[{after: 0, values: {rewards.alive: 1.0}}]"
    ant = ("--env", "AntGymEnv-v0", "--env-kwargs", "max_steps:8", harder)
    run = small_train(*ant, "--algo", algo, "--num-timesteps", "64", *more)
    check_sums_are_returns(run)
    row = rows_of(run)[-1]
    assert {name for name in row if name.startswith("ending/")} == {"ending/fallen", "ending/non_finite"}
    assert float(row["ending/non_finite"]) == 0
    assert {name: value for name, value in row.items() if name.startswith("curriculum/")} == {"curriculum/stage": "1.0"}


def test_a_world_of_one_term_has_the_columns_that_it_had(small_train: Train) -> None:
    run = small_train(*MOBILE, "--shape-reward", "--algo", "dqn", *OFF_POLICY, "--num-timesteps", "60")
    assert not [name for name in rows_of(run)[-1] if name.startswith(("episode/", "ending/", "curriculum/"))]
