"""After loading, what was asked for holds; what can't hold begins anew, and is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_baselines.checkpoints.checkpoint import load_checkpoint
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.reporter import Reporter
from tests.rl_baselines.conftest import MOBILE, Train

NET = "policy_kwargs:{net_arch: [8]}"
SHORT = ("--num-timesteps", "60", "--env-kwargs", "max_steps:20")
OFF_POLICY = ("learning_starts:20", "batch_size:8", "buffer_size:100", NET)


@pytest.fixture(autouse=True)
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reporter, "plot", lambda self, log: None)


def retrain(small_train: Train, parent: RunFolder, log_dir: Path, *flags: str) -> RunFolder:
    return small_train("--load-rl-model-path", str(parent.latest), "--num-timesteps", "60", *flags, log_dir=log_dir)


def group(model: Any) -> dict[str, Any]:
    return model.policy.optimizer.param_groups[0]


def test_what_configures_the_optimiser_is_what_was_asked_for(small_train, models, tmp_path, capsys):
    flags = (*MOBILE, "--algo", "a2c", *SHORT, "--hyperparam", "n_steps:10", NET)
    parent = small_train(*flags, log_dir=tmp_path / "parent")
    run = retrain(small_train, parent, tmp_path / "a", "--hyperparam", "rms_prop_eps:0.1")
    assert group(models[-1])["eps"] == 0.1
    assert run.read_yaml(run.train_config)["rms_prop_eps"]["value"] == 0.1
    decay = "policy_kwargs:{net_arch: [8], optimizer_kwargs: {weight_decay: 0.5}}"
    retrain(small_train, parent, tmp_path / "b", "--hyperparam", decay)
    assert group(models[-1])["weight_decay"] == 0.5
    assert "begins anew" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "asked", ["use_rms_prop:false", "policy_kwargs:{net_arch: [8], optimizer_class: torch.optim.SGD}"]
)
def test_an_optimiser_of_another_class_begins_anew_and_is_said(small_train, models, tmp_path, capsys, asked):
    algo = "a2c" if "rms" in asked else "ppo2"
    small = ("n_steps:10", NET) if algo == "a2c" else ("n_steps:10", "batch_size:10", NET)
    parent = small_train(*MOBILE, "--algo", algo, *SHORT, "--hyperparam", *small, log_dir=tmp_path / "parent")
    run = retrain(small_train, parent, tmp_path / "child", "--hyperparam", asked)
    assert "the optimiser policy.optimizer begins anew" in capsys.readouterr().out
    assert type(models[-1].policy.optimizer).__name__ == ("Adam" if algo == "a2c" else "SGD")
    assert load_checkpoint(run.latest).info.num_timesteps == 60


@pytest.mark.parametrize(
    ("before", "asked", "learned", "value"),
    [
        ("auto", "auto_0.5", True, 0.5),
        ("auto", "0.1", False, 0.1),
        ("0.1", "auto_0.5", True, 0.5),
        ("0.1", "0.3", False, 0.3),
    ],
)
def test_another_entropy_coefficient(small_train, models, tmp_path, capsys, before, asked, learned, value):
    flags = (*MOBILE, "-c", "--algo", "sac", *SHORT, "--hyperparam", *OFF_POLICY, f"ent_coef:{before}")
    parent = small_train(*flags, log_dir=tmp_path / "parent")
    retrain(small_train, parent, tmp_path / "child", "--new-lr", "1e-9", "--hyperparam", f"ent_coef:{asked}")
    model: Any = models[-1]
    assert (model.log_ent_coef is not None) is learned
    now = model.log_ent_coef.exp().item() if learned else model.ent_coef_tensor.item()
    assert now == pytest.approx(value, abs=1e-4)
    assert "the entropy coefficient begins anew" in capsys.readouterr().out


def test_the_entropy_coefficient_goes_on_where_nothing_else_is_asked(small_train, models, tmp_path, capsys):
    flags = (*MOBILE, "-c", "--algo", "sac", *SHORT, "--hyperparam", *OFF_POLICY, "learning_rate:0.02")
    parent = small_train(*flags, log_dir=tmp_path / "parent")
    learned = models[-1].log_ent_coef.item()
    assert learned != 0
    retrain(small_train, parent, tmp_path / "child", "--new-lr", "1e-9")
    assert models[-1].log_ent_coef.item() == pytest.approx(learned, abs=1e-4)
    assert "begins anew" not in capsys.readouterr().out


DQN = (*MOBILE, "--algo", "dqn", *SHORT, "--hyperparam", *OFF_POLICY)


def test_dqn_explores_on_from_where_its_parent_ended(small_train, models, tmp_path):
    parent = small_train(*DQN, "exploration_final_eps:0.2", log_dir=tmp_path / "parent")
    run = retrain(small_train, parent, tmp_path / "child")
    setting = run.read_yaml(run.train_config)["exploration_initial_eps"]
    assert setting == {"value": 0.2, "from": str(parent.latest)}
    assert models[-1].exploration_schedule(1.0) == 0.2
    run = retrain(small_train, parent, tmp_path / "asked", "--hyperparam", "exploration_initial_eps:0.7")
    assert run.read_yaml(run.train_config)["exploration_initial_eps"]["value"] == 0.7


def test_a_smaller_replay_buffer_takes_the_newest_steps(small_train, models, tmp_path, capsys):
    parent = small_train(*DQN, log_dir=tmp_path / "parent")
    rewards = models[-1].replay_buffer.rewards[:60].copy()
    child = retrain(small_train, parent, tmp_path / "child", "--hyperparam", "buffer_size:70", "learning_starts:1000")
    assert "takes over" not in capsys.readouterr().out, "all 60 fit"
    buffer = models[-1].replay_buffer
    assert buffer.full
    assert np.array_equal(np.roll(buffer.rewards, -buffer.pos, axis=0)[:10], rewards[50:])
    retrain(small_train, child, tmp_path / "third", "--hyperparam", "buffer_size:30", "learning_starts:1000")
    assert "takes over the newest 30 of the 70 steps" in capsys.readouterr().out


def test_another_number_of_environments_is_dealt_the_steps(small_train, models, tmp_path, capsys):
    parent = small_train(*DQN, log_dir=tmp_path / "parent")
    rewards = models[-1].replay_buffer.rewards[:60, 0].copy()
    retrain(small_train, parent, tmp_path / "child", "--num-cpu", "4", "--hyperparam", "learning_starts:1000")
    buffer = models[-1].replay_buffer
    assert buffer.rewards.shape == (25, 4)
    assert np.array_equal(buffer.rewards[:15][5:], rewards.reshape(15, 4)[5:]), (
        "15 rounds of 4, then overwritten from 25 on"
    )
    spared = ("optimize_memory_usage:true", "replay_buffer_kwargs:{handle_timeout_termination: false}")
    retrain(small_train, parent, tmp_path / "spared", "--hyperparam", *spared, "learning_starts:1000")
    assert "beginning empty" not in capsys.readouterr().out
    retrain(small_train, parent, tmp_path / "both", "--num-cpu", "4", "--hyperparam", *spared, "learning_starts:1000")
    assert "whose steps follow one another: beginning empty" in capsys.readouterr().out
