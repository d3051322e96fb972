"""A student that goes on by rewards learns first what it earns, and acts as it was taught meanwhile."""

from pathlib import Path

import pytest
import torch

from rl_baselines import train
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.runs.run_folder import RunFolder, find_runs
from rl_baselines.training.callbacks.checkpoints import CheckpointWriter
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError
from tests.rl_baselines.distillation.lessons_of_rules import recorded_at_random, taught

SHOWN = ("--no-vis", "--no-progress")


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of students, by what they observe."""
    folder = tmp_path_factory.mktemp("students")
    taught(recorded_at_random(folder, episodes=4), folder / "data")
    found = {}
    for observed in ("ground_truth", "raw_pixels"):
        given = ("--algo", "distillation", "--teacher-data-folder", str(folder / "data"), "--srl-model", observed)
        assert train.main([*given, "--epochs-distillation", "1", "--log-dir", str(folder / observed), *SHOWN]) == 0
        found[observed] = find_runs(folder / observed)[0].latest
    return found


def go_on(student: Path, log_dir: Path, steps: int, *flags: str) -> RunFolder:
    given = ("--load-rl-model-path", str(student), "--algo", "ppo2", "--num-timesteps", str(steps))
    small = ("--hyperparam", "n_steps:16", "n_envs:2", "n_epochs:1", "learning_rate:1e-3")
    assert train.main([*given, *small, *flags, "--log-dir", str(log_dir), *SHOWN]) == 0
    return find_runs(log_dir)[-1]


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(checkpoint).parameters["policy"]


def changed(before: Path, after: Path) -> set[str]:
    """Names of the weights that differ."""
    old, new = weights(before), weights(after)
    return {name for name in old if not torch.equal(old[name], new[name])}


def of_values(name: str) -> bool:
    return "value_net" in name or name.startswith("vf_features_extractor.")


@pytest.mark.parametrize("observed", ["ground_truth", "raw_pixels"])
def test_the_policy_is_held_while_values_are_learned(students, tmp_path, observed, capsys):
    student = students[observed]
    held = go_on(student, tmp_path / "held", 64, "--value-warmup", "64")
    assert "in the first 64 steps it acts as it was taught" in capsys.readouterr().out
    found = changed(student, held.latest)
    assert {"value_net.weight", "value_net.bias"} <= found
    assert all(map(of_values, found)), "nothing that its actions depend on"
    if observed == "ground_truth":
        assert "action_net.weight" in changed(
            student, go_on(student, tmp_path / "on", 96, "--value-warmup", "64").latest
        )


def test_how_long(students, tmp_path):
    student = students["ground_truth"]
    assert "action_net.weight" in changed(student, go_on(student, tmp_path / "a", 32, "--value-warmup", "0").latest)
    assert "action_net.weight" not in changed(student, go_on(student, tmp_path / "b", 64).latest), "by default"


def test_resumed_in_its_midst(students, tmp_path, monkeypatch):
    """The run is copied as it was after 64 of 128 steps, of which the first 96 are held."""
    import shutil

    write = CheckpointWriter.write_latest
    midst = tmp_path / "midst" / "run"

    def written(self, model):
        write(self, model)
        if model.num_timesteps == 64 and not midst.exists():
            shutil.copytree(self.run.path, midst)

    monkeypatch.setattr(CheckpointWriter, "write_latest", written)
    monkeypatch.setattr("rl_baselines.training.callbacks.checkpoints.SAVE_SECONDS", 0.0)
    monkeypatch.setattr("rl_baselines.training.callbacks.checkpoints.MAX_SAVE_SHARE", 1e9)
    whole = go_on(students["ground_truth"], tmp_path / "whole", 128, "--value-warmup", "96")
    assert train.main(["--resume", str(midst), *SHOWN]) == 0
    assert changed(whole.latest, midst / "latest.zip") == set()


def test_it_is_for_students(students, tmp_path):
    with pytest.raises(UserError, match="--value-warmup is for a student that goes on by rewards; add --load-rl"):
        resolve(TrainingRequest(value_warmup=5, log_dir=tmp_path, no_vis=True))
    run = go_on(students["ground_truth"], tmp_path / "runs", 32)
    again = {"load_rl_model_path": str(run.latest), "log_dir": tmp_path, "no_vis": True}
    assert resolve(TrainingRequest(**again)).value_warmup == 0, "its values are learned"
