"""One run and its exported policy, made once for all tests that read them."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from rl_baselines import train
from rl_baselines.checkpoints.archive import Checkpoint, load_checkpoint
from rl_baselines.export.write import export_policy
from rl_baselines.runs.run_folder import RunFolder, find_runs

MOBILE = ("--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--num-cpu", "2", "-c")
SMALL = ("--num-timesteps", "200", "--hyperparam", "n_steps:50", "normalize:true", "--no-vis", "--no-progress")


@dataclasses.dataclass(frozen=True)
class Made:
    """A run with ``policy.onnx`` in its folder."""

    run: RunFolder
    checkpoint: Checkpoint
    file: Path


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Of ppo2 on the mobile robot; not to be changed."""
    folder = tmp_path_factory.mktemp("exported")
    assert train.main([*MOBILE, *SMALL, "--log-dir", str(folder / "logs")]) == 0
    run = find_runs(folder / "logs")[-1]
    checkpoint = load_checkpoint(run.latest)
    export_policy(checkpoint, run.path / "policy.onnx")
    return Made(run, checkpoint, run.path / "policy.onnx")


@pytest.fixture
def made(original: Made, tmp_path: Path) -> Made:
    """A copy of `original`."""
    run = RunFolder(tmp_path / "logs" / Path(*original.run.path.parts[-4:]))
    shutil.copytree(original.run.path, run.path)
    return Made(run, original.checkpoint, run.path / "policy.onnx")
