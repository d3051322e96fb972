"""``train_dexhand``: what its flags and files become, what it leaves on disk, what it refuses."""

import os
import re
from pathlib import Path

import pytest
import yaml

from environments.flags import make_config
from rl_baselines import train_dexhand
from rl_baselines.front_doors.dexhand import CFG, find_task, understand
from rl_baselines.runs.find import find_checkpoint, find_runs
from rl_baselines.training.plan import TrainingPlan
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError


def words(line: str) -> list[str]:
    return line.split()


def plan(*flags: str) -> TrainingPlan:
    request = understand(["--task", "Ant", *flags]).request
    assert request is not None
    return resolve(request)


def test_the_defaults_are_the_documents(here: Path) -> None:
    made = plan("--headless")
    expected = {"learning_rate": 3e-4, "gamma": 0.99, "n_steps": 16, "batch_size": 8192, "n_epochs": 8, "n_envs": 1024}
    assert expected.items() <= made.hyperparams.items()
    assert made.settings["gamma"].source == "dexhand_env/cfg/train/BaseTaskPPO.yaml"
    assert (made.seed, made.log_interval, made.total_timesteps) == (42, 10, 10_000 * 16 * 1024)
    assert made.save_freq == 100 * 16 * 1024
    assert not list(here.iterdir())


def test_few_environments_have_smaller_minibatches(here: Path) -> None:
    order = understand(["--task", "Ant", "--num-envs", "64"])
    assert order.request is not None
    assert resolve(order.request).hyperparams["batch_size"] == 1024
    assert order.notes == (
        "minibatch_size: 1024 samples (64 environments x horizon_length 16) do not divide by 8192; 1024 is taken.",
    )


def test_a_copied_configuration_is_changed(here: Path) -> None:
    folder = here / "dexhand_env/cfg/train"
    folder.mkdir(parents=True)
    text = (CFG / "train/BaseTaskPPO.yaml").read_text().replace("3.0e-4", "1.0e-3")
    (folder / "MyTaskPPO.yaml").write_text(text)
    tasks = here / "dexhand_env/cfg/task"
    tasks.mkdir()
    (tasks / "MyTask.yaml").write_text("task: Ant\nmax_steps: 50\nrewards: {alive: 2.0}\n")
    request = understand(["--task", "MyTask", "--train-config", "dexhand_env/cfg/train/MyTaskPPO.yaml"]).request
    assert request is not None
    made = resolve(request)
    assert (made.hyperparams["learning_rate"], made.experiment_name) == (1e-3, "MyTask")
    assert (made.env_id, made.config.max_steps, made.config.flat()["rewards.alive"]) == ("AntGymEnv-v0", 50, 2.0)


def test_a_configuration_of_rl_games(here: Path) -> None:
    content = {
        "params": {
            "algo": {"name": "a2c_continuous"},
            "network": {"mlp": {"units": [32, 16], "activation": "elu"}},
            "config": {
                "name": "Ant", "ppo": True, "learning_rate": 5e-4, "lr_schedule": None, "kl_threshold": 0.008,
                "reward_shaper": {"scale_value": 0.01}, "horizon_length": 8, "minibatch_size": 64, "max_epochs": 7,
                "save_frequency": 3, "e_clip": 0.1, "tau": 0.9, "clip_value": True,
            },
        }
    }  # fmt: skip
    Path("mine.yaml").write_text(yaml.safe_dump(content))
    order = understand(words("--task Ant --num-envs 16 --train-config mine.yaml"))
    assert order.request is not None
    made = resolve(order.request)
    expected = {
        "learning_rate": 5e-4, "desired_kl": None, "reward_scale": 0.01, "n_steps": 8, "batch_size": 64,
        "clip_range": 0.1, "gae_lambda": 0.9, "clip_range_vf": 0.2,
    }  # fmt: skip
    assert expected.items() <= made.hyperparams.items()
    assert made.hyperparams["policy_kwargs"]["net_arch"] == {"pi": [32, 16], "vf": [32, 16]}
    assert (made.total_timesteps, made.save_freq) == (7 * 128, 3 * 128)
    assert order.notes == ("mine.yaml: name, ppo have no effect here.",)


