"""Actions that a world forbids are not taken by who acts outside training."""

import json

import gymnasium
import pytest

from environments.registry import registered_env
from rl_baselines import enjoy
from rl_baselines.acting.recorded_policy import CheckpointPerformer
from rl_baselines.runs.run_folder import RunFolder
from tests.rl_baselines.acting.masked_world import ENTRY, MaskedConfig
from tests.rl_baselines.conftest import Train

WORLD = MaskedConfig.env_id


@pytest.fixture
def run(small_train: Train, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A short training of maskable_ppo in the world that forbids three actions of five."""
    monkeypatch.setitem(registered_env, WORLD, ENTRY)
    monkeypatch.setitem(gymnasium.registry, WORLD, gymnasium.envs.registration.EnvSpec(WORLD, ENTRY.entry_point))
    flags = ["--algo", "maskable_ppo", "--env", WORLD, "--srl-model", "ground_truth", "--num-cpu", "1"]
    return small_train(*flags, "--hyperparam", "n_steps:60", "normalize:true", "--num-timesteps", "60")


def test_enjoy_takes_no_forbidden_action(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    for how in ("--deterministic", "--stochastic"):
        capsys.readouterr()
        assert enjoy.main(["--log-dir", str(run.path), "--num-episodes", "3", how, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["returns"] == [30.0] * 3


def test_the_recorder_takes_no_forbidden_action(run: RunFolder) -> None:
    stage, policy = CheckpointPerformer(run.latest, {"srl_model": "ground_truth"}, False).open(1)
    policy.begin(stage, [], 3)
    stage.reset(3)
    for _ in range(60):
        actions, labels = policy.act(stage)
        allowed = stage.world.action_masks()
        assert labels["action_probabilities"][0][~allowed].max() < 1e-6
        rewards, _ = stage.step(actions)
        assert rewards == [1.0]


def test_without_masks_it_would(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The world notices."""
    monkeypatch.setattr("rl_baselines.acting.evaluation.is_masking_supported", lambda _venv: False)
    with pytest.raises(Exception, match="is forbidden"):
        enjoy.main(["--log-dir", str(run.path), "--num-episodes", "3"])
