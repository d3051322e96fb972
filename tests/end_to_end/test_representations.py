"""Policies on learned representations by the real commands: choosing, training, enjoying, going on, refusals."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from environments.registry import RegisteredEnv, registered_env
from state_representation.store.find import check_representation
from tests.end_to_end.conftest import Command
from tests.state_representation.made import STATE_DIM, write_random_representation

ENV = "MobileRobotGymEnv-v0"
SHORT = ("--env", ENV, "--num-cpu", "4", "--no-vis", "--hyperparam", "n_steps:32", "--num-timesteps")


def draws_pictures(entry: RegisteredEnv) -> bool:
    return entry.load_config().from_kwargs({}).image_shape is not None


@pytest.fixture
def learned(tmp_path: Path) -> Path:
    folder = tmp_path / "srl" / "26-01-02_10h00_00_custom_cnn_ST_DIM5_random"
    write_random_representation(folder)
    return folder


def only_run(folder: Path) -> Path:
    (args,) = folder.rglob("args.yaml")
    return args.parent


def test_a_policy_carries_its_representation_with_it(
    command: Command, here: Command, tmp_path: Path, learned: Path
) -> None:
    done = here("train", *SHORT, "256", "--srl-model", "random", "--srl-model-path", str(learned))
    assert f"training ppo2 on {ENV} from random" in done.stdout
    run = only_run(tmp_path / "logs" / ENV / "random")
    kwargs = yaml.safe_load((run / "env_kwargs.yaml").read_text())
    assert (kwargs["srl_model"], kwargs["img_shape"]) == ("raw_pixels", [40, 48])
    shutil.rmtree(learned)
    alone = tmp_path / "elsewhere.zip"
    (run / "latest.zip").rename(alone)
    played = json.loads(command("enjoy", "--log-dir", str(alone), "--num-episodes", "2", "--json").stdout)
    assert played["episodes"] == 2

    here("train", "--load-rl-model-path", str(alone), "--num-timesteps", "128", "--no-vis", "--suffix", "again")
    (again,) = (tmp_path / "logs" / ENV / "random").rglob("*-again")
    saved = json.loads(_entry(again / "latest.zip", "srl3/info.json"))
    assert saved["observation_space"]["shape"] == [STATE_DIM]


def test_the_configuration_file_and_the_newest_are_found(here: Command, tmp_path: Path, learned: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({ENV: {"log_folder": str(learned.parent), "random": learned.name}}))
    newer = learned.parent / "26-01-03_10h00_00_custom_cnn_ST_DIM7_random"
    write_random_representation(newer, state_dim=7)
    other = learned.parent / "26-01-04_10h00_00_custom_cnn_ST_DIM9_random"
    write_random_representation(other, state_dim=9, env_id="KukaButtonGymEnv-v0", n_actions=6)
    for flags, dim in (((), STATE_DIM), (("--latest",), 7)):
        here(
            "train", *SHORT, "128", "--srl-model", "random", "--srl-config-file", str(file), *flags,
            "--log-dir", f"logs{dim}",
        )  # fmt: skip
        latest = only_run(tmp_path / f"logs{dim}") / "latest.zip"
        assert json.loads(_entry(latest, "srl3/info.json"))["observation_space"]["shape"] == [dim]


@pytest.mark.parametrize("env_id", ["AntGymEnv-v0", "CarRacingGymEnv-v0", "OmnirobotEnv-v0"])
def test_other_families_of_worlds_are_observed_too(
    here: Command, command: Command, tmp_path: Path, env_id: str
) -> None:
    folder = tmp_path / "srl" / "26-01-02_10h00_00_custom_cnn_ST_DIM5_random"
    write_random_representation(folder, env_id=env_id)
    here(
        "train", "--env", env_id, "--srl-model", "random", "--srl-model-path", str(folder), "--num-cpu", "2",
        "--no-vis", "--num-timesteps", "16", "--env-kwargs", "max_steps:8", "--hyperparam", "n_steps:8",
        "normalize:false",
    )  # fmt: skip
    run = only_run(tmp_path / "logs" / env_id / "random")
    played = json.loads(command("enjoy", "--log-dir", str(run), "--num-episodes", "1", "--json").stdout)
    assert played["episodes"] == 1


@pytest.mark.parametrize("env_id", [name for name, entry in registered_env.items() if draws_pictures(entry)])
def test_a_representation_of_every_world_that_draws_pictures_fits(env_id: str) -> None:
    config_class = registered_env[env_id].load_config()
    description = {"srl_model": "random", "env_id": env_id, "img_shape": [40, 48, 3]}
    follows = check_representation(description, "here", "random", config_class.from_kwargs({}), set())
    config = config_class.from_kwargs({"srl_model": "raw_pixels", **follows})
    assert config.image_shape == (40, 48, 3)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--srl-model", "random"], "names no 'random' for MobileRobotGymEnv-v0"),
        (["--srl-model", "random", "--latest"], "no 'random' learned for MobileRobotGymEnv-v0 under logs"),
        (["--srl-model", "random", "--srl-model-path", "nowhere"], "where no representation is"),
        (["--srl-model", "autoencoder", "--srl-model-path", "LEARNED"], "is 'random', not 'autoencoder'"),
        (
            ["--srl-model", "random", "--srl-model-path", "LEARNED", "--img-shape", "64x64"],
            "learned for images of 40x48, and 64x64 was asked for",
        ),
        (
            ["--srl-model", "random", "--srl-model-path", "LEARNED", "--multi-view"],
            "learned for cameras: 1, and 2 was asked for",
        ),
        (
            ["--srl-model", "random", "--srl-model-path", "LEARNED", "--env", "MobileRobot1DGymEnv-v0"],
            "learned for environment MobileRobotGymEnv-v0, and MobileRobot1DGymEnv-v0 was asked for",
        ),
        (["--srl-model", "ground_truth", "--srl-model-path", "LEARNED"], "ground_truth is none"),
        (["--srl-model", "random", "--srl-model-path", "LEARNED", "--latest"], "give one of them"),
        (["--srl-model", "random", "--srl-config-file", "no.yaml"], "no.yaml is missing; --srl-config-file takes"),
        (["--srl-model", "random", "--srl-config-file", "list.yaml"], "must map each environment"),
        (["--srl-model", "random", "--srl-model-path", "DAMAGED"], "damaged"),
        (["--srl-model", "randomm", "--srl-model-path", "LEARNED"], "did you mean random"),
    ],
)
def test_a_missing_or_mismatching_representation_is_one_sentence_and_leaves_nothing(
    here: Command, tmp_path: Path, learned: Path, flags: list[str], words: str
) -> None:
    (tmp_path / "list.yaml").write_text("[1, 2]")
    damaged = tmp_path / "damaged"
    shutil.copytree(learned, damaged)
    (damaged / "srl_model.pth").write_bytes(b"no tensors")
    names = {"LEARNED": str(learned), "DAMAGED": str(damaged)}
    before = sorted(tmp_path.rglob("*"))
    env = [] if "--env" in flags else ["--env", ENV]
    done = here("train", "--no-vis", *env, *(names.get(flag, flag) for flag in flags), status=2)
    (sentence,) = done.stderr.splitlines()
    assert words in sentence
    assert sorted(tmp_path.rglob("*")) == before


def _entry(archive: Path, name: str) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(name)
