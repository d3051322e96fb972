"""The main job by its commands: train, look, retrain. One test of each runs it as a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from rl_baselines import train
from tests.end_to_end.conftest import Command, environment

MOBILE = ("--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--num-cpu", "8")
SHORT = ("--hyperparam", "n_steps:64", "--no-vis")


def only_run(folder: Path) -> Path:
    (args,) = folder.rglob("args.yaml")
    return args.parent


def test_a_run_folder_holds_what_it_promises(command: Command, tmp_path: Path):
    done = command("train", *MOBILE, *SHORT, "--num-timesteps", "8_000", "--save-freq", "2000", "--suffix", "first")
    run = only_run(tmp_path / "logs")
    assert run.relative_to(tmp_path / "logs").parts[:3] == ("MobileRobotGymEnv-v0", "ground_truth", "ppo2")
    assert run.name.endswith("-first")
    assert str(run.relative_to(tmp_path)) in done.stdout
    assert "rl_baselines.enjoy --log-dir" in done.stdout
    present = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert present >= {
        "args.yaml",
        "env_kwargs.yaml",
        "train_config.yaml",
        "versions.yaml",
        "train.log",
        "0.monitor.csv",
        "progress.csv",
        "latest.zip",
        "plots/learning_curve.png",
        "checkpoints/model_2048_steps.zip",
        "checkpoints/model_6144_steps.zip",
    }
    assert any(path.startswith("tensorboard/") for path in present)
    arguments = yaml.safe_load((run / "args.yaml").read_text())
    assert arguments["arguments"]["num_timesteps"] == 8000
    assert "--save-freq 2000" in arguments["command"]
    assert yaml.safe_load((run / "env_kwargs.yaml").read_text())["max_steps"] == 250
    config = yaml.safe_load((run / "train_config.yaml").read_text())
    assert config["n_steps"] == {"value": 64, "from": "--hyperparam"}
    assert config["n_envs"] == {"value": 8, "from": "--num-cpu"}
    versions = yaml.safe_load((run / "versions.yaml").read_text())
    assert {"srl3", "python", "torch", "gymnasium", "git_commit"} <= versions.keys()
    log = (run / "train.log").read_text()
    assert "mean return" in log
    assert "\r" not in log


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the mobile robot, with a best model."""
    logs = tmp_path_factory.mktemp("trained") / "logs"
    flags = (*MOBILE, *SHORT, "--num-timesteps", "12288", "--min-episodes-save", "10", "-c", "-r", "--no-progress")
    assert train.main([*flags, "--log-dir", str(logs)]) == 0
    return only_run(logs)


def test_enjoy_rebuilds_the_world_from_the_checkpoint(command: Command, here: Command, trained: Path):
    done = command("enjoy", "--log-dir", trained, "--num-episodes", 20, "--json")
    result = json.loads(done.stdout)
    assert result["episodes"] == len(result["returns"]) == 20
    assert result["mean_return"] == pytest.approx(np.mean(result["returns"]))
    assert result["mean_length"] == 250
    assert result["checkpoint"].endswith("best_model.zip")
    again = json.loads(here("enjoy", "--log-dir", trained, "--num-episodes", 20, "--json").stdout)
    assert again == result
    flags = ("--log-dir", trained, "--num-episodes", 20, "--json")
    assert json.loads(here("enjoy", *flags, "--stochastic").stdout) == result  # PPO draws, unless told otherwise
    assert json.loads(here("enjoy", *flags, "--deterministic").stdout)["returns"] != result["returns"]


def test_flags_override_the_world(here: Command, trained: Path):
    flags = ("--num-episodes", 2, "--json", "--env-kwargs", "max_steps:40")
    assert json.loads(here("enjoy", "--log-dir", trained, *flags).stdout)["mean_length"] == 40


def test_enjoy_says_it_in_words(here: Command, trained: Path):
    said = here("enjoy", "--log-dir", trained / "ppo2.pkl", "--num-episodes", 3).stdout
    assert "return over 3 episodes:" in said
    assert "±" in said
    assert "success rate:" in said


def test_enjoy_records_a_video(here: Command, trained: Path, tmp_path: Path):
    import imageio_ffmpeg

    video = tmp_path / "robot.mp4"
    here("enjoy", "--log-dir", trained, "--num-episodes", 1, "--video", video)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(video))
    assert frames == 250
    assert seconds > 1
    assert [path.name for path in tmp_path.iterdir()] == ["robot.mp4"]


