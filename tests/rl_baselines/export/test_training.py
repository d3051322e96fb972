"""``train --export``: ``policy.onnx`` is that of the best model, whatever happens meanwhile."""

from pathlib import Path

import pytest

from rl_baselines import export, train
from rl_baselines.export.contract import file_sha256
from rl_baselines.export.reader import read_exported
from rl_baselines.runs.run_folder import RunFolder, find_runs
from rl_baselines.training import resolve
from srl3.errors import UserError
from tests.rl_baselines.conftest import MOBILE

QUICK = ("--no-vis", "--no-progress", "--min-episodes-save", "1", "--env-kwargs", "max_steps:20")


def trained(tmp_path: Path, *flags: str) -> RunFolder:
    steps = ("--num-timesteps", "400", "--export", "--log-dir", str(tmp_path / "logs"))
    assert train.main([*MOBILE, *QUICK, *steps, *flags]) == 0
    return find_runs(tmp_path / "logs")[-1]


def test_the_policy_is_that_of_the_best_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(tmp_path, "--hyperparam", "n_steps:50")
    contract = read_exported(run.policy).contract
    assert contract["checkpoint"]["sha256"] == file_sha256(run.best_model)
    assert export.main(["--verify", str(run.policy)]) == 0
    assert "best_model.zip" in capsys.readouterr().out


def test_a_policy_that_can_not_be_exported_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained(tmp_path, "--algo", "random_agent")
    assert run.best_model.is_file()
    assert not run.policy.exists()
    assert capsys.readouterr().err.count("policy.onnx was not written: random_agent can't be exported") == 1


def test_a_missing_package_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise UserError("export needs onnx, which is not installed")

    monkeypatch.setattr(resolve, "check_needs", missing)
    with pytest.raises(UserError, match="export needs onnx"):
        trained(tmp_path)
    assert not (tmp_path / "logs").exists()