def test_the_folder_is_the_documents(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tiny.yaml").write_text("{horizon_length: 4, minibatch_size: 8, mini_epochs: 1, save_frequency: 2}")
    tiny = words("--task Ant --num-envs 4 --train-config tiny.yaml --log-interval 1")
    Path("dexhand_env/cfg/task").mkdir(parents=True)
    Path("dexhand_env/cfg/task/Short.yaml").write_text("{task: Ant, max_steps: 6}")
    assert train_dexhand.main([*tiny, "--task", "Short", "--max-iterations", "4", "--torch-deterministic"]) == 0
    (run,) = find_runs(here / "runs")
    assert re.fullmatch(r"Short_\d{8}_\d{6}", run.path.name)
    assert {"args.yaml", "train_config.yaml", "train.log", "nn"} <= set(os.listdir(run.path))
    assert sorted(os.listdir(run.path / "nn")) == ["checkpoint_2.pth", "checkpoint_4.pth", "latest.pth"]
    assert find_checkpoint(f"{run.path}/nn/checkpoint_2.pth") == run.checkpoint(32)
    log = run.log.read_text()
    assert f"to watch it: python -m rl_baselines.play --run runs/{run.path.name}" in log
    for figure in ("average reward", "episode length", "learning rate", "policy loss", "value loss", "entropy"):
        assert figure in log

    again = ["--task", "Short", "--max-iterations", "1", "--checkpoint", f"runs/{run.path.name}/nn/checkpoint_2.pth"]
    assert train_dexhand.main([*again, "--experiment-name", "again", "--headless"]) == 0
    assert find_runs(here / "runs")[-1].path.name.startswith("again_")
    order = understand(["--task", "Short", "--test", "--checkpoint", f"runs/{run.path.name}/nn/latest.pth"])
    assert order.calls == (("play", ["--run", f"runs/{run.path.name}/latest.zip", "--log-dir", "runs"]),)


def test_every_task_of_the_package_is_its_world() -> None:
    for file in CFG.glob("task/*.yaml"):
        env_id, parameters = find_task(file.stem)
        assert make_config(env_id, parameters) == make_config(env_id, {}), file.name


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--num_envs 5", "unknown flag '--num_envs'; did you mean --num-envs"),
        ("numEnvs=5", "begin with dashes; write --num-envs 5, not numEnvs=5"),
        ("--task Antt", "unknown task 'Antt'; did you mean Ant"),
        ("--task MyTask", "did you mean BaseTask.*A task of your own is the file dexhand_env/cfg/task/MyTask.yaml"),
        ("--experiment-name a/b", "argument --experiment-name: 'a/b' can't be part of a folder's name"),
        ("--test", "name it in --checkpoint"),
        ("--train-config dexhand_env/cfg/train/None.yaml", "^dexhand_env/cfg/train/None.yaml is missing"),
        ("--checkpoint runs/BaseTask_20240101_120000/nn/checkpoint_1000.pth", "no run at runs/BaseTask_20240101"),
        ("--preset tuned --train-config x.yaml", "--preset stands in for --train-config"),
        ("--sim-device tpu", "device of the physics is cpu or cuda, not 'tpu'"),
        ("--log-interval 0", "'0' is not at least 1"),
    ],
)
def test_what_can_not_be_is_one_sentence(here: Path, line: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        train_dexhand.main(["--task", "Ant", *line.split()])
    assert "\n" not in str(raised.value)
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- 3", "must be a mapping of hyperparameters"),
        ("horizon_lenght: 3", "unknown hyperparameter of batched_ppo in bad.yaml 'horizon_lenght'"),
        ("max_epochs: many", "max_epochs must be a whole number of at least 1, not 'many'"),
        ("lr_schedule: cosine", "lr_schedule must be adaptive, linear or null"),
        ("{gamma: 0.9, gamma: 0.8}", "written twice"),
        ("params: {config: 3}", "params must have a mapping config"),
    ],
)
def test_a_wrong_configuration_is_one_sentence(here: Path, text: str, sentence: str) -> None:
    Path("bad.yaml").write_text(text)
    with pytest.raises(UserError, match=sentence):
        resolve(understand(words("--task Ant --num-envs 4 --train-config bad.yaml")).request)