def test_plain_sb3_opens_our_files(trained: Path, tmp_path: Path):
    program = (
        "import sys, numpy as np\n"
        "from stable_baselines3 import PPO\n"
        "for path in sys.argv[1:]:\n"
        "    model = PPO.load(path, device='cpu')\n"
        "    action, _ = model.predict(np.zeros(2, np.float32), deterministic=True)\n"
        "    assert action.shape == (2,)\n"
        "    print(model.num_timesteps)\n"
    )
    alone = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    files = [trained / name for name in ("best_model.zip", "latest.zip")]
    done = subprocess.run(
        [sys.executable, "-c", program, *files], cwd=tmp_path, env=alone, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    best, latest = map(int, done.stdout.split())
    assert 0 < best <= latest == 12288


def test_retraining_starts_at_the_new_rate_and_keeps_what_was_learned(here: Command, trained: Path, tmp_path: Path):
    from rl_baselines.checkpoints.checkpoint import load_checkpoint

    flags = (*SHORT, "--num-timesteps", "2048", "--new-lr", "1e-5")
    here("train", "--load-rl-model-path", trained / "ppo2.pkl", *flags)
    run = only_run(tmp_path / "logs")
    parent, child = load_checkpoint(trained / "best_model.zip"), load_checkpoint(run / "latest.zip")
    assert child.info.parent == str(trained / "best_model.zip")
    assert child.info.hyperparams["learning_rate"] == "lin_1e-05"
    assert child.info.env_kwargs == parent.info.env_kwargs
    config = yaml.safe_load((run / "train_config.yaml").read_text())
    assert config["learning_rate"] == {"value": "lin_1e-05", "from": "--new-lr"}
    rows = (run / "progress.csv").read_text().splitlines()
    column = rows[0].split(",").index("train/learning_rate")
    rates = [float(row.split(",")[column]) for row in rows[1:] if row.split(",")[column]]
    assert rates[0] == pytest.approx(1e-5 * (1 - 512 / 2048))
    assert child.state["normalize"]["obs_count"] == pytest.approx(parent.state["normalize"]["obs_count"] + 2048 + 8)
    before, after = parent.parameters["policy"], child.parameters["policy"]
    step = max(float((after[name] - before[name]).abs().max()) for name in before)
    assert 0 < step < 1e-2


def test_retraining_without_a_rate_takes_a_hundredth(here: Command, trained: Path, tmp_path: Path):
    here("train", "--load-rl-model-path", trained, *SHORT, "--num-timesteps", "512")
    before = yaml.safe_load((trained / "train_config.yaml").read_text())["learning_rate"]["value"]
    after = yaml.safe_load((only_run(tmp_path / "logs") / "train_config.yaml").read_text())["learning_rate"]["value"]
    assert before.startswith("lin_")
    assert after.startswith("lin_")
    assert float(after.removeprefix("lin_")) == pytest.approx(0.01 * float(before.removeprefix("lin_")))


def test_evaluations_decide_on_the_best_model(here: Command, tmp_path: Path):
    flags = ("--num-timesteps", "4096", "--eval-freq", "2048")
    here("train", *MOBILE, *SHORT, *flags)
    run = only_run(tmp_path / "logs")
    with np.load(run / "evaluations.npz", allow_pickle=False) as evaluations:
        assert evaluations["timesteps"].tolist() == [2048, 4096]
        assert evaluations["results"].shape == (2, 10)
    assert (run / "best_model.zip").is_file()


def test_several_arms_run_in_worker_processes(here: Command, tmp_path: Path):
    flags = ("--env", "KukaButtonGymEnv-v0", "--srl-model", "ground_truth", "--num-cpu", 3)
    here("train", *flags, *SHORT, "--num-timesteps", "1000")
    run = only_run(tmp_path / "logs")
    assert {path.name for path in run.glob("*.monitor.csv")} == {f"{rank}.monitor.csv" for rank in range(3)}
    assert (run / "latest.zip").is_file()


def test_pixels_and_a_stack(here: Command, tmp_path: Path):
    flags = ("--env", "MobileRobotGymEnv-v0", "--img-shape", "36x48", "--num-stack", 2, "--num-cpu", 2)
    here("train", *flags, *SHORT, "--num-timesteps", "256")
    result = here("enjoy", "--log-dir", "logs", "--num-episodes", 1, "--json")
    assert json.loads(result.stdout)["mean_length"] == 250


def test_help_shows_examples_and_defaults(here: Command):
    for name in ("train", "enjoy", "list"):
        said = here(name, "--help").stdout
        assert "examples:" in said
        assert f"python -m rl_baselines.{name}" in said
    assert "(default: ppo2)" in here("train", "--help").stdout


def test_list_shows_the_registries(command: Command, here: Command):
    from environments.registry import registered_env
    from rl_baselines.registry import registered_rl
    from state_representation.registry import registered_srl

    said = command("list").stdout
    listed = json.loads(here("list", "--json").stdout)
    assert set(listed["algorithms"]) == set(registered_rl)
    assert set(listed["environments"]) == set(registered_env)
    assert set(listed["representations"]) == set(registered_srl)
    for name in (*registered_rl, *registered_env, *registered_srl, "Baxter-v0"):
        assert name in said
