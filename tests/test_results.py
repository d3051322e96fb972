"""What the presets reach: config/results.yaml, and the tables of docs/results.md that are made of it."""

import shlex

import pytest

from config.results import Training, trainings, trainings_in
from docs.results import PAGE, with_tables
from environments.flags import make_config
from environments.registry import canonical_id, find_env
from rl_baselines.registry import find_algo
from rl_baselines.train import make_parser
from rl_baselines.training.flags import request_from_flags

ALL = [training for table in trainings().values() for training in table]


def test_the_page_has_the_tables_of_the_data() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "run python -m docs.results"


def test_a_changed_figure_changes_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page.replace("231.22 ± 10.72", "999.00 ± 10.72", 1)) == page
    with pytest.raises(ValueError, match="places"):
        with_tables(page.replace("<!-- table kuka -->", ""))


@pytest.mark.parametrize("training", ALL, ids=lambda training: f"{training.table}-{training.world}-{training.flags}")
def test_every_training_can_be_asked_for(training: Training) -> None:
    assert canonical_id(training.world) == training.world
    find_algo(training.algo)
    assert len(training.steps) in (1, len(training.returns))
    assert training.acting in ("drawn", "best")
    argv = ["--env", training.world, *shlex.split(training.command_flags())]
    request = request_from_flags(*make_parser().parse_with_given(argv))
    config = make_config(training.world, request.env_kwargs or {})
    assert training.srl_model in config.observes() or training.table == "representations"
    assert (request.algo or training.algo) == training.algo
    assert request.num_timesteps == (training.asked or training.mean_steps)


def test_a_worlds_own() -> None:
    assert [each.flags for each in trainings_in("KukaButtonGymEnv-v0")] == ["", "-c", "-r", "-c -r"]
    first = trainings_in("KukaButtonGymEnv-v0")[0]
    assert first.mean_return == pytest.approx(4.96)
    assert first.command_flags() == "--num-timesteps 200_000"
    assert trainings_in("CartPole-v1") == []
    assert all(each.table != "representations" for each in trainings_in("MobileRobotGymEnv-v0"))
    assert find_env("Ant").default_algo == trainings_in("AntGymEnv-v0")[0].algo
