"""Preset files as rl-zoo3 writes them."""

from pathlib import Path

import pytest

from rl_baselines.hyperparams.resolve import zoo_preset_of
from rl_baselines.training.flags import add_training_flags, request_from_flags
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError
from srl3.flags import Parser

FILE = """
default: &base
  n_timesteps: !!float 1e6
  policy: 'MlpPolicy'
  gamma: 0.9

HalfCheetahBulletEnv-v0:
  <<: *base
  env_wrapper: sb3_contrib.common.wrappers.TimeFeatureWrapper

CartPole-v1:
  <<: *base
  n_timesteps: !!float 5e4
  normalize: "dict(norm_obs=True, norm_reward=True)"
  n_envs: 2
  learning_rate: lin_0.001
  clip_range: lin_0.2
  frame_stack: 3
  policy_kwargs: "dict(log_std_init=-2,
                   ortho_init=False,
                   activation_fn=nn.ReLU,
                   net_arch=dict(pi=[256, 128], vf=[256])
                   )"
  env_kwargs: {max_steps: 77}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ppo.yml"
    path.write_text(FILE)
    return path


def plan_of(*flags: str):
    parser = Parser()
    add_training_flags(parser)
    return resolve(request_from_flags(*parser.parse_with_given([*flags, "--no-vis"])))


def test_a_section_of_a_known_world_sets_all_that_it_says(file: Path) -> None:
    file.write_text(FILE.replace("CartPole-v1", "MobileRobotGymEnv-v0"))
    flags = ("--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--conf-file", str(file))
    plan = plan_of(*flags)
    assert (plan.total_timesteps, plan.num_stack, plan.env_kwargs["max_steps"]) == (50_000, 3, 77)
    hyperparams = plan.hyperparams
    assert hyperparams["normalize"] == {"norm_obs": True, "norm_reward": True}
    assert (hyperparams["learning_rate"], hyperparams["clip_range"]) == ("lin_0.001", "lin_0.2")
    assert (hyperparams["n_envs"], hyperparams["gamma"]) == (2, 0.9)
    assert hyperparams["policy_kwargs"] == {
        "log_std_init": -2,
        "ortho_init": False,
        "activation_fn": "ReLU",
        "net_arch": {"pi": [256, 128], "vf": [256]},
    }
    assert plan.settings["gamma"].source.endswith("ppo.yml: MobileRobotGymEnv-v0")
    chosen = plan_of(*flags, "--num-timesteps", "7", "--num-stack", "1", "--env-kwargs", "max_steps:5")
    assert (chosen.total_timesteps, chosen.num_stack, chosen.env_kwargs["max_steps"]) == (7, 1, 5)


def test_a_world_without_a_section_takes_the_default(file: Path) -> None:
    preset = zoo_preset_of(file, "MobileRobotGymEnv-v0")
    assert preset is not None
    assert (preset.section, preset.n_timesteps, preset.hyperparams) == ("default", 1_000_000, {"gamma": 0.9})


def test_other_files_are_read_as_before(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("default: {gamma: 0.9}\n")
    assert zoo_preset_of(tmp_path / "own.yaml", "MobileRobotGymEnv-v0") is None
    assert zoo_preset_of(None, "MobileRobotGymEnv-v0") is None


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            "monitor_kwargs: {info_keywords: [x]}\n  policy: my.Policy",
            r"asks for what SRL3 does not do: monitor_kwargs .*; policy \(my.Policy.*Leave these keys out",
        ),
        ("policy: my.Policy", r"policy \(my.Policy, where there are only MlpPolicy"),
        ("n_timesteps: many", "n_timesteps must be a whole number of at least 1, not 'many'"),
        ("policy_kwargs: \"__import__('os').system('touch ran')\"", "policy_kwargs can't be read as it is"),
        ('policy_kwargs: "dict(net_arch=[x for x in (1, 2)])"', "policy_kwargs can't be read as it is"),
        ('policy_kwargs: "dict(**{})"', "policy_kwargs can't be read as it is"),
    ],
)
def test_what_can_not_be_done_is_named_and_nothing_is_run(lines, sentence, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ppo.yml").write_text(f"default:\n  {lines}\nother:\n  policy: MlpPolicy\n")
    with pytest.raises(UserError, match=sentence):
        zoo_preset_of(tmp_path / "ppo.yml", "MobileRobotGymEnv-v0")
    assert not (tmp_path / "ran").exists()


CLASSES = """
default:
  policy: 'MlpPolicy'
  env_wrapper:
    - gymnasium.wrappers.ClipReward:
        min_reward: -1
        max_reward: 1
    - sb3_contrib.common.wrappers.TimeFeatureWrapper
  vec_env_wrapper: stable_baselines3.common.vec_env.VecCheckNan
  callback:
    - stable_baselines3.common.callbacks.CheckpointCallback: {save_freq: 100, save_path: nowhere}
"""


def test_classes_are_named_as_rl_zoo3_does(tmp_path: Path) -> None:
    (tmp_path / "ppo.yml").write_text(CLASSES)
    hyperparams = plan_of(
        "--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--conf-file", str(tmp_path / "ppo.yml")
    ).hyperparams
    assert hyperparams["env_wrapper"] == [
        {"gymnasium.wrappers.ClipReward": {"min_reward": -1, "max_reward": 1}},
        {"sb3_contrib.common.wrappers.TimeFeatureWrapper": {}},
    ]
    assert hyperparams["vec_env_wrapper"] == [{"stable_baselines3.common.vec_env.VecCheckNan": {}}]
    assert list(hyperparams["callback"][0]) == ["stable_baselines3.common.callbacks.CheckpointCallback"]


def test_classes_that_are_not_there_are_named_one_by_one(tmp_path: Path) -> None:
    text = CLASSES.replace("sb3_contrib.common.wrappers.T", "sb3_contrib.common.wrappers.NoT")
    (tmp_path / "ppo.yml").write_text(text.replace("stable_baselines3.common.vec_env.V", "rl_zoo3.nowhere.V"))
    with pytest.raises(UserError, match=r"has no 'NoTimeFeatureWrapper'; did you mean .*no module 'rl_zoo3"):
        plan_of("--env", "MobileRobotGymEnv-v0", "--conf-file", str(tmp_path / "ppo.yml"))
