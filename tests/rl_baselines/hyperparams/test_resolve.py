from pathlib import Path
from typing import Any

import pytest
import yaml

from config import HYPERPARAMS_FOLDER, SRL_MODELS_FILE
from environments.registry import registered_env
from rl_baselines.hyperparams.resolve import Setting, resolve_hyperparams, table
from rl_baselines.hyperparams.schedules import build_schedule, initial_learning_rate, initial_value
from rl_baselines.registry import ActionType, find_algo, registered_rl
from srl3.errors import UserError

WORLD = "CarRacingGymEnv-v0"
"""an environment for which no preset has a section"""


def resolve(name: str = "ppo2", **kwargs: Any) -> dict[str, Setting]:
    options = {"continuous": ActionType.DISCRETE not in registered_rl[name].actions} | kwargs
    return resolve_hyperparams(find_algo(name).load_class(), name, WORLD, "ground_truth", **options)


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_reference_defaults_of_ppo2() -> None:
    settings = resolve_hyperparams(
        find_algo("ppo2").load_class(), "ppo2", "KukaButtonGymEnv-v0", "raw_pixels", continuous=False
    )
    values = {name: setting.value for name, setting in settings.items()}
    expected = {
        "n_steps": 128,
        "nminibatches": 4,
        "n_epochs": 4,
        "learning_rate": "lin_2.5e-4",
        "ent_coef": 0.01,
        "vf_coef": 0.5,
        "max_grad_norm": 0.5,
        "gamma": 0.99,
        "gae_lambda": 0.95,
        "clip_range": 0.2,
        "normalize": True,
    }
    assert expected.items() <= values.items()
    assert "batch_size" not in values
    assert settings["use_sde"] == Setting(False, "default of PPO")
    assert settings["n_envs"] == Setting(1, "default of SRL3")
    assert settings["n_epochs"].source == "config/hyperparams/ppo2.yaml: default"


@pytest.mark.parametrize("name", registered_rl)
def test_every_preset_resolves_and_is_json_and_yaml(name: str) -> None:
    for srl_model in ("raw_pixels", "ground_truth"):
        for action in registered_rl[name].actions:
            settings = resolve_hyperparams(
                find_algo(name).load_class(), name, WORLD, srl_model, continuous=action is ActionType.CONTINUOUS
            )
            values = {key: setting.value for key, setting in settings.items()}
            assert yaml.safe_load(yaml.safe_dump(values)) == values


def test_every_preset_file_belongs_to_an_algorithm() -> None:
    presets = {entry.load_class().preset for entry in registered_rl.values()}
    assert {path.stem for path in HYPERPARAMS_FOLDER.glob("*.yaml")} == presets
    assert isinstance(yaml.safe_load(SRL_MODELS_FILE.read_text()), dict)


def test_random_first_ages_are_of_worlds_trained_from_their_state_alone() -> None:
    """Elsewhere they are refused, and nobody asked for them."""
    algo = find_algo("batched_ppo").load_class()
    for env_id in registered_env:
        for preset in ("tuned", "conservative"):
            settings = resolve_hyperparams(algo, "batched_ppo", env_id, "raw_pixels", continuous=True, preset=preset)
            assert settings["random_initial_ages"].value is False, (env_id, preset)
    ant = resolve_hyperparams(algo, "batched_ppo", "AntGymEnv-v0", "ground_truth", continuous=True)
    assert ant["random_initial_ages"].value is True


def test_the_most_specific_source_wins(tmp_path: Path) -> None:
    sections = [
        "default",
        "default/ground_truth",
        "default/ground_truth/discrete",
        WORLD,
        f"{WORLD}/ground_truth",
        f"{WORLD}/ground_truth/discrete",
    ]
    for count in range(1, len(sections) + 1):
        text = "\n".join(f"{section}: {{n_epochs: {number + 20}}}" for number, section in enumerate(sections[:count]))
        path = write(tmp_path, text)
        assert resolve(conf_file=path)["n_epochs"] == Setting(19 + count, f"{path}: {sections[count - 1]}")
    assert resolve(conf_file=path, overrides=["n_epochs:5"])["n_epochs"] == Setting(5, "--hyperparam")
    both = resolve(conf_file=path, overrides=["n_envs:5"], flags={"n_envs": 8, "learning_rate": None})
    assert both["n_envs"] == Setting(8, "--num-cpu")
    assert resolve(conf_file=path, continuous=True)["n_epochs"].value == 24
    other = resolve_hyperparams(
        find_algo("ppo2").load_class(), "ppo2", "MobileRobotGymEnv-v0", "vae", continuous=False, conf_file=path
    )
    assert other["n_epochs"].value == 20


