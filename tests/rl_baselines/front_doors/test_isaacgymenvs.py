"""``train_play``: what its keys become, what it leaves on disk, what it refuses."""

import os
import re
from pathlib import Path

import pytest

from rl_baselines import train_play
from rl_baselines.front_doors.isaacgymenvs import make_parser, understand
from rl_baselines.runs.find import find_runs
from rl_baselines.training.plan import TrainingPlan
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError


def words(line: str) -> list[str]:
    return line.split()


TINY = words(
    "task=Ant num_envs=4 max_iterations=3 checkpoint_save_freq=2 task.max_steps=6 "
    "train.params.config.horizon_length=4 train.params.config.minibatch_size=8 "
    "train.params.config.mini_epochs=1"
)


def plan(*keys: str) -> TrainingPlan:
    request = understand(["task=Ant", *keys]).request
    assert request is not None
    return resolve(request)


def test_a_training_is_the_worlds_own_for_so_many_epochs(here: Path) -> None:
    made = plan()
    rollout = made.hyperparams["n_envs"] * made.hyperparams["n_steps"]
    assert (made.total_timesteps, made.save_freq) == (500 * rollout, 100 * rollout)
    assert (made.log_dir, made.experiment_name, made.layout) == (Path("runs"), "Ant", "isaacgymenvs")
    assert made.settings["learning_rate"].source.startswith("config/hyperparams/")
    assert not list(here.iterdir())


def test_keys_go_where_they_belong(here: Path) -> None:
    made = plan(
        "num_envs=8", "experiment=mine", "checkpoint_save_freq=5", "max_iterations=7", "seed=3", "sim_device=cpu",
        "rl_device=cpu", "train.params.config.learning_rate=1e-4", "train.params.config.horizon_length=4",
        "train.params.config.minibatch_size=32", "train.params.network.mlp.units=[32,16]", "task.rewards.alive=2",
        "task.env.episodeLength=50", "train.params.config.lr_schedule=None",
    )  # fmt: skip
    assert (made.total_timesteps, made.save_freq, made.seed, made.device) == (7 * 32, 5 * 32, 3, "cpu")
    expected = {"n_envs": 8, "learning_rate": 1e-4, "n_steps": 4, "batch_size": 32, "desired_kl": None}
    assert expected.items() <= made.hyperparams.items()
    assert made.hyperparams["policy_kwargs"]["net_arch"] == {"pi": [32, 16], "vf": [32, 16]}
    world = made.config.flat()
    assert (world["rewards.alive"], world["max_steps"], world["sim.impl"]) == (2.0, 50, "batch")


def test_weights_and_biases(here: Path) -> None:
    order = understand(["wandb_activate=True", "wandb_entity=me", "wandb_project=mine"])
    assert order.request is not None
    assert order.request.track == "wandb"
    assert order.environment == {"WANDB_PROJECT": "mine", "WANDB_ENTITY": "me"}


def test_playing_follows_a_run(here: Path) -> None:
    order = understand(["task=Ant", "mode=play", "experiment=Ant"])
    assert order.calls == (("play", words("--run Ant --log-dir runs --num-envs 4 --wait")),)
    order = understand(["mode=play", "experiment=Ant", "num_envs=2", "headless=True", "checkpoint_reload_interval=60"])
    assert order.calls[0][1][4:] == ["--num-envs", "2", "--viewer", "none", "--wait"]
    assert order.notes == ("checkpoint_reload_interval: a new checkpoint is seen within a second of being written.",)


def test_the_folder_is_the_documents(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_play.main([*TINY, "experiment=my_ant"]) == 0
    (run,) = find_runs(here / "runs")
    assert re.fullmatch(r"my_ant_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", run.path.name)
    assert f"Training will save to: runs/{run.path.name}" in capsys.readouterr().out
    assert sorted(os.listdir(run.path / "nn")) == ["checkpoint_2.pth", "latest.pth"]
    watched = understand(words(f"mode=play checkpoint=runs/{run.path.name}/nn/checkpoint_2.pth"))
    assert watched.calls[0][1][:2] == ["--run", f"runs/{run.path.name}/checkpoints/model_32_steps.zip"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--num_envs=4", "key=value without dashes; write num_envs=4, not --num_envs=4"),
        ("--numenvs 4", "key=value without dashes, not --numenvs; did you mean num_envs"),
        ("nmu_envs=4", "unknown key 'nmu_envs'; did you mean num_envs"),
        ("Ant", "takes key=value, not 'Ant'"),
        ("num_envs=x", "^num_envs: 'x' is not a number"),
        ("mode=watch", "^mode: 'watch' is not train or play"),
        ("mode=play", "name it, or the beginning of its name: experiment=Ant"),
        ("task.env.powerScale=3", "unknown key 'task.env.powerScale'; did you mean"),
        ("train.params.config.horizon_lenght=3", "unknown hyperparameter"),
        ("train=AntPPO", "hyperparameters are train.params.config.<name>="),
        ("pipeline=gpu", "sim_device=cpu or sim_device=cuda:0"),
        ("+task.foo=3", "adds or removes a key"),
        ("task.rewards.alive=[", "can't be read"),
        ("mode=train experiment=../x", r"^experiment: '\.\./x' can't be part of a folder's name"),
        ("mode=play experiment=Ant checkpoint=runs/Ant", "both name what is shown"),
        ("mode=train test=True", "mode=train trains, test=True watches"),
        ("task=Antt", "unknown environment 'Antt'; did you mean Ant"),
        (
            "task=Nope",
            "unknown environment 'Nope'; .*SRL3's own are: Kuka.*-v0; python -m rl_baselines.list prints them",
        ),
    ],
)
def test_what_can_not_be_is_one_sentence(here: Path, line: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        train_play.main(["task=Ant", *line.split()])
    assert "\n" not in str(raised.value)
    assert not list(here.iterdir())


def test_help_shows_keys_as_they_are_written() -> None:
    text = make_parser().format_help()
    assert re.search(r"^  task=TASK +the world", text, re.M)
    assert "headless=HEADLESS" in text
    assert re.findall(r"--\w+", text) == ["--help"]
