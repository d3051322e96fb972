"""``train_reorient``: what its flags become, what it leaves on disk, what it refuses."""

import json
import re
from pathlib import Path

import pytest

from rl_baselines import train_reorient
from rl_baselines.front_doors.reorient import make_parser, understand
from rl_baselines.recordings.files import read_recording
from rl_baselines.runs.find import find_checkpoint, find_runs
from rl_baselines.training.plan import TrainingPlan
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError

TINY = [
    "--env_name=Ant",
    "--num_envs=4",
    "--unroll_length=4",
    "--batch_size=4",
    "--num_minibatches=2",
    "--num_updates_per_batch=1",
    "--episode_length=6",
    "--num_timesteps=96",
    "--num_evals=3",
    "--run_evals=false",
    "--num_videos=0",
]


def plan(*flags: str) -> TrainingPlan:
    request = understand(["--env_name=Ant", *flags]).request
    assert request is not None
    return resolve(request)


def test_the_defaults_are_the_documents(here: Path) -> None:
    made = plan()
    expected = {
        "n_envs": 1024,
        "n_steps": 20,
        "nminibatches": 8,
        "n_epochs": 8,
        "learning_rate": 5e-4,
        "desired_kl": None,
        "gamma": 0.97,
        "ent_coef": 5e-3,
        "reward_scale": 0.1,
        "clip_range": 0.2,
        "max_grad_norm": 1.0,
        "normalize_observations": True,
        "policy_obs_key": "policy",
    }
    assert expected.items() <= made.hyperparams.items()
    assert {made.settings[name].source for name in expected} == {"defaults of train_reorient"}
    assert made.hyperparams["value_obs_key"] is None, "the world's own group for it, where there is one"
    assert made.hyperparams["policy_kwargs"]["net_arch"] == {"pi": [64, 64, 64], "vf": [64, 64, 64]}
    assert (made.total_timesteps, made.seed, made.config.max_steps) == (1_000_000, 1, 1000)
    assert (made.eval_freq, made.save_freq, made.eval_episodes) == (200_000, 200_000, 128)
    assert not list(here.iterdir())


def test_flags_go_where_they_belong(here: Path) -> None:
    made = plan(
        "--num_envs=128", "-unroll_length=5", "--batch_size", "64", "--policy_hidden_layer_sizes=32,16",
        "--nonormalize_observations", "--domain_randomization", "--action_repeat=2", "--episode_length=400",
        "--num_timesteps=3e5", "--norun_evals", "--suffix=x", "--seed=3",
    )  # fmt: skip
    assert (made.hyperparams["n_envs"], made.hyperparams["n_steps"]) == (128, 20), "512 trajectories, 4 each"
    assert made.hyperparams["normalize_observations"] is False
    assert made.hyperparams["policy_kwargs"]["net_arch"] == {"pi": [32, 16], "vf": [64, 64, 64]}
    assert made.settings["n_steps"].source == "flags of train_reorient"
    world = made.config.flat()
    assert (world["max_steps"], world["sim.decimation"]) == (200, 4)
    assert world["randomize.friction.range"] == [0.5, 1.0]
    assert (made.eval_freq, made.total_timesteps, made.suffix, made.seed) == (0, 300_000, "x", 3)


def test_pixels(here: Path) -> None:
    made = plan("--vision", "--num_envs=256")
    assert (made.srl_model, made.hyperparams["n_envs"]) == ("raw_pixels", 256)
    assert plan("--vision", "--num_envs=256", "--num_evals=2").eval_episodes == 256, "as many as train at once"
    assert plan("--num_envs=256", "--num_evals=2").eval_episodes == 128


@pytest.mark.parametrize("flags", [["--vision"], []])
def test_the_hand_trains_with_the_documents_defaults(here: Path, flags: list[str]) -> None:
    """From pixels too, and though noise is made for its policy."""
    assert (
        train_reorient.main([*TINY, "--env_name=ParaHandReorient", "--num_timesteps=4", "--num_evals=1", *flags]) == 0
    )
    (run,) = find_runs(here / "logs")
    assert find_checkpoint(str(run.path)).name == "latest.zip"