def test_batch_size_and_nminibatches_displace_each_other(tmp_path: Path) -> None:
    assert "nminibatches" not in resolve(overrides=["batch_size:32"])
    path = write(tmp_path, f"default: {{batch_size: 32}}\n{WORLD}: {{nminibatches: 2}}")
    settings = resolve(conf_file=path)
    assert "batch_size" not in settings
    assert settings["nminibatches"].value == 2
    with pytest.raises(UserError, match="--hyperparam sets both batch_size and nminibatches; set one of them"):
        resolve(overrides=["batch_size:32", "nminibatches:2"])


def test_saved_values_stand_in_for_the_file() -> None:
    saved = {name: setting.value for name, setting in resolve(overrides=["n_epochs:7"]).items()}
    settings = resolve(saved=("run/latest.zip", saved), overrides=["batch_size:16"])
    assert settings["n_epochs"] == Setting(7, "run/latest.zip")
    assert settings["batch_size"] == Setting(16, "--hyperparam")
    assert "nminibatches" not in settings


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("ppo2", "n_steps:1e3", 1000),
        ("ppo2", "n_steps:100_000", 100_000),
        ("ppo2", "learning_rate:1e-4", 1e-4),
        ("ppo2", "learning_rate:lin_1e-4", "lin_1e-4"),
        ("ppo2", "clip_range_vf:null", None),
        ("ppo2", "target_kl:None", None),
        ("ppo2", "normalize_advantage:false", False),
        ("ppo2", "vf_coef:1", 1.0),
        (
            "ppo2",
            "policy_kwargs:{net_arch: [64, 64], activation_fn: ReLU}",
            {"net_arch": [64, 64], "activation_fn": "ReLU"},
        ),
        ("sac", "ent_coef:auto_0.1", "auto_0.1"),
        ("sac", "ent_coef:0.1", 0.1),
        ("sac", "train_freq:[1, episode]", [1, "episode"]),
        ("td3", "noise_type:ornstein-uhlenbeck", "ornstein-uhlenbeck"),
        ("ars", "delta_std:lin_0.1", "lin_0.1"),
    ],
)
def test_overrides_are_typed(name: str, text: str, value: Any) -> None:
    found = resolve(name, overrides=[text])[text.partition(":")[0]].value
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ppo2", "n_steps", "--hyperparam takes name:value, for example n_steps:256, not 'n_steps'"),
        ("ppo2", "n_steps:", "--hyperparam takes name:value"),
        ("ppo2", ":5", "--hyperparam takes name:value"),
        ("ppo2", "n_step:5", "unknown hyperparameter of ppo2 in --hyperparam 'n_step'; did you mean n_steps"),
        ("ppo2", "seed:5", "unknown hyperparameter of ppo2"),
        ("ppo2", "rollout_buffer_class:x", "unknown hyperparameter of ppo2"),
        ("ppo2", "n_steps:many", "n_steps must be a whole number, not 'many'"),
        ("ppo2", "n_steps:1.5", "n_steps must be a whole number, not 1.5"),
        ("ppo2", "n_steps:true", "n_steps must be a whole number, not True"),
        ("ppo2", "n_steps:null", "n_steps must be a whole number, not null"),
        ("ppo2", "n_steps:0", "n_steps must be at least 1, not 0"),
        ("ppo2", "n_steps:[", r"--hyperparam n_steps: '\[' is no value that YAML can read"),
        ("ppo2", "n_steps:1", "normalises advantages over at least 2 samples; a rollout of 1"),
        ("ppo2", "batch_size:1", "normalises advantages over at least 2 samples"),
        ("ppo2", "nminibatches:128", "normalises advantages over at least 2 samples; .* in minibatches of 1"),
        ("ppo2", "learning_rate:-1", "learning_rate must be at least 0, not -1"),
        ("ppo2", "learning_rate:lin_-1", "learning_rate must be at least 0"),
        ("ppo2", "learning_rate:exp_1", "learning_rate must be a number or a schedule such as lin_2.5e-4, not 'exp_1'"),
        ("ppo2", "learning_rate:.nan", "learning_rate must be a number"),
        ("ppo2", "learning_rate:lin_inf", "learning_rate must be a number"),
        ("ppo2", "gamma:1.01", "gamma must be at least 0 and at most 1, not 1.01"),
        ("ppo2", "normalize:1", "normalize must be true, false or a mapping"),
        ("ppo2", "use_sde:true", "use_sde needs continuous actions"),
        ("ppo2", "policy_kwargs:5", "policy_kwargs must be a mapping"),
        ("ppo2", "policy_kwargs:{net_arch: [0]}", "net_arch of ppo2 in --hyperparam must be layer sizes"),
        ("ppo2", "policy_kwargs:{activation_fn: Relu}", "unknown activation_fn .*'Relu'; did you mean .*ReLU"),
        ("ppo2", "n_envs:0", "n_envs must be at least 1"),
        ("dqn", "exploration_fraction:0", "exploration_fraction must be more than 0 and at most 1"),
        ("dqn", "optimize_memory_usage:true", "add replay_buffer_kwargs"),
        ("dqn", "replay_buffer_kwargs:{a: 1}", "replay_buffer_kwargs takes handle_timeout_termination"),
        ("dqn", "train_freq:[1, epoch]", "train_freq must be a whole number of steps or a pair"),
        ("td3", "noise_type:pink", "noise_type must be normal or ornstein-uhlenbeck, not 'pink'"),
        ("sac", "ent_coef:auto_x", "ent_coef must be a number, auto"),
        ("ars", "n_top:50", r"n_top of ars must be at most n_delta \(10\), not 50"),
        ("cma-es", "population_size:2", "population_size must be at least 4"),
    ],
)
def test_refused_overrides(name: str, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve(name, overrides=[text])


def test_refused_together() -> None:
    with pytest.raises(UserError, match="--hyperparam sets n_steps twice"):
        resolve(overrides=["n_steps:5", "n_steps:6"])
    with pytest.raises(UserError, match="only with one environment"):
        resolve("sac", overrides=["train_freq:[1, episode]"], flags={"n_envs": 2})
    with pytest.raises(UserError, match="--num-cpu: n_envs must be at least 1, not 0"):
        resolve(flags={"n_envs": 0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b", r"must be a mapping from section to hyperparameters"),
        ("default: [", "is not YAML"),
        ("default: {n_steps: 5}\ndefault: {n_steps: 6}", "'default' is written twice"),
        ("default: 5", "section default must be a mapping"),
        ("defalt: {}", "unknown section in .* 'defalt'; did you mean default"),
        ("KukaButonGymEnv-v0: {}", "unknown section in .*; did you mean KukaButtonGymEnv-v0"),
        ("default/ground_trut: {}", "unknown representation in section .*; did you mean ground_truth"),
        ("default/ground_truth/both: {}", "must end in discrete or continuous"),
        (
            "default: {n_step: 5}",
            "unknown hyperparameter of ppo2 in .*mine.yaml, section default 'n_step'; did you mean",
        ),
        ("MobileRobotGymEnv-v0: {n_step: 5}", "unknown hyperparameter of ppo2 in .*, section MobileRobotGymEnv-v0"),
        ("default: {learning_rate: !!python/name:os.system }", "is not YAML"),
        ("default: {batch_size: 4, nminibatches: 4}", "section default sets both batch_size and nminibatches"),
        ("default: {1: 2}", "unknown hyperparameter of ppo2"),
    ],
)
def test_refused_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve(conf_file=write(tmp_path, text))


def test_a_minibatch_is_at_most_a_rollout() -> None:
    with pytest.raises(UserError, match=r"batch_size of ppo2 is 100,000, and a rollout has 4,096 steps"):
        resolve(overrides=["batch_size:100000", "n_steps:64", "n_envs:64"])
    assert resolve(overrides=["batch_size:4096", "n_steps:64", "n_envs:64"])["batch_size"].value == 4096


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml is missing; --conf-file takes sections such as"):
        resolve(conf_file=tmp_path / "none.yaml")
    with pytest.raises(UserError, match="is a folder, where a file is wanted"):
        resolve(conf_file=tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UserError, match="it is not a text file"):
        resolve(conf_file=binary)
    for nothing in ("", "default:", "AntGymEnv-v0: {n_steps: 64}"):
        with pytest.raises(UserError, match=r"has no hyperparameters for .*, and takes the place of the preset"):
            resolve(conf_file=write(tmp_path, nothing))


def test_numbers_written_as_text_are_read(tmp_path: Path) -> None:
    settings = resolve(conf_file=write(tmp_path, "default: {learning_rate: 1e-4, n_steps: 1e3, n_epochs: '100_0'}"))
    assert [settings[name].value for name in ("learning_rate", "n_steps", "n_epochs")] == [1e-4, 1000, 1000]


def test_table_is_aligned_and_says_where_from() -> None:
    lines = table(resolve(overrides=["n_steps:64"], flags={"n_envs": 8})).splitlines()
    assert lines[0].split() == ["hyperparameter", "value", "from"]
    column = lines[0].index("from")
    assert all(line[column - 1] == " " != line[column] for line in lines)
    assert any(line.split() == ["n_envs", "8", "--num-cpu"] for line in lines)
    assert any(line.split() == ["n_steps", "64", "--hyperparam"] for line in lines)
    assert not any("use_sde" in line for line in lines)


def test_schedule_specs() -> None:
    assert initial_value("lin_2.5e-4") == 2.5e-4
    assert initial_learning_rate({"learning_rate": "lin_1e-3"}) == 1e-3
    assert initial_learning_rate({"learning_rate": 0.5}) == 0.5
    assert initial_learning_rate({}) is None
    assert build_schedule(0.1) == 0.1
    assert [build_schedule("lin_2")(progress) for progress in (1.0, 0.25, 0.0)] == [2.0, 0.5, 0.0]  # type: ignore[operator]


@pytest.mark.parametrize("name", ["batched_ppo", "ppo2"])
def test_the_conservative_preset_takes_smaller_steps_from_more_samples(name: str) -> None:
    algorithm = find_algo(name).load_class()
    for env_id, entry in registered_env.items():
        discrete = getattr(entry.load_config()(), "is_discrete", False)
        tuned, careful = (
            resolve_hyperparams(algorithm, name, env_id, "ground_truth", continuous=not discrete, preset=preset)
            for preset in ("tuned", "conservative")
        )
        rates = [initial_learning_rate({key: each.value for key, each in one.items()}) or 0 for one in (careful, tuned)]
        assert rates[0] < rates[1], env_id
        for smaller in ("clip_range", "max_grad_norm", "desired_kl"):
            if smaller in tuned:
                assert careful[smaller].value <= tuned[smaller].value, f"{smaller} of {env_id}"
        samples = [one["n_envs"].value * one["n_steps"].value for one in (careful, tuned)]
        assert samples[0] >= samples[1], env_id
        assert careful["clip_range"].source == f"config/hyperparams/conservative/{name}.yaml: default"


def test_a_preset_that_there_is_not() -> None:
    with pytest.raises(UserError, match="--preset conservative is for batched_ppo, ppo2; sac has only its own"):
        resolve("sac", preset="conservative")
    with pytest.raises(UserError, match="unknown preset 'bold'; known are: conservative, tuned"):
        resolve("ppo2", preset="bold")


def test_further_sources_stand_between_presets_and_flags() -> None:
    sources = [("a file", {"gamma": 0.9, "gae_lambda": 0.8}), ("a front door", {"gamma": 0.8})]
    settings = resolve("ppo2", further=sources, overrides=["gae_lambda:0.7"])
    assert settings["gamma"] == Setting(0.8, "a front door")
    assert settings["gae_lambda"] == Setting(0.7, "--hyperparam")
    with pytest.raises(UserError, match="a file: gamma must be"):
        resolve("ppo2", further=[("a file", {"gamma": 3})])