@pytest.mark.parametrize("preset", ["tuned", "conservative"])
def test_the_presets_of_the_world(here: Path, preset: str) -> None:
    made = plan(f"--preset={preset}", "--num_envs=64", "--discounting=0.9")
    assert (made.hyperparams["n_envs"], made.hyperparams["gamma"]) == (64, 0.9)
    assert made.hyperparams["desired_kl"] is not None
    assert preset == "tuned" or made.settings["clip_range"].source.startswith("config/hyperparams/conservative/")


def test_it_trains_goes_on_and_plays(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = ["--rscope_envs=2", "--nodeterministic_rscope"]
    logged = ["--log_training_metrics", "--training_metrics_steps=6"]
    assert train_reorient.main([*TINY, "--suffix=first", *logged, *recorded]) == 0
    (run,) = find_runs(here / "logs")
    assert [path.stem for path in run.all_recordings()] == ["step_0", "step_32", "step_64", "step_96"]
    recording = read_recording(run.recording(96))
    assert (len(recording.trajectories), recording.deterministic) == (2, False)
    assert re.fullmatch(r"Ant-\d{8}-\d{6}-first", run.path.name)
    assert [path.name for path in run.numbered()] == [f"model_{steps}_steps.zip" for steps in (32, 64, 96)]
    assert json.loads((run.checkpoints / "config.json").read_text())["max_steps"] == 6
    assert "--num_minibatches=2" in run.read_yaml(run.args)["command"]
    assert re.search(
        r"episodes \d+, steps \d+, average reward .*, learning rate 0.0005, .*entropy", run.log.read_text()
    )

    changed = ["--learning_rate=1e-4", "--num_timesteps=32", "--num_evals=1", "--norun_evals", "--num_videos=0"]
    assert train_reorient.main([*changed, f"--load_checkpoint_path={run.checkpoints}/2"]) == 0
    again = find_runs(here / "logs")[-1]
    assert again.path.name.startswith("Ant-")
    content = json.loads(again.plan.read_text())
    assert content["parent"].endswith("model_64_steps.zip")
    assert content["hyperparams"]["n_steps"]["value"] == 8, "the model's own"
    assert content["hyperparams"]["learning_rate"]["value"] == "lin_0.0001"
    assert content["env_kwargs"]["max_steps"] == 6

    capsys.readouterr()
    assert (
        train_reorient.main(
            [
                "--play_only",
                f"--load_checkpoint_path={run.path}/checkpoints/3",
                "--num_videos=0",
                "--num_eval_envs=3",
                "--rscope_envs=2",
            ]
        )
        == 0
    )
    assert read_recording(run.path / "model_96_steps.npz").deterministic
    assert "return over 3 episodes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--num_envs=100", r"2048 trajectories .* num_envs 64 or 128"),
        ("--num-envs=64", "unknown flag '--num-envs'; did you mean --num_envs"),
        ("num_envs=64", "flags of this command begin with dashes; write --num_envs=64"),
        ("--env_name=ParaHandReorent", "unknown environment"),
        ("--rscope_envs=70", "up to 64 trajectories are recorded at once, not 70"),
        ("--play_only", "name it in --load_checkpoint_path"),
        ("--load_checkpoint_path=nowhere", "no checkpoint at nowhere"),
        ("--impl=cuda", "'cuda' is not auto or batch or warp or jax"),
        ("--env_name=MobileRobotGymEnv-v0 --domain_randomization", "has no domain randomization"),
        ("--env_name=MobileRobotGymEnv-v0 --impl=warp", "is no MuJoCo world; leave out --impl"),
        ("--policy_hidden_layer_sizes=64,x", "not a list of sizes such as 64,64,64"),
        ("--discounting=3", "gamma must be at least 0 and at most 1, not 3"),
        ("--value_obs_key=privileged", "group"),
    ],
)
def test_what_can_not_be_is_one_sentence(here: Path, line: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        train_reorient.main(["--env_name=Ant", "--num_envs=8", *line.split()])
    assert "\n" not in str(raised.value)
    assert not list(here.iterdir())


def test_every_flag_has_a_line_of_help() -> None:
    assert all(action.help for action in make_parser().flags())
    assert find_checkpoint.__doc__
